/**
 * What waits for one `for await` loop: at most one change a product.
 *
 * A loop that is slower than the shelf does not fill the memory and does not read old prices: when a second change of a
 * product comes before the first was read, they become one, with the newest state, the `from` and `previous` of the
 * first, and the sum of what was missed.
 */

/** @typedef {import("./shelf.js").Change} Change */

/** @implements {AsyncIterableIterator<Change>} */
export class Inbox {
  /** @type {Map<string, Change>} in the order of their first arrival */
  #waiting = new Map();
  /** @type {{resolve: (result: IteratorResult<Change>) => void, reject: (error: unknown) => void}[]} */
  #readers = [];
  /** @type {{error?: unknown} | undefined} */
  #ended;
  #onReturn;

  /** @param {(inbox: Inbox) => void} [onReturn] the loop was left */
  constructor(onReturn = () => {}) {
    this.#onReturn = onReturn;
  }

  /** How many products wait. */
  get size() {
    return this.#waiting.size;
  }

  /** @param {Change} change */
  push(change) {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) return reader.resolve({ value: change, done: false });
    const first = this.#waiting.get(change.product_id);
    this.#waiting.set(change.product_id, first === undefined ? change : {
      ...change, from: first.from, previous: first.previous, missed: first.missed + change.missed,
    });
  }

  /** @param {unknown} [error] thrown to the loop once it has read what waits; without one the loop just ends */
  end(error) {
    if (this.#ended) return;
    this.#ended = { error };
    for (const reader of this.#readers.splice(0)) {
      if (error === undefined) reader.resolve({ value: undefined, done: true });
      else reader.reject(error);
    }
  }

  /** @returns {Promise<IteratorResult<Change>>} */
  next() {
    for (const [id, change] of this.#waiting) {
      this.#waiting.delete(id);
      return Promise.resolve({ value: change, done: false });
    }
    if (this.#ended === undefined) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const { error } = this.#ended;
    this.#ended = {};
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }

  /** @returns {Promise<IteratorResult<Change>>} */
  return() {
    this.#waiting.clear();
    this.end();
    this.#onReturn(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
