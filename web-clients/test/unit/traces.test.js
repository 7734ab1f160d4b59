/** How long changes took, as the dashboard measures it. */

import assert from "node:assert/strict";
import test from "node:test";
import { Traces } from "../../dashboard/data/traces.js";
import { A, product } from "./helpers.js";
import { openPage } from "./page.js";

test("what comes to a hidden tab is counted and has no trace, nor has what it had not drawn before", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  Object.assign(globalThis, { fetch: async () => Response.error() });
  const page = openPage();
  const traces = new Traces();
  const come = () => traces.take({ item: product(A, 1), age_ms: 30, path_ms: [10, 20, 25], arrivedAt: performance.now() });
  come();
  page.document.hide(true);
  come();
  page.document.hide(false);
  come();
  page.frame();
  page.frame();
  assert.deepEqual([traces.came, traces.kept.length], [3, 1]);
});
