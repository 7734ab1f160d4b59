/**
 * The feed over connections in the hands of a test: states, retries, resuming, subscriptions, listeners.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ConnectionError, ProtocolError, RefusedError, connect } from "../../lib/feed.js";
import { readFrame } from "../../lib/frames.js";
import { A, B, C, Wire, changed, gap, hello, holdTimers, snapshot } from "./helpers.js";

/** @param {import("../../lib/feed.js").FeedOptions} [options] */
async function start(options) {
  const wire = new Wire();
  const feed = connect("http://shelf.example/base", { transport: wire.open, ...options });
  /** @type {[string, any][]} */
  const told = [];
  for (const type of /** @type {const} */ (["open", "snapshot", "change", "gap", "status", "replicas", "state", "error"])) {
    feed.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  await turn();
  const states = () => told.filter(([type]) => type === "state").map(([, { state }]) => state);
  return { wire, feed, told, states };
}

const lost = () => new ConnectionError("the line is cut");

test("it goes from connecting to live with the last page, and tells in order", async () => {
  const { wire, feed, told } = await start();
  wire.say(hello(), snapshot([[A, 1]], { last: false }));
  assert.equal(feed.state.state, "connecting");
  wire.say(snapshot([[B, 1]]), changed(A, 2));
  assert.deepEqual(told.map(([type]) => type), ["open", "snapshot", "state", "change"]);
  assert.equal(feed.state.state, "live");
  assert.equal(feed.products.get(A)?.version, 2);
  await feed.close();
  assert.equal(wire.last.closed, true);
  assert.deepEqual(told.at(-1), ["state", { state: "closed", reason: "closed by the reader", code: "closed" }]);
});

test("more products than a viewer may name are refused at once, and change nothing", async () => {
  const { wire, feed } = await start({ products: [A] });
  wire.say(hello({ limits: { products: 2 } }), snapshot([[A, 1]]));
  feed.subscribe([B]);
  const sent = wire.last.sent.length;
  assert.throws(() => feed.subscribe([C]), RangeError);
  assert.equal(wire.last.sent.length, sent);
  feed.subscribe([A, B]);
  feed.subscribe("all");
  assert.equal(wire.last.sent.length, sent + 1);
  await feed.close();
});

test("a lost connection is made again with the cursor, after the wait that was told", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed, told } = await start();
  wire.say(hello(), snapshot([[A, 1]]), changed(A, 2, { cursor: "e1:7" }));
  wire.last.sink.lost(lost());
  const [, detail] = /** @type {[string, any]} */ (told.at(-1));
  assert.equal(detail.state, "stale");
  assert.ok(detail.retryInMs <= 500, `${detail.retryInMs}`);
  assert.equal(wire.made.length, 1);
  timers.tick(detail.retryInMs);
  assert.equal(wire.made.length, 2);
  assert.equal(wire.last.request.wanted.cursor, "e1:7");
  wire.say(hello({ resumed: true, replica: "gw2", missed: 1 }));
  assert.equal(feed.state.state, "live");
  wire.say(changed(A, 2), changed(A, 3));
  assert.deepEqual([feed.proof.holds, feed.proof.resumes, feed.proof.duplicates], [true, 1, 1]);
  await feed.close();
});

test("an old connection is not heard any more", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start();
  wire.say(hello(), snapshot([[A, 1]]));
  const old = wire.last;
  old.sink.lost(lost());
  timers.tick(500);
  old.sink.frame(changed(A, 9));
  old.sink.lost(lost());
  assert.equal(feed.products.get(A)?.version, 1);
  assert.equal(wire.made.length, 2);
  await feed.close();
});

test("a server's delay replaces the own one, told by going_away or by the end itself", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start();
  wire.last.sink.lost(new ConnectionError("full", { code: "try_later", retryInMs: 4321 }));
  assert.equal(feed.state.retryInMs, 4321);
  timers.tick(4321);
  wire.say(hello(), snapshot([[A, 1]]), readFrame("going_away", { reconnect_after_ms: 3000, reason: "drain" }, undefined));
  assert.equal(feed.state.state, "live", "the stream is read on until it ends");
  wire.say(changed(A, 2));
  assert.equal(feed.products.get(A)?.version, 2);
  wire.last.sink.lost(lost());
  const wait = feed.state.retryInMs ?? 0;
  assert.ok(wait > 2500 && wait <= 3000, `${wait}`);
  await feed.close();
});

