/** The dashboard in a real browser, on real gateways, Kafka, PostgreSQL and Redis. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { formatMoney } from "../../lib/money.js";
import { launch, Visit } from "./browser.js";
import { ADMIN_TOKEN, Shop, until } from "./servers.js";

/** A change made through Kafka must be on the screen within this, in ms. */
const SOON_MS = 2000;
/** Changes of which one must be: this machine may be busy with something else for a moment. */
const TRIES = 3;
/** A word is said again so often at most, in ms. */
const AGAIN_MS = 1000;

/** @type {Shop} */
let shop;
/** @type {string} */
let url;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  shop = await Shop.open({ replicas: 2, places: 3, products: 60 });
  url = await shop.balance();
  await shop.generate({ count: 60 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

/** A visit whose shelf is filled and followed. @param {Parameters<typeof Visit.open>[2]} [options] */
async function shelf(options) {
  const visit = await Visit.open(browser, url, options);
  await visit.live();
  await visit.page.locator(".card").first().waitFor();
  await until("the cards in view are followed", async () => Number.parseInt((await visit.proof()).Following ?? "") >= (await visit.page.locator(".card").count()));
  return visit;
}

/** @param {Visit} visit the product of its first card */
async function first(visit) {
  const id = await visit.page.locator(".card").first().getAttribute("data-id");
  assert.ok(id);
  const product = (await shop.products(1)).get(id);
  assert.ok(product);
  return product;
}

test("a change made through Kafka is on the shelf within two seconds", async () => {
  // a replica is ready before it has joined the group, and while partitions move their changes wait
  await until("both replicas have partitions, and each partition one owner", async () => {
    const answer = await fetch(`${url}/replicas`);
    if (answer.status === 503) return false;
    /** @type {{replicas: {partitions: number[]}[]}} */
    const { replicas } = await answer.json();
    const owned = replicas.flatMap(({ partitions }) => partitions);
    return replicas.length === 2 && replicas.every(({ partitions }) => partitions.length > 0) && owned.length === 12 && new Set(owned).size === 12;
  });
  const visit = await shelf();
  const { product_id: id, version, price_minor, currency } = await first(visit);
  const card = visit.card(id);
  let fastest = Infinity;
  for (let n = 1; n <= TRIES && fastest >= SOON_MS; n++) {
    await shop.change(id, { price: price_minor + n * 123, stock: 7 });
    const started = performance.now();
    await until("the new price is shown", async () => (await card.getAttribute("data-version")) === String(version + n));
    fastest = Math.min(fastest, performance.now() - started);
  }
  assert.ok(fastest < SOON_MS, `the fastest of ${TRIES} took ${Math.round(fastest)} ms from Kafka's acknowledgement to the screen`);
  const language = await visit.page.evaluate(() => navigator.language);
  assert.equal(await card.locator(".delta").textContent(), `▲ ${formatMoney(123, currency, language)}`);
  assert.equal(await card.locator(".stock").textContent(), "only 7 left");
  await visit.close();
});

test("a card flashes the way its price went, and then no more; never where motion is not welcome", async () => {
  const [lively, calm] = [await shelf(), await shelf({ reducedMotion: "reduce" })];
  const { product_id: id, version, price_minor } = await first(lively);
  for (const { page } of [lively, calm]) {
    await page.evaluate(() => {
      /** @type {(string | null)[]} */
      const flashes = [];
      Object.assign(globalThis, { flashes });
      new MutationObserver((records) => records.forEach(({ target }) => flashes.push(/** @type {HTMLElement} */ (target).getAttribute("data-flash"))))
        .observe(document.body, { subtree: true, attributeFilter: ["data-flash"] });
    });
  }
  const flashes = (/** @type {Visit} */ { page }) => page.evaluate(() => /** @type {any} */ (globalThis).flashes);
  await shop.change(id, { price: price_minor + 50 });
  await until("it flashed, and went out", async () => (await flashes(lively)).length === 2);
  assert.deepEqual(await flashes(lively), ["up", null]);
  await shop.change(id, { price: price_minor });
  await until("it flashed again", async () => (await flashes(lively)).length === 4);
  assert.deepEqual((await flashes(lively)).slice(2), ["down", null]);
  await until("both were shown", async () => (await calm.card(id).getAttribute("data-version")) === String(version + 2));
  assert.deepEqual(await flashes(calm), []);
  await lively.close();
  await calm.close();
});

test("only what is in view is in the page, and followed", async () => {
  const visit = await shelf({ viewport: { width: 700, height: 500 } });
  /** @type {string[]} what the server sends */
  const sent = [];
  visit.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => sent.push(String(payload))));
  await visit.page.reload();
  await visit.live();
  await visit.page.locator(".card").first().waitFor();
  // it follows a frame after it draws
  await until("those in view are followed, and few", async () => {
    const cards = await visit.page.locator(".card").count();
    return cards > 0 && cards < 30 && (await visit.page.locator(".tools .told").textContent())?.startsWith(`60 products · following the ${cards} `);
  });
  const before = await visit.page.locator(".card").first().getAttribute("data-id");
  await visit.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await until("other cards are there", async () => (await visit.page.locator(`.card[data-id="${before}"]`).count()) === 0);
  const last = await visit.page.locator(".card").last();
  await until("the last one is there", async () => (await last.getAttribute("aria-posinset")) === (await last.getAttribute("aria-setsize")));
  await until("the old ones are followed no more", async () => Number.parseInt((await visit.proof()).Following ?? "") === (await visit.page.locator(".card").count()));
  const gone = (await shop.products(1)).get(before ?? "");
  assert.ok(gone);
  sent.length = 0;
  await shop.change(gone.product_id, { price: gone.price_minor + 1, stock: 1 });
  await until("its change is stored", async () => (await shop.products(1)).get(gone.product_id)?.version === gone.version + 1);
  const here = (await shop.products(1)).get(await last.getAttribute("data-id") ?? "");
  assert.ok(here);
  await shop.change(here.product_id, { price: here.price_minor + 1, stock: 1 });
  await until("what is in view changes", async () => (await visit.card(here.product_id).getAttribute("data-version")) === String(here.version + 1));
  assert.ok(sent.some((frame) => frame.includes(here.product_id)) && !sent.some((frame) => frame.includes(gone.product_id)), "nothing comes of what is out of view");
  await visit.close();
});

