/** What the page remembers has bounds: however much comes, so much is kept and no more. */

import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { Catalogue, TRAIL } from "../../dashboard/data/catalogue.js";
import { KEPT, Traces } from "../../dashboard/data/traces.js";
import { Words } from "../../dashboard/data/words.js";

/** @type {(() => void)[]} what waits for the next animation frame */
let waiting = [];
/** A page that somebody looks at, and whose frames come when `frame` is called. */
const document = Object.assign(new EventTarget(), { hidden: false });
Object.assign(globalThis, { document, fetch: async () => Response.error(), requestAnimationFrame: (/** @type {() => void} */ draw) => waiting.push(draw) });

function frame() {
  const now = waiting;
  waiting = [];
  for (const draw of now) draw();
}

/** @param {number} version @returns {import("../../dashboard/data/catalogue.js").Item} */
const item = (version) => ({ product_id: "a", version, name: "Tea", price_minor: version, currency: "EUR", stock: 1 });

test("of the changes that were shown the last ones are kept", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const traces = new Traces();
  let most = 0;
  traces.addEventListener("shown", (event) => (most = Math.max(most, /** @type {CustomEvent} */ (event).detail.length)));
  const come = (/** @type {number} */ from) => {
    for (let version = from; version < from + 1000; version++) traces.take({ item: item(version), age_ms: 4, path_ms: [1, 2, 3], arrivedAt: 0 });
  };
  for (let round = 0; round < 20; round++) come(1 + round * 1000);
  for (let n = 0; n < 2; n++) frame();
  assert.equal(most, KEPT, "while there are no frames no more than these wait");
  for (let round = 20; round < 25; round++) {
    come(1 + round * 1000);
    for (let n = 0; n < 2; n++) frame();
  }
  assert.equal(traces.kept.length, KEPT);
  assert.equal(traces.kept.at(-1)?.item.version, 25_000);
  mock.timers.reset();
});

test("of the states of a product the last ones are kept", () => {
  const catalogue = new Catalogue();
  for (let version = 1; version <= 1000; version++) catalogue.take(item(version));
  const shown = catalogue.trails.get("a") ?? [];
  assert.deepEqual([shown.length, shown.at(-1)?.price], [TRAIL, 1000]);
  catalogue.recall("a", Array.from({ length: 500 }, (_, at) => item(at + 1)));
  assert.equal(catalogue.trails.get("a")?.length, TRAIL);
});

test("of the words that were said the last ones are kept", () => {
  const live = new EventTarget();
  const words = new Words(/** @type {import("../../dashboard/data/live.js").Live} */ (live));
  for (let n = 1; n <= 1000; n++) live.dispatchEvent(new CustomEvent("said", { detail: { from: "gw1-1", text: String(n), at: "2026-01-01T00:00:00Z" } }));
  assert.ok(words.kept.length <= 200, `${words.kept.length} are kept`);
  assert.equal(words.kept.at(-1)?.text, "1000");
});
