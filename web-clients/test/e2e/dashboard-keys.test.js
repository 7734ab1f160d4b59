/** What one does with the dashboard, in a real browser, on real gateways: most of it with the keyboard alone, where every control is reached by Tab. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frames, launch, Visit } from "./browser.js";
import { ADMIN_TOKEN, Shop, until } from "./servers.js";

/** Presses after which nothing more is expected: the page has fewer controls. */
const PRESSES = 300;

/** @type {Shop} */
let shop;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  shop = await Shop.open({ replicas: 2, products: 20 });
  await shop.generate({ count: 100 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

/** @param {Visit} visit @returns {(selector: string) => Promise<boolean>} whether what has the focus is that */
const focusOf = ({ page }) => (selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);

/** @param {Visit} visit @returns {(selector: string, key?: "Tab" | "Shift+Tab") => Promise<void>} */
const tabs = (visit) => async (selector, key = "Tab") => {
  for (let n = 0; n < PRESSES; n++) {
    await visit.page.keyboard.press(key);
    if (await focusOf(visit)(selector)) return;
  }
  assert.fail(`${key} does not lead to ${selector}`);
};

/** @param {Visit} visit @param {string} view */
async function goTo(visit, view) {
  await tabs(visit)(`#views a[href="#${view}"]`, "Shift+Tab");
  await visit.page.keyboard.press("Enter");
  await until(`${view} is open`, async () => (await visit.page.evaluate(() => location.hash)) === `#${view}`);
}

test("a dead letter appears by itself, is corrected and sent back", async () => {
  const visit = await Visit.open(browser, shop.url(1), { view: "#letters" });
  await visit.live();
  const product = [...(await shop.products(1)).values()][0];
  assert.ok(product);
  // A version that is there already, by another event: a conflict.
  const { product_id, name, currency, price_minor, stock, version } = product;
  const wrong = { event_id: "0190a0b0-0000-7000-8000-00000000000a", product_id, version, name, price_minor, currency, stock, occurred_at: "2026-05-09T08:00:00Z" };
  await shop.produce(product_id, JSON.stringify(wrong));
  const letter = visit.page.locator(".letters-list summary", { hasText: "conflict" }).first();
  await letter.waitFor({ timeout: 30_000 });
  await letter.click();
  await visit.page.locator("#token").fill(ADMIN_TOKEN);
  await visit.page.locator(".token button").click();
  const field = visit.page.locator(".letters-list textarea:enabled").first();
  await field.fill((await field.inputValue()).replace(`"version": ${version}`, `"version": ${version + 1}`).replace(`"stock": ${stock}`, `"stock": 4711`));
  await visit.page.getByRole("button", { name: "Send back" }).first().click();
  await until("the corrected change is stored", async () => (await shop.products(1)).get(product_id)?.stock === 4711);
  shop.counted(1);
  await visit.close();
});

test("one finds, pins, rates and reads products with the keyboard alone", async () => {
  const visit = await Visit.open(browser, shop.url(1));
  const { page } = await visit.live();
  const [has, tab] = [focusOf(visit), tabs(visit)];
  const place = () => page.evaluate(() => document.activeElement?.closest(".card")?.getAttribute("aria-posinset"));
  await page.locator(".card").nth(3).waitFor();
  await page.keyboard.press("Tab");
  assert.ok(await has(".skip"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await has("#search"));

  const id = await page.locator(".card").nth(1).getAttribute("data-id");
  await tab(`.card[data-id="${id}"] .pin`);
  await page.keyboard.press("Space");
  await until("its card is the first", async () => (await page.locator(".card").first().getAttribute("data-id")) === id);
  assert.ok(await has(`.card[data-id="${id}"] .pin[aria-pressed=true]`), "the focus did not go with the card");
  await tab(".card .rate");
  await page.keyboard.press("Enter");
  await until("marks are there", () => has("[data-rate='7']"));
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await until("the average is shown", async () => (await visit.card(id ?? "").locator(".rate").textContent()) === "★ 8.0");
  assert.ok(await has(`.card[data-id="${id}"] .rate`), "the focus is back where it was");

  await page.keyboard.press("ArrowRight");
  assert.equal(await place(), "2");
  await page.keyboard.press("End");
  const last = await page.locator(".card").first().getAttribute("aria-setsize");
  await until("the last card has the focus", async () => (await place()) === last);
  await page.keyboard.press("Home");
  await until("the first card has it", async () => (await place()) === "1");
  await page.keyboard.press("Enter");
  await until("its page is open", () => page.evaluate((product) => location.hash === `#product/${product}`, id));
  const read = async () => await page.locator(".plot .told").first().textContent() ?? "";
  await until("its history is plotted", async () => /v\d+/.test(await read()));
  const newest = await read();
  await tab(".stage");
  await page.keyboard.press("Home");
  await until("keys read single changes", async () => (await read()) !== newest);
  for (const view of ["flow", "talk", "try", "shelf"]) await goTo(visit, view);
  await visit.close();
});

test("one drains a replica, cuts the line and sends a dead letter back with the keyboard alone", async () => {
  await shop.produce([...(await shop.products(1)).keys()][0] ?? "", "no change");
  const visit = await Visit.open(browser, shop.url(1), { view: "#replicas" });
  const { page } = await visit.live();
  const [has, tab] = [focusOf(visit), tabs(visit)];
  let looks = 0;
  page.on("response", (response) => { looks += Number(new URL(response.url()).pathname === "/replicas"); });
  await until("both replicas are there", async () => (await page.locator(".figures tbody tr").count()) === 2);
  await tab("#token");
  await page.keyboard.type(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  const drain = ".figures tbody tr:nth-child(2) button";
  await tab(drain, "Shift+Tab");
  // figures come in under the hand before it presses
  const before = looks;
  await until("the replicas were looked at, and again", () => looks > before + 1);
  await frames(page);
  assert.ok(await has(drain), "the button lost the focus");
  await page.keyboard.press("Enter");
  await until("it drained and left", async () => /gone/.test(await page.locator(".head", { hasText: "gw2" }).textContent() ?? ""));

  await tab("#proof summary");
  await page.keyboard.press("Enter");
  await tab("#proof .cut");
  await page.keyboard.press("Space");
  await until("it tells who answered", async () => /gw1 answered: resumed.* · missed 0$/.test(await page.locator(".cuts li").first().textContent() ?? ""));

  await goTo(visit, "letters");
  await page.locator(".letters-list summary").first().waitFor({ timeout: 30_000 });
  await tab(".letters-list summary");
  await page.keyboard.press("Enter");
  await page.locator(".letters-list textarea:enabled").waitFor();
  await tab(".letters-list textarea");
  await tab(".letters-list button");
  await page.keyboard.press("Enter");
  await page.locator(".toast", { hasText: "Sent back for the first time" }).waitFor();
  assert.ok(await has(".letters-list button"), "the button lost the focus");
  await visit.close();
});
