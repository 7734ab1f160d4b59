/**
 * A thousand changes a second for half a minute: the page keeps up, and its memory does not grow. `make bench-dashboard`
 * does the same for an hour.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Visit } from "./browser.js";
import { Shop, until } from "./servers.js";

/** Changes a second, and for how many seconds. */
const RATE = 1000, SECONDS = Number(process.env.SOAK_S ?? 30);
/** How much the page's heap may grow between the tenth second and the end, in MiB: what a trail or a list would leave behind. */
const GROWTH_MIB = 8;

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

test(`at ${RATE} changes a second every card is current at the end, and memory stays flat`, async () => {
  const visit = await Visit.open(browser, shop.url(1), { viewport: { width: 1600, height: 1000 } });
  await visit.live();
  await visit.page.locator(".card").first().waitFor();
  const devtools = await visit.context.newCDPSession(visit.page);
  /** The heap after a collection, in MiB. */
  const heap = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    return (await devtools.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
  };
  await visit.page.evaluate(() => {
    const seen = { frames: 0, long: 0, longest: 0, started: 0 };
    const begin = () => Object.assign(seen, { frames: 0, long: 0, longest: 0, started: performance.now() });
    Object.assign(globalThis, { seen, begin });
    const count = () => { seen.frames++; requestAnimationFrame(count); };
    requestAnimationFrame(count);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) { seen.long++; seen.longest = Math.max(seen.longest, duration); }
    }).observe({ type: "longtask" });
  });
  const running = shop.generate({ count: RATE * SECONDS, rate: RATE });
  await until("the page has got into its stride", async () => [...(await shop.products(1)).values()].reduce((sum, { version }) => sum + version, 0) > RATE * 10);
  const early = await heap();
  await visit.page.evaluate(() => /** @type {any} */ (globalThis).begin());
  await running;
  const { frames, long, longest, seconds } = await visit.page.evaluate(() => {
    const { seen } = /** @type {any} */ (globalThis);
    return { ...seen, seconds: (performance.now() - seen.started) / 1000 };
  });
  await until("every card is as it is stored", async () => {
    const stored = await shop.products(1);
    const cards = await visit.page.evaluate(() => [...document.querySelectorAll(".card")].map((card) => [card.getAttribute("data-id"), card.getAttribute("data-version")]));
    return cards.length > 20 && cards.every(([id, version]) => stored.get(id ?? "")?.version === Number(version));
  });
  const late = await heap();
  const proof = await visit.proof();
  console.log(`${proof.Frames} frames shown, ${(frames / seconds).toFixed(0)} animation frames a second, ${long} long tasks (longest ${Math.round(longest)} ms), heap ${early.toFixed(1)} then ${late.toFixed(1)} MiB`);
  assert.equal(proof.Missed, "0");
  assert.ok(late - early < GROWTH_MIB, `the heap grew from ${early.toFixed(1)} to ${late.toFixed(1)} MiB`);
  await visit.close();
});
