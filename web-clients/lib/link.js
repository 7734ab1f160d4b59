/**
 * Keeps one connection to the server up: makes it, watches it, and makes it again.
 *
 * A connection counts as dead after 2.5 heartbeats without a byte, whatever the socket says (a woken laptop's socket says
 * OPEN for minutes), and also when the first frame does not come in time. Where the system says that its network is gone a
 * byte must come within two seconds: a server on the same machine answers, or over SSE, where it can't be asked, is
 * connected to anew. Waits are those of `Backoff`; going online and becoming visible cut them short. After `going_away` the
 * old stream is read on until the server ends it or the delay is over, whichever comes first.
 */

import { Backoff } from "./backoff.js";
import { ConnectionError, FeedError } from "./errors.js";

/** From the start of a connection to its first frame, at most so long, in ms. */
export const CONNECT_MS = 10_000;
/** Heartbeats without a byte after which a connection is dead. */
export const DEAD_AFTER = 2.5;
/** Without a network a byte must come within this, in ms. */
export const DOUBT_MS = 2000;
/** A late timer may run before bytes that wait in the socket: look again after so long, in ms. */
const SECOND_LOOK_MS = 250;

/** @typedef {import("./transport-ws.js").OpenTransport} OpenTransport */
/**
 * @typedef {object} LinkOwner
 * @property {() => {transport: OpenTransport, request: import("./transport-ws.js").Request}} connecting a connection is about to be made
 * @property {(frame: import("./frames.js").Frame) => void} frame
 * @property {(error: FeedError) => void} bad a frame was dropped
 * @property {(error: FeedError, retryInMs: number | undefined, heard: boolean) => void} lost without `retryInMs` the link has ended for good;
 *   `heard`: a frame had come
 */

export class Link {
  #owner;
  #backoff;
  /** @type {import("./transport-ws.js").Connection | undefined} */
  #connection;
  /** Counts connections: whatever an older one still says is not heard. */
  #turn = 0;
  #heard = false;
  /** When the server last sent a byte, on any connection, by `performance.now()`; 0: never. */
  heardAt = 0;
  /** Since when it is quiet: the last byte, or the start of the connection. */
  #quietSince = 0;
  #quietMs = CONNECT_MS;
  /** @type {number | undefined} */
  #liveSince;
  /** @type {number | undefined} when to come back, as the server said */
  #comeBackAt;
  /** @type {ReturnType<typeof setTimeout> | undefined} the next try, or the end of a stream that is going away */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #doubt;

  /**
   * @param {LinkOwner} owner
   * @param {{random?: () => number}} [options]
   */
  constructor(owner, { random } = {}) {
    this.#owner = owner;
    this.#backoff = new Backoff(random);
  }

  /** Makes the first connection, or at once a new one with what is wanted now. */
  connect() {
    this.#drop();
    const turn = this.#turn;
    /** @param {(...args: any[]) => void} fn */
    const mine = (fn) => (/** @type {any[]} */ ...args) => {
      if (turn === this.#turn) fn(...args);
    };
    this.#heard = false;
    this.#quietMs = CONNECT_MS;
    this.#quietSince = performance.now();
    this.#look(CONNECT_MS);
    const { transport, request } = this.#owner.connecting();
    this.#connection = transport(request, {
      alive: mine(() => (this.heardAt = this.#quietSince = performance.now())),
      frame: mine((frame) => this.#frame(frame)),
      bad: mine((error) => this.#owner.bad(error)),
      lost: mine((error) => this.#lost(error)),
    });
  }

  /** Ends the link for good. */
  close() {
    this.#drop();
  }

  /**
   * Says something to the server.
   * @param {string} type
   * @param {object} data
   * @returns {boolean} false when it could not be said: no connection yet, or one that only listens
   */
  send(type, data) {
    return this.#heard && this.#connection?.send?.(type, data) === true;
  }

  /**
   * Ends the connection as a lost network would.
   * @param {number} ms after which the next try comes
   */
  cut(ms) {
    if (this.#connection !== undefined) this.#lost(new ConnectionError("cut by the reader", { code: "cut", retryInMs: ms }));
  }

  /** Asks anew for what is wanted now; while it waits for the next try, that one will. */
  refresh() {
    if (this.#connection !== undefined) this.connect();
  }

  /**
   * Only a connection that was live for long is a new start for the waits.
   * @param {boolean} yes the feed is live, or is not any more
   */
  live(yes) {
    if (!yes) this.#countLive();
    else this.#liveSince ??= performance.now();
  }

  /** The network is back, or somebody looks: no more waiting, and no trust in a socket that was quiet too long. */
  wake() {
    if (this.#connection === undefined) {
      if (this.#timer !== undefined) this.connect();
    } else if (performance.now() - this.#quietSince > this.#quietMs) this.#lost(dead(this.#quietMs));
  }

  /** The system says that its network is gone. */
  doubt() {
    if (this.#connection === undefined || this.#doubt !== undefined) return;
    const seen = this.#quietSince;
    // it answers with a heartbeat
    const asked = this.send("ping", {});
    this.#doubt = setTimeout(() => {
      this.#doubt = undefined;
      if (seen === this.#quietSince) this.#lost(new ConnectionError("there is no network", { code: "offline" }));
      // what came may have lain on the way
      else if (asked && globalThis.navigator?.onLine === false) this.doubt();
    }, DOUBT_MS);
  }

  /** @param {import("./frames.js").Frame} frame */
  #frame(frame) {
    this.#heard = true;
    if (frame.type === "hello") {
      this.#quietMs = frame.data.heartbeat_ms * DEAD_AFTER;
      this.#look(this.#quietMs);
    }
    if (frame.type === "going_away") {
      const ms = frame.data.reconnect_after_ms;
      this.#comeBackAt = performance.now() + ms;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#lost(new ConnectionError(`the replica goes away: ${frame.data.reason}`, { code: "going_away" })), ms);
    }
    this.#owner.frame(frame);
  }

  /** @param {number} ms */
  #look(ms) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const left = this.#quietSince + this.#quietMs - performance.now();
      if (left > 0) return this.#look(left);
      const seen = this.#quietSince;
      this.#watch = setTimeout(() => (seen === this.#quietSince ? this.#lost(dead(this.#quietMs)) : this.#look(this.#quietMs)), SECOND_LOOK_MS);
    }, ms);
  }

  /** @param {FeedError} error */
  #lost(error) {
    const comeBackAt = this.#comeBackAt;
    const heard = this.#heard;
    this.#drop();
    if (!error.temporary) return this.#owner.lost(error, undefined, heard);
    const asked = comeBackAt !== undefined ? Math.max(0, comeBackAt - performance.now())
      : error instanceof ConnectionError ? error.retryInMs : undefined;
    const retryInMs = this.#backoff.next(asked);
    this.#timer = setTimeout(() => this.connect(), retryInMs);
    this.#owner.lost(error, retryInMs, heard);
  }

  #drop() {
    this.#turn++;
    this.#countLive();
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    clearTimeout(this.#doubt);
    this.#timer = this.#watch = this.#doubt = this.#comeBackAt = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  #countLive() {
    if (this.#liveSince !== undefined) this.#backoff.wasLive(performance.now() - this.#liveSince);
    this.#liveSince = undefined;
  }
}

/** @param {number} ms */
function dead(ms) {
  return new ConnectionError(`no byte for ${Math.round(ms)} ms`, { code: "dead" });
}