test("a stream that goes away and does not end is left when the delay is over", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start();
  wire.say(hello(), snapshot([[A, 1]]), readFrame("going_away", { reconnect_after_ms: 800, reason: "drain" }, undefined));
  const old = wire.last;
  timers.tick(800);
  assert.equal(old.closed, true);
  assert.equal(feed.state.code, "going_away");
  await feed.close();
});

test("silence of 2.5 heartbeats is a dead connection, whatever the socket says", async () => {
  const { wire, feed } = await start();
  wire.say(hello({ heartbeat_ms: 40 }), snapshot([[A, 1]]));
  const first = wire.last;
  const beats = setInterval(() => first.sink.alive(), 20);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(feed.state.state, "live", "any byte keeps it alive");
  clearInterval(beats);
  await new Promise((resolve) => feed.addEventListener("state", resolve, { once: true }));
  assert.deepEqual([feed.state.state, feed.state.code, first.closed], ["stale", "dead", true]);
  await feed.close();
});

test("a refusal ends the feed, and a loop over it throws it", async () => {
  const { wire, feed, told, states } = await start();
  const reading = (async () => {
    for await (const _ of feed);
  })();
  wire.last.sink.lost(new RefusedError("the server answered 403", { code: "http_403", status: 403 }));
  await assert.rejects(reading, { code: "http_403", temporary: false });
  assert.deepEqual(states(), ["closed"]);
  assert.equal(told.filter(([type]) => type === "error").length, 1);
});

test("while something behind the server is away, the feed is stale", async () => {
  const { wire, feed, states } = await start();
  wire.say(hello(), snapshot([[A, 1]]), readFrame("status", { away: [{ what: "redis", since: "2026-01-01T00:00:00Z" }], stale_ms: 5 }, undefined));
  assert.deepEqual([feed.state.state, feed.state.reason], ["stale", "redis away"]);
  wire.say(readFrame("status", { away: [] }, undefined));
  assert.deepEqual(states(), ["live", "stale", "live"]);
  await feed.close();
});

test("gap, replicas_changed and error frames are told", async () => {
  const { wire, feed, told } = await start();
  wire.say(hello(), snapshot([]),
    readFrame("gap", { topic: "product-changes", partition: 1, offset: 2, reason: "empty", product_id: A }, undefined),
    readFrame("replicas_changed", { replicas: [], moved: [] }, undefined),
    readFrame("error", { code: "bad_request", message: "products: at most 1000", field: "products" }, undefined));
  assert.deepEqual(told.slice(3).map(([type]) => type), ["gap", "replicas", "error"]);
  assert.deepEqual([told.at(-1)?.[1].code, told.at(-1)?.[1].field], ["bad_request", "products"]);
  wire.last.sink.bad(new ProtocolError("x"));
  assert.equal(told.at(-1)?.[1].code, "bad_frame");
  assert.equal(feed.state.state, "live");
  await feed.close();
});

test("a listener that throws or rejects does not stop the feed", async () => {
  const { wire, feed, told } = await start();
  const throws = () => {
    throw new Error("mine");
  };
  feed.addEventListener("change", throws);
  feed.addEventListener("change", async () => throws());
  wire.say(hello(), snapshot([[A, 1]]), changed(A, 2), changed(A, 3));
  await turn();
  assert.equal(feed.products.get(A)?.version, 3);
  assert.deepEqual(told.filter(([type]) => type === "error").map(([, { code }]) => code), Array(4).fill("listener"));
  feed.removeEventListener("change", throws);
  wire.say(changed(A, 4));
  assert.equal(told.filter(([type]) => type === "error").length, 4, "only the asynchronous one is left, and it throws later");
  await turn();
  await feed.close();
});

test("subscribing over a transport that talks sends a message, and the answer may jump", async () => {
  const { wire, feed } = await start({ products: [A] });
  assert.deepEqual([...wire.last.request.wanted.products], [A]);
  wire.say(hello(), snapshot([[A, 1]]));
  feed.subscribe([B], { everyMs: 250 });
  assert.deepEqual(wire.last.sent, [["subscribe", { products: [B], every_ms: 250 }]]);
  wire.say(snapshot([[A, 1], [B, 40]]), changed(B, 41), changed(B, 43));
  assert.equal(feed.proof.missed, 1);
  feed.unsubscribe([A]);
  assert.deepEqual(wire.last.sent.at(-1), ["unsubscribe", { products: [A] }]);
  assert.deepEqual([...feed.products.keys()], [B]);
  feed.subscribe([A]);
  wire.say(snapshot([[A, 7]]), changed(A, 8));
  assert.equal(feed.proof.missed, 1, "what happened while A was not followed is no hole");
  await feed.close();
});

