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

test("a photo never goes back, whatever frame tells it", () => {
  const shelf = open();
  const told = (/** @type {number} */ revision) => shelf.take(readFrame("photo_changed", { product_id: A, photo: `p${revision}`, revision }, undefined));
  const shown = () => shelf.products.get(A)?.photo;
  shelf.take(hello());
  shelf.take(readFrame("snapshot", { products: [{ ...product(A, 1), photo: "p2", photo_revision: 2 }], last: true }, "e1:1"));
  assert.equal(shown(), "p2");
  assert.deepEqual(told(3), [["photo", { product_id: A, photo: "p3", revision: 3 }]]);
  assert.deepEqual([told(3), told(2)], [[], []]);
  // a change that was made before the photo
  shelf.take(readFrame("product_changed", { ...product(A, 2), photo: "p2", photo_revision: 2, from: 2 }, "e1:2"));
  assert.equal(shown(), "p3");
  assert.equal(shelf.take(readFrame("photo_changed", { product_id: A, photo: null, revision: 4 }, undefined)).length, 1);
  assert.equal(shown(), null, "removed");
  // of a product that is not held yet
  shelf.take(readFrame("photo_changed", { product_id: B, photo: "b1", revision: 1 }, undefined));
  shelf.take(changed(B, 1, { from: 1 }));
  assert.equal(shelf.products.get(B)?.photo, "b1");
});

test("a rating never goes back, whatever frame tells it", () => {
  const shelf = open();
  const rating = (/** @type {number} */ count) => ({ average: 5, window: 10, count, sum: 5 * count });
  const rated = (/** @type {string} */ subject, /** @type {number} */ count) => shelf.take(readFrame("rating_changed", { subject, ...rating(count) }, undefined));
  const shown = () => shelf.products.get(A)?.rating?.count;
  shelf.take(hello());
  assert.deepEqual(rated("site", 3), [["rating", { subject: "site", ...rating(3), previous: undefined }]], "before the snapshot, of which it is a part");
  shelf.take(readFrame("snapshot", { products: [{ ...product(A, 1), rating: rating(2) }], last: true }, "e1:1"));
  assert.equal(shown(), 2);
  assert.deepEqual(rated(A, 4), [["rating", { subject: A, ...rating(4), previous: rating(2) }]]);
  assert.deepEqual([rated(A, 4), rated(A, 3), rated("site", 2)], [[], [], []]);
  // a change that was made before the rating
  const [[, change] = []] = shelf.take(readFrame("product_changed", { ...product(A, 2), rating: rating(2), from: 2 }, "e1:2"));
  assert.deepEqual([/** @type {any} */ (change).rating.count, shown()], [4, 4]);
  shelf.take(readFrame("product_changed", { ...product(A, 3), rating: rating(9), from: 3 }, "e1:3"));
  assert.deepEqual([shown(), shelf.ratings.held.get(A)?.count], [9, 9]);
  // of a product that is not held yet
  rated(B, 1);
  shelf.take(changed(B, 1, { from: 1 }));
  assert.equal(shelf.products.get(B)?.rating?.count, 1);
  const again = new Shelf({ checkpoint: shelf.checkpoint() });
  assert.deepEqual(again.ratings.held, shelf.ratings.held);
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
