/** What stands on the dashboard for a while only, and what is rare: none of it keeps anybody out, in either theme. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, serious } from "./browser.js";
import { until } from "./servers.js";
import { Stage } from "./stage.js";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const SINCE = "2026-05-09T08:00:00Z";
const OUTCOMES = { new: 4000, stale: 3, replay: 2, conflict: 1, poison: 1, rejected: 1 };
/** @param {string} name @param {number[]} partitions @param {object} [more] */
const replica = (name, partitions, more = {}) =>
  ({ replica: name, addr: `${name}:1`, partitions, lag: 12, lags: partitions.map(() => 3), viewers: 1, rebalances: 1, since: SINCE, draining: false, outcomes: OUTCOMES, ...more });
/** @param {number} n @param {object} [more] */
const product = (n, more = {}) =>
  ({ product_id: `0a000000-0000-7000-8000-${String(n).padStart(12, "0")}`, version: 2, name: `Product ${n}`, price_minor: 100 * n, currency: "EUR", stock: n === 1 ? 0 : 3, occurred_at: SINCE, ...more });
const letter = { partition: 0, offset: 0, source: "product-changes/0/0", reason: "not_json", error: "line 1", at: SINCE, replica: "gw1", recorded_ms: 1, redrives: 1, first: null, cut: 70_000, key: "k", headers: { ce_source: "/by/hand" }, value_bytes: 4, value: "zero" };
const products = [product(1), product(2)];
const answers = {
  "/products": { products },
  "/replicas": { replicas: [replica("gw1", [0, 1, 2, 3]), replica("gw2", [4, 5], { draining: true })] },
  "/replicas/log": { entries: [] },
  "/dead-letters": { letters: [letter] }, "/dead-letters/0/0": letter,
  ...Object.fromEntries(products.flatMap((one) => [[`/products/${one.product_id}`, one], [`/products/${one.product_id}/changes`, { changes: [one, { ...one, version: 1, price_minor: 1 }] }]])),
};

/**
 * Brings a view into its states, one after the other; each is looked at in both themes.
 * @param {string} view
 * @param {(stage: Stage, look: (state: string) => Promise<void>) => Promise<void>} play
 */
async function through(view, play) {
  const stage = await Stage.open(browser, view, { ...answers });
  await play(stage, async (state) => {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await stage.page.emulateMedia({ colorScheme });
      assert.deepEqual(await serious(stage.page), [], `${state}, in ${colorScheme}`);
    }
  });
  await stage.close();
}

test("the shelf: a product that went up, one that is rated, one that is pinned, nothing that was searched for", () =>
  through("", async (stage, look) => {
    const { page } = stage, [first, second] = products;
    assert.ok(first && second);
    await page.locator(".card").nth(1).waitFor();
    stage.tell("product_changed", { ...first, version: 3, from: 3, price_minor: 150, age_ms: 1 });
    stage.tell("product_changed", { ...second, version: 3, from: 3, price_minor: 150, age_ms: 1 });
    await until("they are shown", async () => (await page.locator('.card[data-version="3"]').count()) === 2);
    await page.locator(".card .pin").first().focus();
    await page.keyboard.press("Enter");
    await page.locator(".card .rate").first().click();
    await page.locator(".rating").waitFor();
    await page.locator("[data-rate='7']").hover();
    await look("a product is rated");
    await page.keyboard.press("Escape");
    await page.locator("#search").fill("nothing is called so");
    await page.locator(".empty").waitFor();
    await look("nothing was found");
  }));

test("a product's page: one that went down, read by keys, and one that there is not", () =>
  through(`#product/${products[1]?.product_id}`, async (stage, look) => {
    const { page } = stage;
    await page.locator(".log li").nth(1).waitFor();
    await page.locator(".stage").first().focus();
    await page.keyboard.press("Home");
    await look("its first change is read");
    await page.goto(`${page.url().split("#")[0]}#product/nobody`);
    await page.getByRole("heading", { name: "No such product" }).waitFor();
    await look("no such product");
  }));

test("the replicas: partitions without an owner, a replica that drains, one that is gone, a token that is none", () =>
  through("#replicas", async (stage, look) => {
    const { page } = stage;
    await page.locator(".head", { hasText: "gw2" }).waitFor();
    await page.locator("#token").fill("short");
    await page.locator(".token button").click();
    await look("one drains, six partitions wait");
    const gone = { replicas: [replica("gw1", [0, 1, 2, 3])] };
    stage.answers["/replicas"] = gone;
    stage.tell("replicas_changed", { ...gone, moved: [4, 5].map((partition) => ({ partition, from: "gw2", idle_ms: 3000 })) });
    await until("it is gone", async () => /gone/.test(await page.locator(".head", { hasText: "gw2" }).textContent() ?? ""));
    await look("one is gone");
  }));

test("the flow: with something away, and records that wait", () =>
  through("#flow", async (stage, look) => {
    stage.tell("status", { away: [{ what: "redis", since: new Date().toISOString() }] });
    await until("it is told", async () => /redis is away/.test(await stage.page.locator(".degraded").textContent() ?? ""));
    await look("redis is away");
  }));

test("a dead letter that is open, without a token and with one", () =>
  through("#letters", async (stage, look) => {
    const { page } = stage;
    await page.locator(".letters-list summary").click();
    await page.locator(".letters-list textarea:enabled").waitFor();
    await look("it cannot be sent back");
    await page.locator("#token").fill("0123456789abcdef");
    await page.locator(".token button").click();
    await page.locator(".letters-list button:enabled").first().waitFor();
    await page.locator(".letters-list button:enabled").first().hover();
    await look("it can be sent back");
  }));

test("the talk: own words and others', and what was not said", () =>
  through("#talk", async (stage, look) => {
    const { page } = stage;
    for (const from of ["me", "gw2-7"]) stage.tell("said", { from, text: "hello", at: SINCE });
    await page.locator(".words .own").waitFor();
    await page.locator("#word").fill("one more");
    await page.keyboard.press("Enter");
    stage.tell("error", { code: "unavailable", message: "talk is away" });
    await page.locator(".toast").waitFor();
    await look("a word was refused");
  }));

test("a page without a connection, and its proof", () =>
  through("", async (stage, look) => {
    const { page } = stage;
    await page.locator(".card").first().waitFor();
    await page.locator("#proof summary").click();
    await stage.hangUp();
    await until("it is not live", async () => (await page.locator("#standing").textContent()) !== "live");
    await look("not live");
  }));