test("search, sort and pin do what they say", async () => {
  const visit = await shelf();
  const { page } = visit;
  const names = async () => page.locator(".card .name").allTextContents();
  await page.locator(".tools select").selectOption("name");
  const { compare } = new Intl.Collator("en", { numeric: true });
  const sorted = await until("they are sorted by name", async () => {
    const all = await names();
    return all.length > 1 && all.join() === [...all].sort(compare).join() ? all : undefined;
  });
  const word = (sorted.at(-1) ?? "").split(" ")[0] ?? "";
  await page.keyboard.press("/");
  await page.keyboard.type(word);
  await until("only what was searched for is there", async () => (await names()).every((name) => name.toLowerCase().includes(word.toLowerCase())));
  await page.locator(".card").first().hover();
  await page.locator(".card .pin").first().click();
  const pinned = await page.locator(".card").first().getAttribute("data-id");
  await page.locator("#search").fill("");
  await until("the pinned one is first", async () => (await page.locator(".card").first().getAttribute("data-id")) === pinned);
  await visit.close();
});

test("a product named like an attack shows as text", async () => {
  const name = "<img src=x onerror=alert(1)>";
  const visit = await shelf();
  await shop.replay([{ sku: "HOSTILE-1", name, price_minor: 4200, currency: "HUF", stock: 3, occurred_at: "2026-05-09T08:00:00Z" }]);
  const found = await until("it is stored", async () => [...(await shop.products(1)).values()].find((product) => product.name === name));
  await visit.page.reload();
  await visit.live();
  await visit.page.locator("#search").fill("onerror");
  await visit.card(found.product_id).waitFor();
  assert.equal(await visit.card(found.product_id).locator(".name").textContent(), name);
  assert.match(await visit.card(found.product_id).locator(".price").textContent() ?? "", /HUF.*42[.,]00|42[.,]00.*HUF/u);
  await visit.page.goto(`${url}/#product/${found.product_id}`);
  await until("its page shows it", async () => (await visit.page.locator("h1").textContent()) === name);
  assert.equal(await visit.page.locator("img[src=x]").count(), 0);
  await visit.close();
});

