/**
 * What viewers said since this page was opened: words are never stored, so what nobody heard is gone. And what is said here:
 * the next word goes when the one before has come back and a fifth of a second is over, so a viewer's limit (five a second)
 * is never met, and a refusal, which names no word, can mean that one alone. What was not said is given back, word by word.
 */

import { sayable } from "../../lib/saying.js";
import { paint } from "../paint.js";

/** @typedef {{from: string, text: string, at: string, own: boolean}} Word */

/** Words kept. */
const KEPT = 200;
/** Own words that wait at most. */
const WAITING = 20;
/** Between a word that came back and the next, in ms. */
const PACE_MS = 200;
/** A word that has not come back after so long may be lost, in ms. */
const PATIENCE_MS = 5000;

export class Words extends EventTarget {
  /** @type {Word[]} oldest first */
  kept = [];
  /** Words that nobody looked at. */
  unseen = 0;
  #looked = false;
  /** @type {string[]} own words that have not been sent yet, oldest first */
  waiting = [];
  /** @type {string[]} what was not said, oldest first, until somebody takes it back */
  unsaid = [];
  /** @type {string | undefined} the own word that is on its way */
  #sent;
  /** @type {ReturnType<typeof setTimeout> | undefined} set while the next one must wait */
  #timer;
  #live;

  /** @param {import("./live.js").Live} live */
  constructor(live) {
    super();
    this.#live = live;
    live.addEventListener("said", (event) => {
      const { from, text, at } = /** @type {CustomEvent} */ (event).detail;
      const own = from !== "" && from === live.viewer;
      this.kept.push({ from, text, at, own });
      if (this.kept.length > KEPT) this.kept.shift();
      if (!this.#looked) this.unseen++;
      if (own && text === this.#sent) this.#pause();
      paint(this, () => this.dispatchEvent(new Event("words")));
    });
    live.addEventListener("error", (event) => {
      const { name, field, message } = /** @type {CustomEvent} */ (event).detail;
      // A refused list of products names its field.
      if (name === "ServerError" && !field?.startsWith("data.products") && this.#sent !== undefined) this.#giveBack(message, this.waiting.splice(0));
    });
    // The answer went to the connection that is no more; those behind it go on over this one.
    live.addEventListener("open", () => {
      if (this.#sent !== undefined) this.#giveBack("the connection was lost, so perhaps it was heard");
    });
  }

  /** Somebody looks, or not any more. @param {boolean} yes */
  look(yes) {
    this.#looked = yes;
    if (yes) this.unseen = 0;
    this.dispatchEvent(new Event("words"));
  }

  /**
   * Says a word as soon as it may be said.
   * @param {string} text
   * @returns {boolean} false: too many wait already
   * @throws {TypeError} it can't be said
   */
  say(text) {
    const word = sayable(text);
    if (this.waiting.length === WAITING) return false;
    this.waiting.push(word);
    if (this.#timer === undefined) this.#next();
    return true;
  }

  #next() {
    this.#timer = undefined;
    this.#sent = this.waiting.shift();
    if (this.#sent !== undefined) {
      this.#timer = setTimeout(() => this.#giveBack("no answer came, so perhaps it was heard", this.waiting.splice(0)), PATIENCE_MS);
      if (!this.#live.say(this.#sent)) this.#giveBack("the connection is away", this.waiting.splice(0));
    }
    this.dispatchEvent(new Event("waiting"));
  }

  #pause() {
    this.#sent = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#next(), PACE_MS);
  }

  /**
   * Gives back the word that was sent.
   * @param {string} why
   * @param {string[]} [behind] those that would fare no better
   */
  #giveBack(why, behind = []) {
    this.unsaid.push(...(this.#sent === undefined ? [] : [this.#sent]), ...behind);
    this.#pause();
    this.dispatchEvent(new CustomEvent("unsaid", { detail: why }));
  }
}
