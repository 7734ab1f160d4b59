/** How the dashboard looks and reads: accessibility by axe-core, widths from 360 px, and a picture of each view in both themes. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, serious, Visit } from "./browser.js";
import { Shop, until } from "./servers.js";

/** Where the pictures go. */
const PICTURES = fileURLToPath(new URL("../../../target/dashboard/", import.meta.url));
const VIEWS = ["shelf", "product", "replicas", "flow", "letters", "talk", "try"];

/** @type {Shop} */
let shop;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {string} */
let id;
before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  shop = await Shop.open({ replicas: 3, products: 80 });
  await shop.generate({ count: 2000 });
  id = [...(await shop.products(1)).values()].sort((a, b) => b.version - a.version)[0]?.product_id ?? "";
  await shop.produce(id, "no change");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

/** @param {string} view @param {import("playwright-core").BrowserContextOptions} options */
async function open(view, options) {
  const visit = await Visit.open(browser, shop.url(1), { view: `#${view === "product" ? `product/${id}` : view}`, reducedMotion: "reduce", ...options });
  await visit.live();
  await visit.page.locator("main h1").waitFor({ state: "attached" });
  if (view === "shelf") await visit.page.locator(".card").first().waitFor();
  if (view === "product") await until("its history is there", async () => (await visit.page.locator(".log li").count()) > 1);
  if (view === "replicas") await until("the map is there", async () => (await visit.page.locator(".chip").count()) === 12);
  if (view === "letters") await visit.page.locator(".letters-list summary").first().waitFor({ timeout: 30_000 });
  return visit;
}

/** Cards as they look for a moment where motion is welcome, each way a stock can stand: copies, for a change would alter the page's own while axe reads. */
function flashed() {
  const card = document.querySelector(".card");
  for (const [flash, stock] of [["up", ""], ["down", ""], ["stock", ""], ["stock", "few"], ["stock", "none"]]) {
    const copy = /** @type {HTMLElement} */ (card?.cloneNode(true));
    copy.dataset.flash = flash;
    copy.classList.add("copy");
    copy.querySelector(".stock")?.setAttribute("class", `stock ${stock}`);
    card?.after(copy);
  }
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`in ${colorScheme} axe finds nothing serious in any view`, async () => {
    for (const view of VIEWS) {
      const visit = await open(view, { colorScheme });
      await shop.generate({ count: 100 });
      // those may have come before the page followed what changes
      if (view === "flow") await until("a change is followed", async () => {
        await shop.generate({ count: 20 });
        return (await visit.page.locator(".follow.again").count()) > 0;
      });
      await visit.page.locator("#proof summary").click();
      if (view === "shelf") await visit.page.evaluate(flashed);
      assert.deepEqual(await serious(visit.page), [], view);
      const copies = await visit.page.evaluate(() => [...document.querySelectorAll(".copy")].map((copy) => copy.remove()).length);
      assert.equal(copies, view === "shelf" ? 5 : 0, "all of them were looked at");
      await visit.page.locator("#proof summary").click();
      await visit.page.screenshot({ path: `${PICTURES}${view}-${colorScheme}.png` });
      await visit.close();
    }
  });
}

test("the page of addresses lists what the document describes, and reads well", async () => {
  const visit = await Visit.open(browser, shop.url(1), { view: "docs", viewport: { width: 360, height: 740 } });
  const { page } = visit;
  await page.locator("details").first().waitFor();
  const { paths } = await (await fetch(`${shop.url(1)}/openapi.json`)).json();
  const described = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
  const shown = await page.locator("details").evaluateAll((all) => all.map(({ id }) => id));
  assert.deepEqual(shown.sort(), described.sort());
  const put = page.locator("#putPhoto");
  await put.locator("summary").click();
  assert.match(await put.textContent() ?? "", /Authorization: Bearer TOKEN/);
  assert.deepEqual(await serious(page), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, "it is wider than the screen");
  await page.screenshot({ path: `${PICTURES}docs-360.png` });
  await put.getByRole("link", { name: "photo-too-large" }).click();
  await page.getByRole("heading", { name: "The photo is too large" }).waitFor();
  await visit.close();
});

test("at 360 px nothing is wider than the screen", async () => {
  for (const view of VIEWS) {
    const visit = await open(view, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const wide = await visit.page.evaluate(() => document.documentElement.scrollWidth);
    await visit.page.screenshot({ path: `${PICTURES}${view}-360.png` });
    assert.ok(wide <= 360, `${view} is ${wide} px wide`);
    const hidden = await visit.page.evaluate(() => [...document.querySelectorAll("#views a")].filter((tab) => tab.getBoundingClientRect().right > innerWidth).map((tab) => tab.textContent));
    assert.deepEqual(hidden, [], "every tab is in sight");
    const out = await visit.page.evaluate(() => [...document.querySelectorAll(".card .rate")].filter((button) => button.getBoundingClientRect().right > (button.closest(".label")?.getBoundingClientRect().right ?? 0) - 8).length);
    assert.equal(out, 0, "no card's button stands over its edge");
    await visit.close();
  }
});

test("all modules and styles together are less than 150 KiB, and nothing is loaded from elsewhere", async () => {
  const visit = await open("shelf", {});
  const { paint, bytes } = await visit.page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity,
    bytes: performance.getEntriesByType("resource").filter(({ name }) => /\/(dashboard|lib)\//.test(name))
      .reduce((sum, entry) => sum + (/** @type {PerformanceResourceTiming} */ (entry)).encodedBodySize, 0),
  }));
  console.log(`first paint after ${Math.round(paint)} ms, ${Math.round(bytes / 1024)} KiB of modules and styles`);
  assert.ok(bytes > 10_000 && bytes < 150 * 1024, `${bytes} bytes`);
  await visit.close();
});
