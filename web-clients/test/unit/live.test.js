/** The dashboard's one connection: over which transport, and what it tells the views of it. */

import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Live } from "../../dashboard/data/live.js";
import { A, holdTimers, product } from "./helpers.js";
import { openPage } from "./page.js";

const page = openPage();

/** Sockets of the page, in the hands of the test. */
class Socket {
  static OPEN = 1;
  /** @type {Socket[]} */
  static made = [];
  readyState = 1;
  /** @type {any[]} */
  sent = [];
  /** @type {(event: {data: string}) => void} */
  onmessage = () => {};

  /** @param {URL} url */
  constructor(url) {
    this.url = url;
    Socket.made.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {}

  /** @param {string} type @param {object} data @param {string} [cursor] */
  say(type, data, cursor) {
    this.onmessage({ data: JSON.stringify({ type, data, cursor }) });
  }

  /** @param {object[]} products */
  begin(...products) {
    this.say("hello", { replica: "gw1", epoch: "e1", heartbeat_ms: 15_000 });
    this.say("snapshot", { products, last: true }, "e1:1");
  }
}
Object.assign(globalThis, { WebSocket: Socket });

/** What is asked over SSE; nothing is ever answered. @type {URL[]} */
const asked = [];
Object.assign(globalThis, { fetch: (/** @type {URL} */ url) => asked.push(url) && new Promise(() => {}) });

/** A connection that follows A, and where it said it stands. @param {import("node:test").TestContext} t */
async function live(t) {
  const timers = holdTimers(t);
  const connection = new Live("ws");
  /** @type {string[]} */
  const states = [];
  connection.addEventListener("state", (event) => states.push(/** @type {CustomEvent} */ (event).detail.state));
  await turn();
  const socket = /** @type {Socket} */ (Socket.made.at(-1));
  socket.begin();
  connection.want("test", [A]);
  timers.tick(100);
  return { connection, states, socket };
}

test("another transport goes on at the cursor, and the page is never told to be closed", async (t) => {
  const { connection, states, socket } = await live(t);
  socket.say("snapshot", { products: [product(A, 1)], last: true }, "e1:2");
  connection.use("sse");
  await turn();
  assert.equal(asked.at(-1)?.pathname, "/sse");
  assert.equal(asked.at(-1)?.searchParams.get("cursor"), "e1:2");
  assert.deepEqual(states, ["live", "connecting"]);
  connection.use("ws");
  await turn();
  Socket.made.at(-1)?.say("hello", { replica: "gw2", epoch: "e1", resumed: true, heartbeat_ms: 15_000 });
  assert.deepEqual(states, ["live", "connecting", "connecting", "live"]);
});

test("another transport asks for a snapshot while one is on its way", async (t) => {
  const { connection, socket } = await live(t);
  assert.deepEqual(socket.sent.map(({ type }) => type), ["subscribe"]);
  connection.use("sse");
  await turn();
  assert.equal(asked.at(-1)?.searchParams.get("products"), A);
  assert.equal(asked.at(-1)?.searchParams.get("cursor"), null);
});

test("the server's last word is the last thing that it said, a heartbeat too, over whichever transport", async (t) => {
  const { connection, socket } = await live(t);
  const before = connection.heardAt;
  assert.ok(before > 0);
  socket.say("heartbeat", {});
  const heard = connection.heardAt;
  assert.ok(heard > before);
  connection.cut(10_000);
  assert.equal(connection.heardAt, heard, "that was not the server");
  connection.use("sse");
  assert.equal(connection.heardAt, heard);
});

test("a hidden tab asks for nothing else: gateways send each change, whatever a viewer asks for", async (t) => {
  const { socket } = await live(t);
  const sent = socket.sent.length;
  page.document.hide(true);
  page.document.hide(false);
  assert.equal(socket.sent.length, sent);
});