test("a subscription excuses only what was not followed before", async () => {
  const { wire, feed } = await start({ products: [A] });
  wire.say(hello(), snapshot([[A, 1]]));
  feed.subscribe([A, B]);
  wire.say(changed(A, 3), changed(B, 7));
  assert.equal(feed.proof.missed, 1, "A was followed all the time, B was not");
  wire.say(snapshot([[A, 9], [B, 7]]));
  assert.equal(feed.proof.missed, 1, "the snapshot that was asked for may be ahead of the frames");
  feed.unsubscribe([B]);
  feed.subscribe([B]);
  wire.say(changed(B, 12), changed(B, 13));
  assert.equal(feed.proof.missed, 1, "B moved on meanwhile");
  await feed.close();
});

test("who follows all cannot narrow, and asks for nothing that is there already", async () => {
  const { wire, feed } = await start();
  wire.say(hello(), snapshot([[A, 1]], { cursor: "e1:5" }));
  feed.subscribe([A]);
  assert.deepEqual(wire.last.sent, []);
  feed.subscribe("all", { everyMs: 500 });
  assert.deepEqual(wire.last.sent, [["subscribe", { products: "all", every_ms: 500 }]]);
  assert.throws(() => feed.unsubscribe([A]), TypeError);
  wire.say(changed(A, 3));
  assert.equal(feed.proof.missed, 1);
  wire.talks = false;
  feed.subscribe("all", { everyMs: 0 });
  await feed.close();
});

test("what was asked for on one connection excuses nothing on the next", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start({ products: [A] });
  wire.say(hello(), snapshot([[A, 1]]));
  feed.subscribe([B]);
  wire.say(snapshot([[B, 1]]));
  wire.last.sink.lost(lost());
  timers.tick(500);
  wire.say(hello({ resumed: true }), snapshot([[A, 4], [B, 1]]));
  assert.equal(feed.proof.missed, 3);
  await feed.close();
});

test("subscribing over SSE asks anew, without the cursor, since it would bring no snapshot", async () => {
  const { wire, feed } = await start({ products: [A] });
  wire.talks = false;
  feed.subscribe([C]);
  assert.equal(wire.made.length, 2);
  wire.say(hello(), snapshot([[A, 1], [C, 5]]));
  feed.unsubscribe([A]);
  assert.equal(wire.made.length, 3);
  assert.deepEqual([...wire.last.request.wanted.products], [C]);
  assert.equal(wire.last.request.wanted.cursor, "e1:0-1");
  feed.subscribe([B]);
  assert.equal(wire.last.request.wanted.cursor, undefined);
  await feed.close();
});

test("what was asked for and did not come yet is not lost with the connection", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start({ products: [A] });
  const cut = () => {
    wire.last.sink.lost(lost());
    timers.tick(2000);
    return wire.last.request.wanted.cursor;
  };
  wire.say(hello());
  feed.subscribe([B, C]);
  wire.say(snapshot([[A, 1]]));
  assert.equal(cut(), undefined, "that was the snapshot of the connection: B and C were asked for later");
  wire.say(hello(), snapshot([[A, 1], [B, 1]]));
  assert.equal(cut(), "e1:0-1", "the new connection asked for all three; C does not exist");
  feed.subscribe([C]);
  feed.unsubscribe([A, B, C]);
  assert.equal(feed.products.size, 0);
  await feed.close();
});

test("a checkpoint is taken up, but its cursor only for the same products", async () => {
  const { wire, feed } = await start();
  wire.say(hello(), snapshot([[A, 3], [B, 3]]));
  const checkpoint = feed.checkpoint();
  await feed.close();
  const same = await start({ checkpoint });
  assert.equal(same.wire.last.request.wanted.cursor, "e1:0-1");
  assert.equal(same.feed.products.get(A)?.version, 3);
  const fewer = await start({ checkpoint, products: [A] });
  assert.equal(fewer.wire.last.request.wanted.cursor, undefined);
  fewer.wire.say(hello(), snapshot([[A, 9]]));
  assert.equal(fewer.feed.proof.holds, true);
  await same.feed.close();
  await fewer.feed.close();
});

