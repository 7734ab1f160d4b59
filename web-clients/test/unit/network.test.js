/** What a feed does when the page's system tells of its network, and when a tab is looked at again. */

import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ConnectionError, connect } from "../../lib/feed.js";
import { A, Wire, hello, holdTimers, snapshot } from "./helpers.js";

/** A page's own events, where there is none. */
const page = new EventTarget();
const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
Object.assign(globalThis, {
  document, addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page),
});

/** A feed that is live, and the clock in the hands of the test. @param {import("node:test").TestContext} t */
async function live(t) {
  const timers = holdTimers(t);
  const wire = new Wire(), feed = connect("http://shelf.example/", { transport: wire.open });
  t.after(() => feed.close());
  await turn();
  wire.say(hello(), snapshot([[A, 1]]));
  assert.equal(feed.state.state, "live");
  return { timers, wire, feed };
}

test("without a network a connection that says nothing is stale within two seconds", async (t) => {
  const { timers, feed, wire } = await live(t);
  const first = wire.last;
  page.dispatchEvent(new Event("offline"));
  timers.tick(1000);
  page.dispatchEvent(new Event("offline"));
  assert.equal(feed.state.state, "live");
  timers.tick(1000);
  assert.deepEqual([feed.state.state, feed.state.code, first.closed], ["stale", "offline", true]);
});

test("a server that is reached without a network stays", async (t) => {
  const { timers, feed, wire } = await live(t);
  page.dispatchEvent(new Event("offline"));
  assert.deepEqual(wire.last.sent, [["ping", {}]]);
  await turn();
  wire.last.sink.alive();
  timers.tick(3000);
  assert.deepEqual([feed.state.state, wire.made.length], ["live", 1]);
});

test("what had come before the network went, and is read only then, dispels no doubt", async (t) => {
  const online = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { onLine: false }, configurable: true });
  t.after(() => (online ? Object.defineProperty(globalThis, "navigator", online) : Reflect.deleteProperty(globalThis, "navigator")));
  const { timers, feed, wire } = await live(t);
  page.dispatchEvent(new Event("offline"));
  await turn();
  wire.last.sink.alive();
  timers.tick(2000);
  assert.equal(feed.state.state, "live");
  timers.tick(2000);
  assert.equal(feed.state.code, "offline");
});

test("a network that is back, and a tab that is looked at, end the wait for the next try", async (t) => {
  const { feed, wire } = await live(t);
  wire.last.sink.lost(new ConnectionError("the line is cut"));
  page.dispatchEvent(new Event("online"));
  assert.equal(wire.made.length, 2);
  wire.last.sink.lost(new ConnectionError("the line is cut"));
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(wire.made.length, 2, "a tab that is left");
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(wire.made.length, 3);
  await feed.close();
  page.dispatchEvent(new Event("online"));
  page.dispatchEvent(new Event("offline"));
  assert.equal(wire.made.length, 3, "a feed that is closed hears nothing");
});
