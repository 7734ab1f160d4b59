/** A dead letter's value is shown as it is, and what is sent back is what somebody wrote. */

import assert from "node:assert/strict";
import test from "node:test";
import { corrected, layOut } from "../../dashboard/data/letter.js";
import { ordinal } from "../../dashboard/format.js";

test("JSON is laid out where nothing of it is lost", () => {
  assert.equal(layOut('{"a":1,"b":["x y"]}'), '{\n  "a": 1,\n  "b": [\n    "x y"\n  ]\n}');
  for (const value of ['{"stock":1,"stock":2}', '{"price_minor":1e999}', '{"version":9007199254740993}', '{"a":1.0}', '{"a": 1}', "no change", "", '"\\u00e9"']) {
    assert.equal(layOut(value), value);
  }
  assert.equal(layOut(null), "");
});

test("what nobody touched is not sent", () => {
  for (const value of ['{"a":1}', '{"a":1,"a":2}', "no change", "", null]) assert.equal(corrected(value, layOut(value), layOut(value)), undefined);
});

test("a correction goes back without the layout, and as it was typed", () => {
  const value = '{"name":"a  b","stock":-1}';
  const shown = layOut(value);
  assert.equal(corrected(value, shown, shown.replace("-1", "9007199254740993")), '{"name":"a  b","stock":9007199254740993}');
  assert.equal(corrected(value, shown, shown.replace('"a  b"', '"\\" c  d"')), '{"name":"\\" c  d","stock":-1}');
  assert.equal(corrected(value, shown, "{ not JSON"), "{ not JSON");
  assert.equal(corrected('{"a": 1, "a": 2}', '{"a": 1, "a": 2}', '{"a": 1}'), '{"a": 1}');
  assert.equal(corrected(null, "", "{}"), "{}");
  // a field of a page has other ends of lines than the value, whose layout is its producer's own
  assert.equal(corrected('{\r\n "a": 1\r\n}', '{\n "a": 1\n}', '{\n "a": 2\n}'), '{\n "a": 2\n}');
});

test("a count of times reads as one says it", () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 22, 23, 101].map(ordinal), ["first", "2nd", "3rd", "4th", "11th", "12th", "22nd", "23rd", "101st"]);
});