test("rating a product moves its average on a second page", async () => {
  const [one, two] = await Promise.all([shelf(), shelf()]);
  const { product_id: id } = await first(one);
  await one.card(id).locator(".rate").click();
  await one.page.locator(".rating [data-rate='9']").click();
  for (const visit of [one, two]) await until("the average is shown", async () => (await visit.card(id).locator(".rate").textContent()) === "★ 9.0");
  await two.card(id).locator(".rate").click();
  await two.page.locator(".rating [data-rate='4']").click();
  for (const visit of [one, two]) await until("it moved", async () => (await visit.card(id).locator(".rate").textContent()) === "★ 6.5");
  await Promise.all([one.close(), two.close()]);
});

test("a word goes to every page, over SSE too, and shows as text", async () => {
  const [one, two] = await Promise.all([Visit.open(browser, shop.url(1), { view: "#talk" }), Visit.open(browser, shop.url(2), { view: "#talk" })]);
  await Promise.all([one.live(), two.live()]);
  await two.page.locator("#proof summary").click();
  await two.page.locator("[data-transport=sse]").click();
  await two.live();
  assert.ok(await two.page.locator("#word").isDisabled(), "over SSE one can only listen");
  const word = "<b>Grüße</b> 👋🏽 from here";
  let saidAt = -Infinity;
  await until("it says so to the second page", async () => {
    // A word is heard at most once: the second page, or its replica's ear, may have come too late for the first try.
    if (performance.now() - saidAt >= AGAIN_MS) {
      saidAt = performance.now();
      await one.page.locator("#word").fill(word);
      await one.page.locator(".say button").click();
    }
    return (await two.page.locator(".words p").allTextContents()).includes(word);
  });
  assert.equal(await one.page.locator(".words .own p").first().textContent(), word);
  await Promise.all([one.close(), two.close()]);
});

test("SSE and WebSocket show the same, and one changes into the other without a loss", async () => {
  const [ws, sse] = await Promise.all([shelf(), shelf()]);
  await sse.page.locator("#proof summary").click();
  const stream = sse.page.waitForRequest((request) => new URL(request.url()).pathname === "/sse");
  await sse.page.locator("[data-transport=sse]").click();
  await stream;
  await sse.live();
  await until("it says so", async () => (await sse.page.locator("#proof summary").textContent())?.includes("SSE"));
  await shop.generate({ count: 300, rate: 200 });
  const shown = (/** @type {Visit} */ visit) => visit.page.evaluate(() => [...document.querySelectorAll(".card")].map((card) =>
    `${card.getAttribute("data-id")} ${card.getAttribute("data-version")} ${card.querySelector(".price")?.textContent} ${card.querySelector(".stock")?.textContent}`).sort());
  await until("both show the same, and what is stored", async () => {
    const [a, b, stored] = [await shown(ws), await shown(sse), await shop.products(1)];
    return a.length > 0 && a.join() === b.join() && a.every((line) => stored.get(line.split(" ")[0] ?? "")?.version === Number(line.split(" ")[1]));
  });
  const socket = sse.page.waitForEvent("websocket");
  await sse.page.locator("[data-transport=ws]").click();
  await socket;
  await sse.live();
  for (const visit of [ws, sse]) {
    const proof = await visit.proof();
    assert.ok(Number(proof.Frames?.replace(/\D/g, "")) > 0, JSON.stringify(proof));
    assert.deepEqual([proof.Missed, proof.Resets], ["0", "0"]);
  }
  await Promise.all([ws.close(), sse.close()]);
});

