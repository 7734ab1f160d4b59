/** What viewers said since this page was opened: words are never stored, so what nobody heard is gone. */

import { paint } from "../paint.js";

/** @typedef {{from: string, text: string, at: string, own: boolean}} Word */

/** Words kept. */
const KEPT = 200;

export class Words extends EventTarget {
  /** @type {Word[]} oldest first */
  kept = [];
  /** Words that nobody looked at. */
  unseen = 0;
  #looked = false;

  /** @param {import("./live.js").Live} live */
  constructor(live) {
    super();
    live.addEventListener("said", (event) => {
      const { from, text, at } = /** @type {CustomEvent} */ (event).detail;
      this.kept.push({ from, text, at, own: from !== "" && from === live.viewer });
      if (this.kept.length > KEPT) this.kept.shift();
      if (!this.#looked) this.unseen++;
      paint(this, () => this.dispatchEvent(new Event("words")));
    });
  }

  /** Somebody looks, or not any more. @param {boolean} yes */
  look(yes) {
    this.#looked = yes;
    if (yes) this.unseen = 0;
    this.dispatchEvent(new Event("words"));
  }
}
