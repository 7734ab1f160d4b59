/**
 * Older prices of the products in view, for their sparklines: asked for one after the other, once a product, and only
 * when one has stopped scrolling.
 */

import { ask } from "./api.js";
import { TRAIL } from "./catalogue.js";

/** So long nobody scrolled, in ms. */
const SETTLE_MS = 250;

export class History {
  #catalogue;
  /** @type {string[]} */
  #wanted = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #running = false;

  /** @param {import("./catalogue.js").Catalogue} catalogue */
  constructor(catalogue) {
    this.#catalogue = catalogue;
  }

  /** @param {string[]} ids those in view */
  want(ids) {
    this.#wanted = ids.filter((id) => !this.#catalogue.trails.has(id));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), SETTLE_MS);
  }

  close() {
    this.#wanted = [];
    clearTimeout(this.#timer);
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let id = this.#wanted.shift(); id !== undefined; id = this.#wanted.shift()) {
      const answer = await ask(`products/${id}/changes?limit=${TRAIL}`).catch(() => undefined);
      if (answer === undefined || this.#catalogue.trails.has(id)) continue;
      this.#catalogue.recall(id, answer.changes.reverse());
    }
    this.#running = false;
  }
}
