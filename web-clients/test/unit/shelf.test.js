import assert from "node:assert/strict";
import test from "node:test";
import { readFrame } from "../../lib/frames.js";
import { Shelf } from "../../lib/shelf.js";
import { A, B, changed, hello, product, snapshot } from "./helpers.js";

function open() {
  const shelf = new Shelf();
  shelf.connecting();
  return shelf;
}

test("the cursor moves with the frames that carry one, and not before the last page", () => {
  const shelf = open();
  shelf.take(hello());
  shelf.take(snapshot([[A, 1]], { last: false }));
  assert.equal(shelf.cursor, undefined);
  shelf.take(snapshot([[B, 1]], { cursor: "e1:3" }));
  shelf.take(changed(A, 2));
  assert.equal(shelf.cursor, "e1:3");
  shelf.take(changed(B, 2, { cursor: "e1:4" }));
  assert.equal(shelf.cursor, "e1:4");
  shelf.take(readFrame("heartbeat", {}, "e1:5"));
  assert.equal(shelf.cursor, "e1:5");
  shelf.take(readFrame("something_new", 7, "e1:6"));
  assert.equal(shelf.cursor, "e1:6");
});

test("a change carries what was held before and its age", () => {
  const shelf = open();
  shelf.take(hello());
  shelf.take(snapshot([[A, 1]]));
  const [[type, detail] = []] = shelf.take(changed(A, 2, { age_ms: 12 }));
  assert.equal(type, "change");
  assert.deepEqual(detail, { ...product(A, 2), from: 2, age_ms: 12, previous: product(A, 1), missed: 0, snapshot: false });
  assert.deepEqual(shelf.products.get(A), product(A, 2));
});

test("it is caught up when continued, or with the last page", () => {
  const shelf = open();
  shelf.take(hello());
  shelf.take(snapshot([[A, 1]], { last: false }));
  assert.equal(shelf.caughtUp, false);
  shelf.take(snapshot([]));
  assert.equal(shelf.caughtUp, true);
  shelf.connecting();
  assert.equal(shelf.caughtUp, false);
  shelf.take(hello({ resumed: true }));
  assert.equal(shelf.caughtUp, true);
  shelf.take(snapshot([[A, 1]], { reset: true, last: false }));
  assert.equal(shelf.caughtUp, false);
});

test("a snapshot says how much it brought, moved and kept back", () => {
  const shelf = open();
  for (const frame of [hello(), snapshot([[A, 4], [B, 4]])]) shelf.take(frame);
  shelf.connecting();
  shelf.take(hello({ reset: true }));
  shelf.take(snapshot([[A, 6]], { reset: true, last: false }));
  const happened = shelf.take(snapshot([[B, 2]], { reset: true }));
  assert.deepEqual(happened, [["snapshot", { products: 2, changed: 1, behind: 1, reset: true }]]);
  assert.equal(shelf.products.get(B)?.version, 4);
});
