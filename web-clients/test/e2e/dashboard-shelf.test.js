/** The shelf in a browser without a server: what is found, in which order and under which address, and that nothing stands over an edge. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frames, launch } from "./browser.js";
import { product } from "./props.js";
import { until } from "./servers.js";
import { Stage } from "./stage.js";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const many = Array.from({ length: 100 }, (_, n) => product(n));

/** @param {string} view @param {ReturnType<typeof product>[]} products */
async function open(view, products) {
  const answers = products.flatMap((one) => [[`/products/${one.product_id}`, one], [`/products/${one.product_id}/changes`, { changes: [one] }], [`/products/${one.product_id}/rate`, {}]]);
  const stage = await Stage.open(browser, view, { "/products": { products }, ...Object.fromEntries(answers) });
  return { stage, page: stage.page, told: stage.page.locator(".tools .told"), again: stage.page.getByRole("button", { name: "Sort again" }) };
}

/** @param {import("playwright-core").Page} page */
const names = (page) => page.locator(".card .name").allTextContents();
/** @param {import("playwright-core").Page} page */
const hash = (page) => page.evaluate(() => location.hash);

test("the search field that a key leads to stands below the head, wherever the page was", async () => {
  const { stage, page } = await open("", many);
  await page.locator(".card").first().waitFor();
  const below = () => page.evaluate(() => {
    const [head, field] = [".top", "#search"].map((selector) => document.querySelector(selector)?.getBoundingClientRect());
    return head && field && Math.round(field.top - head.bottom);
  });
  for (const [width, height] of /** @type {const} */ ([[1280, 860], [700, 500], [360, 640]])) {
    await page.setViewportSize({ width, height });
    for (const y of [100, 125, 140, 150, 2000]) {
      await page.evaluate((top) => {
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
        scrollTo({ top });
      }, y);
      await frames(page);
      await page.keyboard.press("/");
      assert.ok(await page.evaluate(() => document.activeElement?.id === "search"));
      await frames(page);
      assert.ok(Number(await below()) >= 0, `at ${width} px, scrolled by ${y}, it is ${await below()} px below the head`);
    }
  }
  await stage.close();
});

test("from another view a key leads to the search field, though the shelf was left far down", async () => {
  const { stage, page } = await open("", many);
  await page.locator(".card").first().waitFor();
  await page.evaluate(() => scrollTo({ top: 2000 }));
  await page.evaluate(() => { location.hash = "#talk"; });
  await page.locator("#word").waitFor();
  await page.keyboard.press("/");
  await until("the field has the focus", () => page.evaluate(() => document.activeElement?.id === "search"));
  await frames(page);
  assert.ok(((await page.locator("#search").boundingBox())?.y ?? -1) > 0);
  await stage.close();
});

test("what is searched for and how it is sorted is in the address, for a reload and a link", async () => {
  const { stage, page } = await open("", [product(1, { name: "Tea & milk" }), product(2, { name: "Coffee" }), product(3, { name: "Apple tea" })]);
  await page.locator(".card").first().waitFor();
  assert.equal(await hash(page), "");
  const entries = await page.evaluate(() => history.length);
  await page.locator("#search").pressSequentially("tea &");
  await page.locator(".tools select").selectOption("name");
  await until("it is in the address", async () => (await hash(page)) === "#shelf?search=tea+%26&sort=name");
  assert.equal(await page.evaluate(() => history.length), entries, "a key is no place to go back to");
  await page.reload();
  await until("it is found again", async () => (await names(page)).join() === "Tea & milk");
  assert.deepEqual([await page.locator("#search").inputValue(), await page.locator(".tools select").inputValue()], ["tea &", "name"]);
  await page.locator("#search").fill("tea");
  await until("the address follows, and the cards", async () => (await hash(page)) === "#shelf?search=tea&sort=name" && (await names(page)).join() === "Apple tea,Tea & milk");
  // to a product and back, by either way
  await page.locator(".card .name").first().click();
  await page.getByRole("heading", { name: "Apple tea" }).waitFor();
  await page.goBack();
  await until("it is as it was", async () => (await names(page)).join() === "Apple tea,Tea & milk");
  await page.locator(".card .name").first().click();
  await page.locator("a.back").click();
  await until("it is as it was", async () => (await names(page)).join() === "Apple tea,Tea & milk" && (await hash(page)) === "#shelf?search=tea&sort=name");
  // from another view, and by the way that one came
  await page.locator("#views a", { hasText: "Talk" }).click();
  await page.locator("#word").waitFor();
  await page.locator("#views a", { hasText: "Shelf" }).click();
  await until("it is as it was", async () => (await names(page)).join() === "Apple tea,Tea & milk");
  // the shelf's own tab, on the shelf: all of it
  await page.locator("#views a", { hasText: "Shelf" }).click();
  await until("all are there", async () => (await names(page)).length === 3 && (await hash(page)) === "#shelf");
  assert.equal(await page.locator("#search").inputValue(), "");
  await page.goBack();
  await until("it is what that entry says", async () => (await names(page)).join() === "Apple tea,Tea & milk");
  await page.goForward();
  await until("all are there again", async () => (await names(page)).length === 3 && (await hash(page)) === "#shelf");
  await page.evaluate(() => { location.hash = "#shelf?search=coffee&sort=nonsense"; });
  await until("a link is followed, and a sort that there is not left out", async () => (await names(page)).join() === "Coffee" && (await hash(page)) === "#shelf?search=coffee");
  await stage.close();
});

