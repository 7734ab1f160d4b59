/**
 * The proof that nothing was missed, from versions alone.
 *
 * Each product's versions are 1, 2, 3 … without a gap, and a frame says which of them it folds in: `from..version`. So
 * whoever holds version n of a product knows that a frame with `from` above n + 1 skipped something: a **hole**. Three
 * things excuse a break: a `reset` (or a connection made without a cursor) followed by a snapshot, a `gap` frame that
 * names the product, and asking for a product anew.
 *
 * Two marks are kept per product. *held* is the highest version ever taken: the floor below which nothing is shown
 * again; it survives reconnects and resets. *sent* is the highest version on this connection, and a server may never
 * send a lower one: a **regression**. A frame that is not above the floor and is no regression is a **duplicate**: the
 * repeat of a cut relay entry, a redelivery, or a replica that is a moment behind. It is dropped and is no fault.
 */

/**
 * @typedef {object} ProofCounts
 * @property {number} frames product frames that came
 * @property {number} missed versions in holes
 * @property {number} regressions frames or snapshot rows below one sent before on the same connection
 * @property {number} duplicates frames that were dropped since their version was held
 * @property {number} resets how often the server said that it could not continue, and sent a snapshot
 * @property {number} resumes how often it continued at the cursor
 */
/** @typedef {{taken: boolean, missed: number, regression: boolean, behind: boolean}} Verdict `taken`: above the floor; `behind`: below it */

/** @type {Verdict} */
const EQUAL = Object.freeze({ taken: false, missed: 0, regression: false, behind: false });
/** @type {Verdict} */
const BEHIND = Object.freeze({ ...EQUAL, behind: true });
/** @type {Verdict} */
const REGRESSION = Object.freeze({ ...EQUAL, regression: true });

/** The books of one feed. */
export class Proof {
  #counts = { frames: 0, missed: 0, regressions: 0, duplicates: 0, resets: 0, resumes: 0 };
  /** @type {Map<string, number>} */
  #held = new Map();
  /** @type {Map<string, number>} */
  #sent = new Map();
  /** @type {Set<string>} products whose next break is announced */
  #excused = new Set();
  /** A whole snapshot was taken: a product that is not held stands at version 0. */
  #complete = false;
  /** A snapshot is announced or under way: breaks are excused until its last page. */
  #rebasing = true;
  /** The client asked for products on this connection: the answer may be a snapshot out of turn. */
  #asked = false;

  /** @returns {ProofCounts} a copy */
  get counts() {
    return { ...this.#counts };
  }

  /** True while no version was missed and none went back. */
  get holds() {
    return this.#counts.missed === 0 && this.#counts.regressions === 0;
  }

  /** True once a whole snapshot was taken. */
  get complete() {
    return this.#complete;
  }

  /** Products whose next break is announced: without them who takes up these books would count it as a hole. */
  get excused() {
    return [...this.#excused];
  }

  /**
   * Takes up the books of an earlier run.
   * @param {Iterable<{product_id: string, version: number}>} products
   * @param {boolean} complete
   * @param {Iterable<string>} [excused]
   */
  restore(products, complete, excused = []) {
    this.#excused = new Set(excused);
    for (const { product_id, version } of products) this.#held.set(product_id, version);
    this.#complete = complete;
  }

  /** @param {boolean} withCursor whether the new connection asks to be continued */
  connecting(withCursor) {
    this.#sent.clear();
    this.#asked = false;
    this.#rebasing = !withCursor;
  }

  /** @param {{resumed: boolean, reset: boolean}} hello */
  hello({ resumed, reset }) {
    if (reset) this.#reset();
    else if (resumed) this.#counts.resumes++;
  }

  /** @param {string} productId named by a gap frame */
  gap(productId) {
    this.#excused.add(productId);
  }

  /**
   * The client widened what it follows. What it did not follow before may have moved on meanwhile.
   * @param {Set<string> | "all"} now
   * @param {Set<string> | "all"} before
   */
  asked(now, before) {
    this.#asked = true;
    if (before === "all") return;
    if (now === "all") this.#complete = false;
    for (const id of now === "all" ? this.#held.keys() : now) if (!before.has(id)) this.#excused.add(id);
  }

  /**
   * @param {string} productId
   * @param {number} from
   * @param {number} version
   * @returns {Verdict}
   */
  frame(productId, from, version) {
    this.#counts.frames++;
    if (this.#wentBack(productId, version)) return REGRESSION;
    const held = this.#held.get(productId);
    if (held !== undefined && version <= held) {
      this.#counts.duplicates++;
      return version < held ? BEHIND : EQUAL;
    }
    const excused = this.#excused.delete(productId) || this.#rebasing;
    const stands = held ?? (this.#complete ? 0 : from - 1);
    return this.#take(productId, version, excused ? 0 : Math.max(0, from - stands - 1));
  }

  /** @param {boolean} reset what the page says; to be told before its rows */
  page(reset) {
    if (reset && !this.#rebasing) this.#reset();
  }

  /**
   * One product of a snapshot page.
   * @param {string} productId
   * @param {number} version
   * @returns {Verdict}
   */
  row(productId, version) {
    if (this.#wentBack(productId, version)) return REGRESSION;
    const held = this.#held.get(productId);
    if (held !== undefined && version <= held) return version < held ? BEHIND : EQUAL;
    const excused = this.#excused.delete(productId) || this.#rebasing || this.#asked;
    const stands = held ?? (this.#complete ? 0 : version);
    return this.#take(productId, version, excused ? 0 : Math.max(0, version - stands));
  }

  /** The last page of a snapshot was taken: from here on every break counts again. */
  lastPage() {
    this.#rebasing = false;
    this.#complete = true;
  }

  #reset() {
    this.#counts.resets++;
    this.#rebasing = true;
  }

  /**
   * @param {string} productId
   * @param {number} version
   */
  #wentBack(productId, version) {
    const back = version < (this.#sent.get(productId) ?? 0);
    if (back) this.#counts.regressions++;
    else this.#sent.set(productId, version);
    return back;
  }

  /**
   * @param {string} productId
   * @param {number} version
   * @param {number} missed
   * @returns {Verdict}
   */
  #take(productId, version, missed) {
    this.#held.set(productId, version);
    this.#counts.missed += missed;
    return { ...EQUAL, taken: true, missed };
  }
}
