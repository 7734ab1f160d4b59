/** The dashboard in a real browser, on real gateways, Kafka, PostgreSQL and Redis. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Visit } from "./browser.js";
import { Shop, until } from "./servers.js";

/** A change made through Kafka must be on the screen within this, in ms. */
const SOON_MS = 2000;

/** @type {Shop} */
let shop;
/** @type {string} */
let url;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  shop = await Shop.open({ replicas: 2, products: 60 });
  url = await shop.balance();
  await shop.generate({ count: 60 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

test("a change made through Kafka is on the shelf within two seconds", async () => {
  const visit = await Visit.open(browser, url);
  await visit.live();
  const card = visit.page.locator(".card").first();
  await card.waitFor();
  const id = await card.getAttribute("data-id") ?? "";
  await until("the card is followed", async () => Number.parseInt((await visit.proof()).Following ?? "") > 0);
  const before = (await shop.products(1)).get(id);
  assert.ok(before);
  await shop.change(id, { price: before.price_minor + 123, stock: 7 });
  const started = performance.now();
  const shown = visit.card(id);
  await until("the new price is shown", async () => (await shown.getAttribute("data-version")) === String(before.version + 1));
  const took = performance.now() - started;
  assert.ok(took < SOON_MS, `it took ${Math.round(took)} ms from Kafka's acknowledgement to the screen`);
  assert.match(await shown.locator(".delta").textContent() ?? "", /^▲ .*1[.,]23/);
  assert.equal(await shown.locator(".stock").textContent(), "only 7 left");
  await visit.close();
});
