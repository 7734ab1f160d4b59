import assert from "node:assert/strict";
import test from "node:test";
import { baseUrl, targetUrl } from "../../lib/target.js";
import { openSse, retryAfter } from "../../lib/transport-sse.js";
import { closeError, openWs } from "../../lib/transport-ws.js";
import { Transports } from "../../lib/transports.js";

test("auto takes WebSocket, and SSE in turn after two handshakes that never opened", () => {
  const transports = new Transports("auto", { hasWebSocket: true });
  const taken = Array.from({ length: 5 }, () => {
    const transport = transports.next();
    transports.failed();
    return transport;
  });
  assert.deepEqual(taken, [openWs, openWs, openSse, openWs, openSse]);
  transports.worked(openWs);
  transports.failed();
  assert.equal(transports.next(), openWs, "what has worked is kept");
});

test("a token or a missing WebSocket means SSE", () => {
  assert.equal(new Transports("auto", { hasWebSocket: false }).next(), openSse);
  assert.equal(new Transports("auto", { hasWebSocket: true, token: async () => "t" }).next(), openSse);
  assert.throws(() => new Transports("ws", { hasWebSocket: true, token: async () => "t" }), TypeError);
  assert.throws(() => new Transports("ws", { hasWebSocket: false }), { code: "no_websocket", temporary: false });
  assert.throws(() => new Transports(/** @type {any} */ ("carrier-pigeon"), { hasWebSocket: true }), TypeError);
});

test("a close with 1013 carries the delay in its reason; wrong data and policy are final", () => {
  assert.deepEqual(pick(closeError(1013, "1234")), ["try_later", true, 1234]);
  assert.deepEqual(pick(closeError(1008, "12000")), ["try_later", true, 12_000]);
  assert.deepEqual(pick(closeError(1013, "")), ["try_later", true, undefined]);
  assert.deepEqual(pick(closeError(1006, "", "nobody")), ["unreachable", true, undefined]);
  assert.deepEqual(pick(closeError(1001, "bye")), ["closed", true, undefined]);
  assert.deepEqual(pick(closeError(1008, "too large")), ["ws_1008", false, undefined]);
});

/** @param {any} error */
function pick({ code, temporary, retryInMs }) {
  return [code, temporary, retryInMs];
}

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfter("7"), 7000);
  assert.equal(retryAfter("Thu, 01 Jan 2026 00:00:05 GMT", Date.parse("2026-01-01T00:00:00Z")), 5000);
  assert.equal(retryAfter("soon"), undefined);
  assert.equal(retryAfter(null), undefined);
});

test("addresses: both schemes, a base path, and only what differs from the default", () => {
  const all = { products: /** @type {const} */ ("all"), everyMs: 0, cursor: undefined };
  assert.equal(targetUrl(baseUrl("http://h:1"), "ws", all).href, "ws://h:1/ws");
  assert.equal(targetUrl(baseUrl("https://h/shelf?x#y"), "ws", all).href, "wss://h/shelf/ws");
  assert.equal(targetUrl(baseUrl("wss://h/shelf/"), "sse", all).href, "https://h/shelf/sse");
  assert.equal(
    targetUrl(baseUrl("http://h"), "sse", { products: new Set(["a", "b"]), everyMs: 500, cursor: "e1:5-0+/" }).href,
    "http://h/sse?products=a%2Cb&every_ms=500&cursor=e1%3A5-0%2B%2F",
  );
  assert.match(targetUrl(baseUrl("http://h"), "sse", { ...all, products: new Set() }).href, /products=0{8}-/, "none is not all");
  assert.throws(() => baseUrl("ftp://h"), TypeError);
});