test("an address of no view shows the shelf under the shelf's address", async () => {
  for (const view of ["#nonsense", "#constructor", "#shelfs/1?x"]) {
    const { stage, page } = await open(view, many);
    await page.locator(".card").first().waitFor();
    assert.equal(await hash(page), "#shelf", view);
    await stage.close();
  }
});

test("cards stay where they are until one sorts again, which a button offers when it would change something", async () => {
  const { stage, page, again } = await open("", [product(1, { version: 3 }), product(2, { version: 2 })]);
  await page.locator(".card").first().waitFor();
  const place = () => page.locator(".tools .told").boundingBox();
  const before = await place();
  stage.answers["/products"] = { products: [] };
  stage.tell("product_changed", { ...product(2, { version: 4 }), from: 2, age_ms: 1 });
  await until("the change is shown", async () => (await page.locator(".card").nth(1).getAttribute("data-version")) === "4");
  await again.waitFor();
  assert.deepEqual([await names(page), await place()], [["Product 1", "Product 2"], before], "nothing moved");
  await again.focus();
  await page.keyboard.press("Enter");
  await until("they are sorted", async () => (await names(page)).join() === "Product 2,Product 1");
  await until("the offer is gone", async () => !(await again.isVisible()));
  assert.ok(await page.evaluate(() => document.activeElement?.matches(".tools select")), "the focus is lost");
  await stage.close();
});

test("what is said of the products is said of as many as there are, and of prices that they are not compared", async () => {
  const { stage, page, told } = await open("", [product(1), product(2, { currency: "SEK" })]);
  await until("both are counted", async () => (await told.textContent()) === "2 products · following the 2 in view");
  await page.locator(".tools select").selectOption("dear");
  await until("it says so", async () => / · each currency by itself$/.test(await told.textContent() ?? ""));
  await page.locator("#search").fill("product 2");
  await until("one is counted", async () => (await told.textContent()) === "1 product · following the 1 in view");
  await until("so does the proof", async () => (await page.locator("#proof dt", { hasText: "Following" }).locator("+ dd").textContent()) === "1 product");
  await page.locator("#search").fill("x".repeat(20_000));
  const empty = page.locator(".empty");
  await until("it is told in short", async () => (await empty.textContent()) === `No product is called “${"x".repeat(60)}…”.`);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, "it is wider than the screen");
  await stage.close();
});

test("a list that cannot be read is not called a shelf that is being filled", async () => {
  const { stage, page } = await open("", []);
  const empty = page.locator(".empty");
  await until("nothing is there yet", async () => /^No product yet/.test(await empty.textContent() ?? ""));
  // without a line on the console, which is for faults
  await page.evaluate(() => {
    const real = globalThis.fetch;
    globalThis.fetch = async (path, how) => (String(path).startsWith("products") ? Response.json({ detail: "postgres is away" }, { status: 503 }) : real(path, how));
    Object.assign(globalThis, { real });
  });
  await until("it says why", async () => (await empty.textContent()) === "Products can't be read now: postgres is away. Trying again.");
  stage.answers["/products"] = { products: [product(1)] };
  await page.evaluate(() => { globalThis.fetch = /** @type {any} */ (globalThis).real; });
  stage.answers[`/products/${product(1).product_id}/changes`] = { changes: [] };
  await page.locator(".card").first().waitFor();
  assert.ok(!await empty.isVisible());
  await stage.close();
});

