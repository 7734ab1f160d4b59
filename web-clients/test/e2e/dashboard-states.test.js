/** What stands on the dashboard for a while only, and what is rare: none of it keeps anybody out, in either theme. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frames, launch, serious } from "./browser.js";
import { giveToken, letter, product, replica, SINCE, TOKEN } from "./props.js";
import { until } from "./servers.js";
import { Stage } from "./stage.js";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const ONCE = { new: 4000, stale: 3, replay: 2, conflict: 1, poison: 1, rejected: 1 };
const products = [product(1, { version: 2, stock: 0 }), product(2, { version: 2, stock: 3 })];
const broken = letter(0, "zero", { redrives: 1, cut: 70_000, headers: { ce_source: "/by/hand" } });
/** @param {object} [more] of gw1 */
const replicas = (more = {}) => ({ replicas: [replica("gw1", [0, 1, 2, 3], { lag: 12, outcomes: ONCE, ...more }), replica("gw2", [4, 5], { draining: true })] });
const answers = {
  "/products": { products }, "/replicas": replicas(), "/dead-letters": { letters: [broken] }, "/dead-letters/0/0": broken,
  // the price went down
  ...Object.fromEntries(products.flatMap((one) => [[`/products/${one.product_id}`, one], [`/products/${one.product_id}/changes`, { changes: [one, { ...one, version: 1, price_minor: 900 }] }]])),
};

/** @typedef {import("playwright-core").Locator} Locator */

/**
 * Brings a view into its states, one after the other; each is looked at in both themes.
 * @param {string} view
 * @param {(stage: Stage, look: (state: string, seen: Locator, again?: () => Promise<void>) => Promise<void>) => Promise<void>} play
 *   `seen`: what the state is about, on the page from the beginning of a look to its end; `again` brings it about
 */
async function through(view, play) {
  const stage = await Stage.open(browser, view, answers);
  await play(stage, async (state, seen, again) => {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await stage.page.emulateMedia({ colorScheme });
      await again?.();
      await seen.waitFor();
      await frames(stage.page);
      assert.deepEqual(await serious(stage.page), [], `${state}, in ${colorScheme}`);
      assert.ok(await seen.isVisible(), `${state}: it went before it was looked at`);
    }
  });
  await stage.close();
}

test("the shelf: a product that went up, one that is rated, one that is pinned, nothing that was searched for", () =>
  through("", async (stage, look) => {
    const { page } = stage;
    await page.locator(".card").nth(1).waitFor();
    for (const one of products) stage.tell("product_changed", { ...one, version: 3, from: 3, price_minor: 150, age_ms: 1 });
    await until("they are shown", async () => (await page.locator('.card[data-version="3"] .delta.up').count()) === 2);
    await page.locator(".card .pin").first().focus();
    await page.keyboard.press("Enter");
    await page.locator(".card .pin[aria-pressed=true]").waitFor();
    await page.locator(".card .rate").first().click();
    await page.locator("[data-rate='7']").hover();
    await look("a product is rated", page.locator(".rating"));
    await page.keyboard.press("Escape");
    await page.locator("#search").fill("nothing is called so");
    await look("nothing was found", page.locator(".empty"));
  }));

test("a product's page: one that went down, read by keys, and one that there is not", () =>
  through(`#product/${products[1]?.product_id}`, async (stage, look) => {
    const { page } = stage;
    await page.locator(".stage").first().focus();
    await page.keyboard.press("Home");
    await look("its first change is read", page.locator(".log .delta.down"));
    await page.goto(`${page.url().split("#")[0]}#product/nobody`);
    await look("no such product", page.getByRole("heading", { name: "No such product" }));
  }));

test("the replicas: partitions without an owner, a replica that drains, one that is gone, a token that is none", () =>
  through("#replicas", async (stage, look) => {
    const { page } = stage, gw2 = page.locator(".head", { hasText: "gw2" });
    await gw2.waitFor();
    await giveToken(stage, "short");
    await look("one drains, six partitions wait", page.locator(".told", { hasText: "6 of 12 partitions wait for an owner" }));
    const gone = { replicas: replicas().replicas.slice(0, 1) };
    stage.answers["/replicas"] = gone;
    stage.tell("replicas_changed", { ...gone, moved: [4, 5].map((partition) => ({ partition, from: "gw2", idle_ms: 3000 })) });
    await look("one is gone", gw2.filter({ hasText: "gone" }));
  }));

test("the flow: with something away, and changes that wait", () =>
  through("#flow", async (stage, look) => {
    stage.answers["/replicas"] = replicas({ lag: 5000 });
    stage.tell("status", { away: [{ what: "redis", since: new Date().toISOString() }] });
    await look("redis is away, and Kafka ahead", stage.page.locator(".degraded", { hasText: /redis is away.*changes wait in Kafka/s }));
  }));

test("a dead letter that is open, without a token and with one", () =>
  through("#letters", async (stage, look) => {
    const { page } = stage;
    await page.locator(".letters-list summary").click();
    await look("it cannot be sent back", page.locator(".letters-list .note", { hasText: "needs the admin token" }));
    await giveToken(stage, TOKEN);
    const back = page.locator(".letters-list button:enabled").first();
    await back.hover();
    await look("it can be sent back", back);
  }));

test("the talk: own words and others', and what was not said", () =>
  through("#talk", async (stage, look) => {
    const { page } = stage;
    for (const from of ["me", "gw2-7"]) stage.tell("said", { from, text: "hello", at: SINCE });
    await page.locator(".words .own").waitFor();
    await page.locator("#word").fill("one more");
    await page.keyboard.press("Enter");
    stage.tell("error", { code: "unavailable", message: "talk is away" });
    const refused = page.locator(".toast", { hasText: "Not said: talk is away" });
    await refused.waitFor();
    // a message goes after five seconds: each theme has its own
    await look("a word was refused", refused, () => page.evaluate(async () => {
      // @ts-expect-error an address of the page, not of this file
      const { say } = await import("/dashboard/parts/toast.js");
      say("Not said: talk is away", "bad");
    }));
  }));

test("a page without a connection, and its proof", () =>
  through("", async (stage, look) => {
    const { page } = stage;
    await page.locator(".card").first().waitFor();
    await page.locator("#proof summary").click();
    await stage.hangUp();
    await look("not live", page.locator("#standing:not(.live)"));
  }));
