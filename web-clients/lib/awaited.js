/**
 * Products that were asked for and whose state has not come yet. Pure.
 *
 * Until it has, the cursor does not stand for them: a connection that is made meanwhile must not continue there, or they
 * would stay unknown until they change. A product that does not exist never comes; it costs a snapshot at the next
 * connection, no more, since a connection's own snapshot answers all that was asked before it.
 */

/** Stands for "all products". */
const ALL = "*";

export class Awaited {
  /** @type {Map<string, number>} by id, the connection on which it was asked for */
  #ids = new Map();
  #turn = 0;

  /** Whether something is awaited. */
  get any() {
    return this.#ids.size > 0;
  }

  /** A new connection asks for everything. */
  connecting() {
    this.#turn++;
  }

  /** @param {Iterable<string> | "all"} ids */
  add(ids) {
    for (const id of ids === "all" ? [ALL] : ids) this.#ids.set(id, this.#turn);
  }

  /** @param {Iterable<string>} ids followed no more */
  drop(ids) {
    for (const id of ids) this.#ids.delete(id);
  }

  /**
   * A snapshot page came.
   * @param {import("./frames.js").SnapshotPage} page
   */
  page({ products, last }) {
    if (this.#ids.size === 0) return;
    this.drop(products.map(({ product_id }) => product_id));
    if (!last) return;
    for (const [id, turn] of this.#ids) if (turn < this.#turn || id === ALL) this.#ids.delete(id);
  }
}
