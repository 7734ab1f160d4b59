/**
 * Which transport the next connection takes.
 *
 * `auto` means WebSocket; SSE where there is none, where a token is needed (a page cannot give a WebSocket a header), and
 * after two WebSocket handshakes in a row that never opened (some proxies swallow them). From then on both take turns until one works;
 * a WebSocket that has worked once is kept.
 */

import { FeedError } from "./errors.js";
import { openSse } from "./transport-sse.js";
import { openWs } from "./transport-ws.js";

/** @typedef {import("./transport-ws.js").OpenTransport} OpenTransport */
/** @typedef {"auto" | "ws" | "sse" | OpenTransport} TransportName a function is a transport of your own */

/** Handshakes that may fail before `auto` tries SSE. */
const WS_TRIES = 2;

export class Transports {
  #wanted;
  #wsFailed = 0;
  /** @type {OpenTransport | undefined} the one that has worked */
  #proven;

  /**
   * @param {TransportName} wanted
   * @param {{token?: unknown, hasWebSocket?: boolean}} [around]
   * @throws {FeedError | TypeError}
   */
  constructor(wanted, { token, hasWebSocket = typeof globalThis.WebSocket === "function" } = {}) {
    if (wanted === "ws" && !hasWebSocket) {
      throw new FeedError("no WebSocket here (Node 20 has one with --experimental-websocket)", { code: "no_websocket", temporary: false });
    }
    if (wanted === "ws" && token !== undefined) throw new TypeError("a token needs the transport \"sse\": a WebSocket has no headers");
    if (typeof wanted !== "function" && !["auto", "ws", "sse"].includes(wanted)) throw new TypeError(`no such transport: ${wanted}`);
    this.#wanted = wanted === "auto" && (!hasWebSocket || token !== undefined) ? "sse" : wanted;
  }

  /** @returns {OpenTransport} */
  next() {
    if (typeof this.#wanted === "function") return this.#wanted;
    if (this.#wanted === "sse") return openSse;
    if (this.#wanted === "ws") return openWs;
    if (this.#proven) return this.#proven;
    return this.#wsFailed >= WS_TRIES && this.#wsFailed % 2 === 0 ? openSse : openWs;
  }

  /** @param {OpenTransport} transport a frame came through it */
  worked(transport) {
    this.#proven = transport;
  }

  /** The last connection ended before a frame came through it. */
  failed() {
    if (this.#proven === undefined) this.#wsFailed++;
  }
}