test("a checkpoint that is taken before a product's first state came goes on nowhere, so that it comes", async () => {
  const { wire, feed } = await start({ products: [A] });
  wire.say(hello(), snapshot([[A, 1]]));
  feed.subscribe([B]);
  const checkpoint = feed.checkpoint();
  wire.say(snapshot([[B, 6]], { cursor: "e1:2" }));
  assert.equal(feed.checkpoint().cursor, "e1:2");
  await feed.close();
  const next = await start({ checkpoint, products: [A, B] });
  assert.equal(next.wire.last.request.wanted.cursor, undefined);
  next.wire.say(hello(), snapshot([[A, 1], [B, 7]]), changed(B, 8));
  assert.deepEqual([next.feed.products.get(B)?.version, next.feed.proof.missed], [8, 0]);
  await next.feed.close();
});

test("a break that was announced before a checkpoint is no hole after it", async () => {
  const { wire, feed } = await start();
  wire.say(hello(), snapshot([[A, 1], [B, 1]]), gap(A));
  const checkpoint = JSON.parse(JSON.stringify(feed.checkpoint()));
  await feed.close();
  const next = await start({ checkpoint });
  next.wire.say(hello({ resumed: true }), changed(A, 3));
  assert.equal(next.feed.proof.missed, 0);
  next.wire.say(changed(A, 5), changed(B, 3));
  assert.equal(next.feed.proof.missed, 2, "one break, of one product");
  await next.feed.close();
});

test("it knows when the server last said anything, and takes nothing else for it", async (t) => {
  const timers = holdTimers(t);
  const { wire, feed } = await start();
  assert.equal(feed.heardAt, 0, "a connection that nobody answered");
  wire.say(hello(), snapshot([[A, 1]]));
  const first = feed.heardAt;
  assert.ok(first > 0);
  wire.last.sink.alive();
  const heard = feed.heardAt;
  assert.ok(heard > first, "a heartbeat, of which no event tells");
  wire.last.sink.lost(lost());
  timers.tick(2000);
  wire.last.sink.lost(lost());
  assert.equal(wire.made.length, 2);
  assert.equal(feed.heardAt, heard, "tries are not the server");
  await feed.close();
});

test("a signal closes it, also one that was aborted before", async () => {
  const abort = new AbortController();
  const { wire, feed } = await start({ signal: abort.signal });
  abort.abort();
  assert.deepEqual([feed.state.state, feed.state.code, wire.last.closed], ["closed", "aborted", true]);
  const late = await start({ signal: abort.signal });
  assert.equal(late.wire.made.length, 0);
  assert.equal(late.feed.state.state, "closed");
});

test("a page that comes back makes the next try at once", async (t) => {
  holdTimers(t);
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const around = /** @type {any} */ (globalThis);
  Object.assign(around, { document, addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) });
  t.after(() => ["document", "addEventListener", "removeEventListener"].forEach((name) => delete around[name]));
  const { wire, feed } = await start();
  wire.last.sink.lost(new ConnectionError("cut", { retryInMs: 9000 }));
  page.dispatchEvent(new Event("online"));
  assert.equal(wire.made.length, 2);
  wire.last.sink.lost(new ConnectionError("cut", { retryInMs: 9000 }));
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(wire.made.length, 3);
  page.dispatchEvent(new Event("online"));
  assert.equal(wire.made.length, 3, "a connection that lives is left alone");
  await feed.close();
});

test("a word is sent as it is said, and comes back as an event; without a connection that talks it is not sent", async () => {
  const { wire, feed } = await start();
  assert.equal(feed.say("too early"), false);
  wire.say(hello());
  assert.equal(feed.say("  héllo 👋 "), true);
  assert.deepEqual(wire.last.sent, [["say", { text: "héllo 👋" }]]);
  assert.throws(() => feed.say("a\nb"), TypeError);
  /** @type {unknown[]} */
  const heard = [];
  feed.addEventListener("said", ({ detail }) => heard.push(detail));
  const word = { from: "gw1-7", text: "héllo 👋", at: "2026-01-01T00:00:00Z" };
  wire.say(readFrame("said", word, undefined));
  assert.deepEqual(heard, [word]);
  await feed.close();
});
