/**
 * What echo.js says: one word (`--say`), or each line of its input (`--chat`).
 *
 * A word counts as said when it comes back, for it takes the way of everybody else's: so whether others could hear it is
 * known, and not only whether it was sent. It is never said twice, since nobody could tell.
 */

import { createInterface } from "node:readline";
import { ServerError } from "../lib/errors.js";
import { sayable } from "../lib/saying.js";

/** How long a word may take to come back, in ms. */
const BACK_MS = 5000;
/** Between two lines of a chat, in ms: the gateway takes 5 words a second. */
const PACE_MS = 220;
/** What an error frame can say of a word. */
const REFUSALS = new Set(["away", "busy", "too_fast", "invalid"]);

export class Talk {
  #feed;
  #complain;
  /** How others see us on this connection. */
  #me = "";
  /** @type {Promise<void>} */
  #connected;
  /** Words that have not come back, oldest first. @type {{text: string, settle: (heard: boolean) => void}[]} */
  #waiting = [];

  /**
   * @param {import("../lib/feed.js").Feed} feed
   * @param {(text: string) => void} complain
   */
  constructor(feed, complain) {
    this.#feed = feed;
    this.#complain = complain;
    this.#connected = new Promise((resolve) => {
      feed.addEventListener("open", ({ detail }) => {
        this.#me = detail.viewer ?? "";
        resolve();
      });
    });
    feed.addEventListener("said", ({ detail: { from, text } }) => {
      if (from === this.#me) this.#waiting.find((word) => word.text === text)?.settle(true);
    });
    feed.addEventListener("error", ({ detail }) => {
      if (detail instanceof ServerError && REFUSALS.has(detail.code)) this.#waiting[0]?.settle(false);
    });
  }

  /**
   * @param {string} line
   * @returns {Promise<boolean>} whether it came back
   */
  async say(line) {
    const text = sayable(line);
    await this.#connected;
    if (!this.#feed.say(text)) {
      this.#complain(`not connected, so nobody heard: ${text}`);
      return false;
    }
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#complain(`it did not come back within ${BACK_MS / 1000} s, so others may not have heard: ${text}`);
        word.settle(false);
      }, BACK_MS);
      const word = {
        text,
        settle: (/** @type {boolean} */ heard) => {
          clearTimeout(late);
          this.#waiting.splice(this.#waiting.indexOf(word), 1);
          resolve(heard);
        },
      };
      this.#waiting.push(word);
    });
  }

  /**
   * Says each line of `input`, until it ends and the last word has come back.
   * @param {NodeJS.ReadableStream} input
   * @returns {Promise<boolean>} whether all came back
   */
  async chat(input) {
    /** @type {Promise<boolean>[]} */
    const words = [];
    await this.#connected;
    for await (const line of createInterface({ input })) {
      if (line.trim() === "") continue;
      words.push(this.say(line).catch((error) => {
        this.#complain(error.message);
        return false;
      }));
      await pause(PACE_MS);
    }
    return (await Promise.all(words)).every(Boolean);
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
