/**
 * A thousand changes a second, all of products that are in view, for half a minute: the page keeps up, and its memory does
 * not grow. `make bench-dashboard` does the same for an hour, and lets the browser go first; how smooth it was is printed,
 * beside an empty page of the same browser at the same time.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { goFirst, launch, Visit } from "./browser.js";
import { Shop, until } from "./servers.js";

/** Changes a second, and for how many seconds. */
const RATE = 1000, SECONDS = Number(process.env.SOAK_S ?? 30);
/** Products: as many as are in view. */
const PRODUCTS = 24;
/** How much the page's heap may grow between the tenth second and the end, in MiB: what a trail or a list would leave behind. */
const GROWTH_MIB = 8;
/** A soak is looked at so often, in s. */
const LOOK_S = 300;
/** What a browser moves without laying out or drawing anything again. */
const CHEAP = ["opacity", "transform"];

/** @type {Shop} */
let shop;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  shop = await Shop.open({ replicas: 1, products: PRODUCTS });
  await shop.generate({ count: 1 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

/**
 * Looks at how smooth a page is, from one look to the next.
 * @param {import("playwright-core").Page} page
 */
async function watch(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.evaluate(() => {
    const seen = Object.assign(globalThis, { seen: { frames: 0, long: 0, longest: 0 } }).seen;
    const count = () => { seen.frames++; requestAnimationFrame(count); };
    requestAnimationFrame(count);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) { seen.long++; seen.longest = Math.max(seen.longest, duration); }
    }).observe({ type: "longtask" });
  });
  let worked = NaN, began = NaN;
  const look = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    const now = (metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN) * 1000;
    const { at, ...seen } = await page.evaluate(() => {
      const { seen } = /** @type {any} */ (globalThis);
      const taken = { ...seen, at: performance.now() };
      Object.assign(seen, { frames: 0, long: 0, longest: 0 });
      return taken;
    });
    const looked = { ...seen, ms: at - began, worked: now - worked };
    [worked, began] = [now, at];
    return looked;
  };
  return {
    look,
    /** The heap after a collection, in MiB; the collection is in nobody's look. */
    async heap() {
      await devtools.send("HeapProfiler.collectGarbage");
      const { usedSize } = await devtools.send("Runtime.getHeapUsage");
      await look();
      return usedSize / 2 ** 20;
    },
  };
}

/** @param {{frames: number, long: number, longest: number, ms: number, worked: number}} looked */
const words = ({ frames, long, longest, ms, worked }) =>
  `${(frames / ms * 1000).toFixed(1)} animation frames a second (${(worked / Math.max(1, frames)).toFixed(1)} ms of its main thread each), ${long} long tasks (longest ${Math.round(longest)} ms)`;

test(`at ${RATE} changes a second every card is current at the end, and memory stays flat`, async () => {
  const visit = await Visit.open(browser, shop.url(1), { viewport: { width: 1600, height: 1000 } });
  await visit.live();
  await visit.page.locator(".card").first().waitFor();
  const empty = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const [shelf, nothing] = [await watch(visit.page), await watch(empty)];
  const first = process.env.SOAK_S !== undefined && await goFirst(browser);
  const arrived = async () => Number((await visit.proof()).Frames?.replaceAll(",", ""));

  let running = true;
  const produced = shop.generate({ count: RATE * SECONDS, rate: RATE }).finally(() => { running = false; });
  await until("the page has got into its stride", async () => [...(await shop.products(1)).values()].reduce((sum, { version }) => sum + version, 0) > RATE * 10);
  const moving = await until("a pulse runs along the wire", async () => {
    const found = await visit.page.evaluate(() => document.getAnimations().map((animation) => {
      const effect = /** @type {KeyframeEffect} */ (animation.effect);
      return { times: effect.getComputedTiming().iterations, names: effect.getKeyframes().flatMap((frame) => Object.keys(frame)) };
    }));
    return found.length > 0 ? found : undefined;
  });
  assert.ok(moving.every(({ times }) => times === 1), "something moves for ever");
  const names = new Set(moving.flatMap((animation) => animation.names).filter((name) => !["offset", "computedOffset", "easing", "composite"].includes(name)));
  assert.deepEqual([...names].filter((name) => !CHEAP.includes(name)), [], "what moves is drawn anew in every frame");

  const early = await shelf.heap();
  let [late, frames] = [early, await arrived()];
  await nothing.look();
  while (running) {
    await Promise.race([produced, sleep(LOOK_S * 1000, undefined, { ref: false })]);
    const looked = await shelf.look(), now = await arrived();
    console.log(`${((now - frames) / looked.ms * 1000).toFixed(0)} frames of the wire a second: ${words(looked)}`);
    console.log(`an empty page: ${words(await nothing.look())}`);
    [late, frames] = [await shelf.heap(), await arrived()];
    console.log(`heap ${late.toFixed(1)} MiB`);
  }
  await produced;
  console.log(first ? "The browser went first, as on a machine of its own." : "The browser shared the processors with all that is served here.");

  await until("every card is as it is stored", async () => {
    const stored = await shop.products(1);
    const cards = await visit.page.evaluate(() => [...document.querySelectorAll(".card")].map((card) => [card.getAttribute("data-id"), card.getAttribute("data-version")]));
    return cards.length === PRODUCTS && cards.every(([id, version]) => stored.get(id ?? "")?.version === Number(version));
  });
  assert.equal((await visit.proof()).Missed, "0");
  assert.ok(late - early < GROWTH_MIB, `the heap grew from ${early.toFixed(1)} to ${late.toFixed(1)} MiB`);
  await visit.close();
});
