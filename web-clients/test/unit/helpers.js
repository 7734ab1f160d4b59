/** Hand-written frames, and a transport that says what a test wants. */

import { readFrame } from "../../lib/frames.js";

export const A = "0a000000-0000-7000-8000-00000000000a";
export const B = "0b000000-0000-7000-8000-00000000000b";
export const C = "0c000000-0000-7000-8000-00000000000c";

/**
 * @param {string} product_id
 * @param {number} version
 */
export function product(product_id, version) {
  return {
    product_id, version, name: `Product ${product_id.slice(0, 2)}`, price_minor: 100 + version, currency: "EUR", stock: 10 + version,
    occurred_at: "2026-01-01T00:00:00Z",
  };
}

/** @param {{resumed?: boolean, reset?: boolean, missed?: number, replica?: string, heartbeat_ms?: number, limits?: object}} [how] */
export function hello(how = {}) {
  return readFrame("hello", { replica: "gw1", epoch: "e1", resumed: false, reset: false, missed: 0, heartbeat_ms: 15_000, limits: {}, ...how }, undefined);
}

/**
 * @param {[string, number][]} rows
 * @param {{reset?: boolean, last?: boolean, cursor?: string}} [how]
 */
export function snapshot(rows, { reset = false, last = true, cursor = last ? "e1:0-1" : undefined } = {}) {
  return readFrame("snapshot", { products: rows.map(([id, version]) => product(id, version)), reset, last }, cursor);
}

/**
 * @param {string} id
 * @param {number} version
 * @param {{from?: number, cursor?: string, age_ms?: number}} [how]
 */
export function changed(id, version, { from = version, cursor, age_ms = 3 } = {}) {
  return readFrame("product_changed", { ...product(id, version), from, age_ms }, cursor);
}

/** @param {string} [product_id] */
export function gap(product_id) {
  return readFrame("gap", { topic: "product-changes", partition: 3, offset: 17, reason: "not_json", product_id }, undefined);
}

/** A transport in the hands of a test: every connection that the feed makes is in `made`. */
export class Wire {
  /** @type {{request: import("../../lib/transport-ws.js").Request, sink: import("../../lib/transport-ws.js").Sink, sent: [string, object][], closed: boolean}[]} */
  made = [];
  /** Whether the client can talk on it. */
  talks = true;

  /** @type {import("../../lib/transport-ws.js").OpenTransport} */
  open = (request, sink) => {
    const connection = { request, sink, sent: /** @type {[string, object][]} */ ([]), closed: false };
    this.made.push(connection);
    const close = () => void (connection.closed = true);
    if (!this.talks) return { close };
    return { close, send: (type, data) => connection.sent.push([type, data]) > 0 };
  };

  get last() {
    const last = this.made.at(-1);
    if (last === undefined) throw new Error("no connection was made yet");
    return last;
  }

  /** @param {import("../../lib/frames.js").Frame[]} frames */
  say(...frames) {
    for (const frame of frames) {
      this.last.sink.alive();
      this.last.sink.frame(frame);
    }
  }
}

/**
 * From here on timers run only when the test says so. (Node's own mock of 20.10 loses timers that are set by timers.)
 * @param {import("node:test").TestContext} t
 * @returns {{tick: (ms: number) => void}}
 */
export function holdTimers(t) {
  const { setTimeout, clearTimeout } = globalThis;
  /** @type {Map<number, {at: number, run: () => void}>} */
  const due = new Map();
  let [now, last] = [0, 0];
  Object.assign(globalThis, {
    setTimeout: (/** @type {() => void} */ run, ms = 0) => due.set(++last, { at: now + ms, run }) && last,
    clearTimeout: (/** @type {number} */ id) => due.delete(id),
  });
  t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  return {
    tick(ms) {
      const end = now + ms;
      for (;;) {
        const [id, next] = [...due].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
        if (id === undefined || next === undefined || next.at > end) break;
        due.delete(id);
        now = next.at;
        next.run();
      }
      now = end;
    },
  };
}