test("a connection that is cut comes back and goes on where it was", async () => {
  const visit = await shelf();
  await visit.page.locator("#proof summary").click();
  const running = shop.generate({ count: 600, rate: 150 });
  await visit.page.getByRole("button", { name: "Cut the connection" }).click();
  const line = async () => await visit.page.locator(".cuts li").first().textContent() ?? "";
  await until("it tells who answered", async () => /gw\d answered: resumed.* · missed 0$/.test(await line()));
  await running;
  assert.match(await line(), / · missed 0$/, "nor was anything missed of what was resumed");
  const proof = await visit.proof();
  assert.deepEqual([proof.Missed, proof.Resumed], ["0", "1 time"]);
  await visit.close();
});

test("an address that names no product says so, and does not end the page's connection", async () => {
  const visit = await Visit.open(browser, url, { view: "#product/nobody" });
  await visit.live();
  assert.equal(await visit.page.locator("main h1").textContent(), "No such product");
  await visit.page.locator("#proof summary").click();
  await visit.page.getByRole("button", { name: "Cut the connection" }).click();
  await until("it is cut", async () => (await visit.page.locator("#standing").textContent()) !== "live");
  await visit.live();
  await visit.close();
});

test("when the replica that a page is on is killed, the page goes on elsewhere and misses nothing", async () => {
  const visit = await shelf();
  visit.expect("WebSocket connection");
  visit.expect("ERR_");
  const replica = (await visit.proof()).Replica ?? "";
  const n = Number(replica.slice(2));
  const running = shop.generate({ count: 1500, rate: 150 });
  await until("changes are shown", async () => Number((await visit.proof()).Frames?.replace(/\D/g, "")) > 20);
  await shop.end(n, "SIGKILL");
  await until("it is live elsewhere", async () => {
    const proof = await visit.proof();
    return proof.Replica !== replica && proof.Resumed === "1 time" && (await visit.page.locator("#standing").textContent()) === "live";
  });
  await running;
  await until("every card is as it is stored", async () => {
    const stored = await shop.products(3 - n);
    const cards = await visit.page.evaluate(() => [...document.querySelectorAll(".card")].map((card) => [card.getAttribute("data-id"), card.getAttribute("data-version")]));
    return cards.length > 0 && cards.every(([id, version]) => stored.get(id ?? "")?.version === Number(version));
  });
  assert.equal((await visit.proof()).Missed, "0");
  await shop.start(n);
  await visit.close();
});

test("when a replica joins, partitions move on the map; one that drains leaves it", async () => {
  const visit = await Visit.open(browser, url, { view: "#replicas" });
  await visit.live();
  const { page } = visit;
  /** The owner of each partition, as the table beside the map says. */
  const owners = () => page.evaluate(() => [...document.querySelectorAll(".board tbody tr")].map((row) => row.children[1]?.textContent ?? ""));
  const of = async (/** @type {string} */ name) => (await owners()).filter((owner) => owner === name).length;
  await until("all partitions have an owner", async () => (await of("gw1")) + (await of("gw2")) === 12);
  await shop.start(3);
  await until("some of them moved to the third", async () => (await of("gw3")) > 0 && !(await owners()).includes("nobody"));
  const rows = () => page.locator(".chip", { hasText: /^\d+/ }).evaluateAll((chips) => new Set(chips.map((chip) => (/** @type {HTMLElement} */ (chip)).style.transform)).size);
  await until("chips lie in three rows", async () => (await rows()) === 3);
  await until("the log tells it", async () => /→ gw3/.test(await page.locator(".moves").textContent() ?? ""));
  await page.locator("#token").fill(ADMIN_TOKEN);
  await page.locator(".token button").click();
  await page.getByRole("row", { name: /gw3/ }).getByRole("button", { name: "Drain" }).click();
  await until("the others have its partitions", async () => (await of("gw3")) === 0 && !(await owners()).includes("nobody"));
  await until("its row says so", async () => /gone/.test(await page.locator(".head", { hasText: "gw3" }).textContent() ?? ""));
  visit.expect("WebSocket connection");
  await visit.close();
});
