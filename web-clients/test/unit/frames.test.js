import assert from "node:assert/strict";
import test from "node:test";
import { readFrame } from "../../lib/frames.js";
import { A, product } from "./helpers.js";

const GOOD = { ...product(A, 3), from: 2, age_ms: 1 };

test("a frame as agreed passes whole, with fields that are not known here", () => {
  const frame = readFrame("product_changed", { ...GOOD, colour: "red" }, "c");
  assert.deepEqual(frame, { type: "product_changed", data: { ...GOOD, colour: "red" }, cursor: "c" });
  assert.equal(readFrame("heartbeat", {}, "").cursor, undefined);
});

test("a frame of a later release passes unread", () => {
  for (const type of ["of_a_later_release", "constructor", "__proto__", "unknown"]) assert.equal(readFrame(type, null, "c").type, "unknown");
});

test("a wrong field is an error, not a wrong value", () => {
  for (const wrong of [
    { product_id: 7 }, { version: 0 }, { version: 1.5 }, { version: "3" }, { from: 4 }, { from: 0 }, { from: undefined },
    { price_minor: -1 }, { price_minor: "199" }, { currency: "eur" }, { stock: null }, { name: "" },
  ]) {
    assert.throws(() => readFrame("product_changed", { ...GOOD, ...wrong }, "c"), { code: "bad_frame" }, JSON.stringify(wrong));
  }
  for (const [type, data] of /** @type {[string, unknown][]} */ ([
    ["hello", { replica: "gw1", epoch: "e", heartbeat_ms: 0 }], ["hello", null], ["snapshot", { products: {} }],
    ["snapshot", { products: [{}] }], ["status", {}], ["going_away", {}], ["gap", { partition: 1 }], ["error", []],
    ["rating_changed", { subject: A, average: "7", window: 10, count: 1, sum: 7 }], ["rating_changed", { subject: A }],
    ["product_changed", { ...GOOD, rating: { count: 1 } }], ["heartbeat", "x"],
  ])) {
    assert.throws(() => readFrame(type, data, undefined), { name: "ProtocolError" }, `${type} ${JSON.stringify(data)}`);
  }
});
