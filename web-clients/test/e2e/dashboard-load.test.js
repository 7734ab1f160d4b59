/**
 * A thousand changes a second for half a minute: the page keeps up, and its memory does not grow. `make bench-dashboard`
 * does the same for an hour, and says how smooth it was, beside an empty page of the same browser at the same time.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { goFirst, launch, Visit } from "./browser.js";
import { Shop, until } from "./servers.js";

/** Changes a second, and for how many seconds. */
const RATE = 1000, SECONDS = Number(process.env.SOAK_S ?? 30);
/** How much the page's heap may grow between the tenth second and the end, in MiB: what a trail or a list would leave behind. */
const GROWTH_MIB = 8;
/** How often a soak says how it goes, in s. */
const SAY_S = 300;
/** What a browser moves without laying out or drawing anything again. */
const CHEAP = ["opacity", "transform"];

/** @type {Shop} */
let shop;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  shop = await Shop.open({ replicas: 1, products: 400 });
  await shop.generate({ count: 1 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

/** Counts a page's frames and long tasks, and what its thread works. @param {import("playwright-core").Page} page */
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
  const read = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    const seen = await page.evaluate(() => ({ .../** @type {any} */ (globalThis).seen, at: performance.now() }));
    return { ...seen, worked: (metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN) * 1000 };
  };
  let last = await read();
  return {
    /** The heap after a collection, in MiB. */
    async heap() {
      await devtools.send("HeapProfiler.collectGarbage");
      return (await devtools.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
    },
    /** What was seen since the last time that it was asked. */
    async since() {
      const before = last;
      last = await read();
      await page.evaluate(() => { /** @type {any} */ (globalThis).seen.longest = 0; });
      const frames = last.frames - before.frames, seconds = (last.at - before.at) / 1000;
      return `${(frames / seconds).toFixed(1)} animation frames a second, each ${((last.worked - before.worked) / frames).toFixed(1)} ms of work, ${last.long - before.long} long tasks (longest ${Math.round(last.longest)} ms)`;
    },
  };
}

test(`at ${RATE} changes a second every card is current at the end, and memory stays flat`, async () => {
  const visit = await Visit.open(browser, shop.url(1), { viewport: { width: 1600, height: 1000 } });
  await visit.live();
  await visit.page.locator(".card").first().waitFor();
  const empty = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const [shelf, nothing] = [await watch(visit.page), await watch(empty)];
  const first = await goFirst(browser);
  const say = async () => {
    console.log(`shelf: ${await shelf.since()}, heap ${(await shelf.heap()).toFixed(1)} MiB`);
    console.log(`empty page: ${await nothing.since()}`);
  };

  const running = shop.generate({ count: RATE * SECONDS, rate: RATE });
  await until("the page has got into its stride", async () => [...(await shop.products(1)).values()].reduce((sum, { version }) => sum + version, 0) > RATE * 10);
  const early = await shelf.heap();
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
  await Promise.all([shelf.since(), nothing.since()]);
  const saying = setInterval(() => void say(), SAY_S * 1000);
  await running;
  clearInterval(saying);
  await say();
  console.log(first ? "The browser went first, as on a machine of its own." : "The browser shared the processors with everything that is served here.");

  await until("every card is as it is stored", async () => {
    const stored = await shop.products(1);
    const cards = await visit.page.evaluate(() => [...document.querySelectorAll(".card")].map((card) => [card.getAttribute("data-id"), card.getAttribute("data-version")]));
    return cards.length > 20 && cards.every(([id, version]) => stored.get(id ?? "")?.version === Number(version));
  });
  const late = await shelf.heap();
  const proof = await visit.proof();
  console.log(`${proof.Frames} frames of the wire shown, heap ${early.toFixed(1)} then ${late.toFixed(1)} MiB`);
  assert.equal(proof.Missed, "0");
  assert.ok(late - early < GROWTH_MIB, `the heap grew from ${early.toFixed(1)} to ${late.toFixed(1)} MiB`);
  await visit.close();
});
