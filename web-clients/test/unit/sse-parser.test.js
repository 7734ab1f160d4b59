import assert from "node:assert/strict";
import test from "node:test";
import { MAX_EVENT, SseParser } from "../../lib/sse-parser.js";

/** @param {string[]} chunks */
function parse(...chunks) {
  /** @type {import("../../lib/sse-parser.js").SseEvent[]} */
  const events = [];
  const parser = new SseParser((event) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

const STREAM = "\ufeff: hi\r\nretry: 250\r\nid: e1:5\r\nevent: product_changed\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n"
  + "id: e1:6\n\nevent:heartbeat\ndata:{}\n\nretry: 1x\ndata\n\rdata: last\r\rdata: cut";
const EVENTS = [
  { type: "product_changed", data: "{\"a\":\n1}", id: "e1:5" },
  { type: "heartbeat", data: "{}", id: "e1:6" },
  { type: "message", data: "", id: "e1:6" },
  { type: "message", data: "last", id: "e1:6" },
];

test("fields, comments, all line ends, and an id without data are read as the standard says", () => {
  assert.deepEqual(parse(STREAM), EVENTS);
});

test("it does not matter where the chunks break", () => {
  for (let size = 1; size < 9; size++) {
    const chunks = [];
    for (let at = 0; at < STREAM.length; at += size) chunks.push(STREAM.slice(at, at + size));
    assert.deepEqual(parse(...chunks), EVENTS, `chunks of ${size}`);
  }
  for (let cut = 0; cut <= STREAM.length; cut++) {
    assert.deepEqual(parse(STREAM.slice(0, cut), STREAM.slice(cut)), EVENTS, `cut at ${cut}`);
  }
});

test("an event that the stream's end cuts is not dispatched", () => {
  assert.deepEqual(parse("data: 1\n\ndata: 2\n").map(({ data }) => data), ["1"]);
});

test("an id with NUL is ignored, an empty one clears it", () => {
  assert.deepEqual(parse("id: a\nid: b\0\ndata: 1\n\nid\ndata: 2\n\n").map(({ id }) => id), ["a", ""]);
});

test("an event without an end does not fill the memory", () => {
  const chunk = "x".repeat(1024 * 1024);
  const parser = new SseParser(() => {});
  parser.push("data: ");
  assert.throws(() => {
    for (let n = 0; n * chunk.length <= MAX_EVENT; n++) parser.push(chunk);
  }, { code: "frame_too_large" });
});