test("large figures make no page wider and push no button over a card's edge", async () => {
  for (const currency of ["EUR", "HUF", "JPY"]) {
    const large = product(1, { price_minor: 99_999_999_999, currency, stock: 2_000_000_000 });
    const { stage, page } = await open("", [large]);
    for (const width of [1280, 701, 360, 320]) {
      await page.setViewportSize({ width, height: 740 });
      await page.evaluate(() => { location.hash = "#shelf"; });
      await page.locator(".card").waitFor();
      const out = await page.locator(".card :is(.rate, .price, .stock)").evaluateAll((all) => all.filter((part) => {
        const edge = part.closest(".label")?.getBoundingClientRect();
        return !edge || part.getBoundingClientRect().right > edge.right - 8;
      }).map((part) => part.className));
      assert.deepEqual(out, [], `${currency} at ${width} px`);
      await page.evaluate((id) => { location.hash = `#product/${id}`; }, large.product_id);
      await page.locator(".log li").waitFor();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `the product's page is wider than ${width} px`);
      assert.equal(await page.getByRole("table", { name: "Price" }).count(), 1, "whoever does not see the plot reads its table");
    }
    await stage.close();
  }
});

test("a price is whole, and what it went up by is told whole or by its arrow alone", async () => {
  const crowns = product(1, { price_minor: 5490, currency: "SEK" }), euros = product(2);
  const { stage, page } = await open("", [crowns, euros]);
  await page.locator(".card").nth(1).waitFor();
  for (const [one, price_minor] of /** @type {const} */ ([[crowns, 7238], [euros, 150]])) stage.tell("product_changed", { ...one, version: 2, from: 2, price_minor, age_ms: 1 });
  await until("both went up", async () => /^▲ SEK.17\.48,▲ €0\.50$/.test((await page.locator(".card .delta").allTextContents()).join()));
  for (const width of [1280, 701, 360]) {
    await page.setViewportSize({ width, height: 740 });
    await frames(page);
    const shown = await page.locator(".card").evaluateAll((cards) => cards.map((card) => {
      const of = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (card.querySelector(selector));
      const box = (/** @type {string} */ selector) => of(selector).getBoundingClientRect();
      const [delta, arrow, amount] = [box(".delta"), box(".delta span"), box(".delta span + span")];
      return {
        price: of(".price").scrollWidth <= of(".price").clientWidth,
        arrow: arrow.right <= delta.right && delta.right <= box(".label").right - 8,
        // what has no room is in the next line, which nobody sees
        amount: amount.top >= delta.bottom - 1 || amount.right <= delta.right,
      };
    }));
    assert.deepEqual(shown, Array(2).fill({ price: true, arrow: true, amount: true }), `at ${width} px`);
  }
  await stage.close();
});

test("the marks go when the page scrolls away below them, and not by their own keys", async () => {
  const { stage, page } = await open("", many);
  const rate = page.locator(".card .rate").nth(2), marks = page.locator(".rating");
  await rate.focus();
  // what scrolled before they came up is told after
  await rate.evaluate((button) => {
    scrollTo({ top: 120 });
    /** @type {HTMLElement} */ (button).click();
  });
  await frames(page);
  const chosen = () => page.evaluate(() => document.activeElement instanceof HTMLElement ? document.activeElement.dataset.rate : undefined);
  for (const [key, mark] of /** @type {const} */ ([["ArrowRight", "8"], ["ArrowUp", "9"], ["ArrowDown", "8"], ["Tab", "9"], ["Shift+Tab", "8"], ["ArrowLeft", "7"]])) {
    await page.keyboard.press(key);
    assert.equal(await chosen(), mark, key);
  }
  await frames(page);
  assert.ok(await marks.isVisible());
  await page.mouse.wheel(0, 300);
  await marks.waitFor({ state: "hidden" });
  assert.ok(await rate.evaluate((button) => button === document.activeElement), "the focus is lost");
  await page.evaluate(() => scrollTo({ top: 0 }));
  await rate.click();
  await page.locator("[data-rate='7']").click();
  await page.locator(".toast", { hasText: "7 of 10 for Product 2: stored in Kafka, the average follows" }).waitFor();
  await stage.close();
});
