/**
 * Server-sent events out of a text stream, as the HTML standard reads them.
 *
 * Chunks may break anywhere, also between CR and LF. Comments are skipped, several `data:` lines are joined by a line
 * feed, an event without data is not dispatched (but its `id:` is kept). `retry:` is for a browser's own `EventSource`;
 * we are told the same by `going_away`. One event may hold at most `MAX_EVENT` characters, so that a server gone wrong
 * cannot fill the memory.
 */

import { ProtocolError } from "./errors.js";

/** The most characters that one event may have; a snapshot page is far below. */
export const MAX_EVENT = 16 * 1024 * 1024;

/**
 * @typedef {object} SseEvent
 * @property {string} type `message` when the stream names none
 * @property {string} data
 * @property {string} id the last id seen on the stream; empty before the first
 */

/** Reads one stream; make a new one for each connection. */
export class SseParser {
  #onEvent;
  #rest = "";
  #scanned = 0;
  #start = true;
  #type = "";
  /** @type {string[]} */
  #data = [];
  #dataLength = 0;
  #id = "";

  /** @param {(event: SseEvent) => void} onEvent */
  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  /**
   * Takes the next piece of decoded text.
   * @param {string} chunk
   */
  push(chunk) {
    if (this.#start && chunk !== "") {
      if (chunk.charCodeAt(0) === 0xfeff) chunk = chunk.slice(1);
      this.#start = false;
    }
    const text = this.#rest + chunk;
    let from = 0;
    let at = this.#scanned;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code !== 10 && code !== 13) continue;
      // A CR at the very end may be the first half of CRLF: wait for what follows.
      if (code === 13 && at + 1 === text.length) break;
      this.#line(text.slice(from, at));
      if (code === 13 && text.charCodeAt(at + 1) === 10) at++;
      from = at + 1;
    }
    this.#rest = text.slice(from);
    this.#scanned = at - from;
    if (this.#rest.length + this.#dataLength > MAX_EVENT) {
      throw new ProtocolError(`an event is longer than ${MAX_EVENT} characters`, { code: "frame_too_large" });
    }
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#type = value;
    else if (field === "data") {
      this.#data.push(value);
      this.#dataLength += value.length + 1;
    } else if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch() {
    const event = { type: this.#type || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#type = "";
    this.#data = [];
    this.#dataLength = 0;
    if (!empty) this.#onEvent(event);
  }
}
