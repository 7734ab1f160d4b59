/**
 * What a feed knows: the products, its place (cursor) and its proof. Pure: frames go in, happenings come out.
 *
 * The one rule of the contract lives here: a version that is not above the one held is never shown, across reconnects,
 * replicas and resets. A snapshot fills the shelf without a word, but for products that were held before and have moved
 * on meanwhile: those are changes that the reader has not seen, so each becomes one.
 */

import { BrokenPromiseError } from "./errors.js";
import { Proof } from "./proof.js";
import { Photos } from "./photos.js";
import { Ratings } from "./ratings.js";

/** @typedef {import("./frames.js").Product} Product */
/** @typedef {import("./frames.js").Frame} Frame */
/**
 * @typedef {object} ChangeExtras
 * @property {number} from the first version that this change folds in
 * @property {Product | undefined} previous what was held before, if anything
 * @property {number} missed versions that should have come before this one and did not
 * @property {boolean} snapshot true when a snapshot after a reset brought it
 * @property {number} [age_ms] from Kafka to the replica's encoder
 * @property {number[]} [path_ms] when it was consumed, written and relayed, after the Kafka record's timestamp
 */
/** @typedef {Product & ChangeExtras} Change */
/** @typedef {{products: number, changed: number, behind: number, reset: boolean}} SnapshotTaken `behind`: rows older than what is held, kept back */
/**
 * What a later run needs to go on where this one is; plain JSON.
 * @typedef {object} Checkpoint
 * @property {string} [cursor]
 * @property {boolean} complete
 * @property {Product[]} products the newest of each, so also the version floors
 * @property {string[]} [excused] products whose next break was announced
 * @property {import("./frames.js").Rating} [site] the site's rating
 */
/** @typedef {import("./frames.js").RatingChanged & {previous: import("./frames.js").Rating | undefined}} RatingNews */
/** @typedef {["change", Change] | ["rating", RatingNews] | ["photo", import("./frames.js").PhotoChanged] | ["snapshot", SnapshotTaken] | ["error", BrokenPromiseError]} Happening */

/** The state of one feed. */
export class Shelf {
  /** @type {Map<string, Product>} */
  products = new Map();
  proof = new Proof();
  ratings = new Ratings();
  photos = new Photos();
  /** @type {string | undefined} the place after all that was taken; opaque */
  cursor;
  /** True while the shelf has all that the server has: continued at the cursor, or the last snapshot page taken. */
  caughtUp = false;
  #page = freshPage();

  /** @param {{cursor?: string, checkpoint?: Checkpoint}} [from] */
  constructor({ cursor, checkpoint } = {}) {
    this.cursor = cursor ?? checkpoint?.cursor;
    if (checkpoint === undefined) return;
    for (const product of checkpoint.products) this.products.set(product.product_id, this.#whole(product));
    if (checkpoint.site) this.ratings.take("site", checkpoint.site);
    this.proof.restore(checkpoint.products, checkpoint.complete, checkpoint.excused);
  }

  /**
   * While a product's first state is awaited, the cursor does not stand for it: who went on there would never get it.
   * @param {{awaits?: boolean}} [how]
   * @returns {Checkpoint}
   */
  checkpoint({ awaits = false } = {}) {
    const site = this.ratings.held.get("site");
    const { complete, excused } = this.proof;
    return {
      ...(awaits ? { complete: false } : { cursor: this.cursor, complete }), products: [...this.products.values()],
      ...(excused.length > 0 && { excused }), ...(site && { site }),
    };
  }

  /**
   * Products that are followed no more are not kept: they would grow old unseen. Their floors stay.
   * @param {Set<string>} scope
   */
  narrow(scope) {
    for (const id of this.products.keys()) if (!scope.has(id)) this.products.delete(id);
  }

  /** A connection is about to be made, with `cursor` if there is one. */
  connecting() {
    this.caughtUp = false;
    this.#page = freshPage();
    this.proof.connecting(this.cursor !== undefined);
  }

  /** The connection is gone. */
  lost() {
    this.caughtUp = false;
  }

  /**
   * @param {Frame} frame
   * @returns {Happening[]} in order
   */
  take(frame) {
    const happened = this.#take(frame);
    // Last: a cursor stands for everything up to this frame.
    if (frame.cursor !== undefined) this.cursor = frame.cursor;
    return happened;
  }

  /**
   * @param {Frame} frame
   * @returns {Happening[]}
   */
  #take(frame) {
    switch (frame.type) {
      case "hello":
        this.proof.hello(frame.data);
        this.#page = freshPage();
        this.caughtUp = frame.data.resumed && !frame.data.reset;
        return [];
      case "snapshot":
        return this.#snapshot(frame.data);
      case "product_changed": {
        const { from, age_ms, path_ms, ...told } = frame.data;
        const product = this.#whole(told);
        return this.#judged(product, this.proof.frame(product.product_id, from, product.version), { from, age_ms, ...(path_ms && { path_ms }), snapshot: false });
      }
      case "rating_changed":
        return this.#rated(frame.data);
      case "photo_changed":
        return this.#pictured(frame.data);
      case "gap":
        if (frame.data.product_id !== undefined) this.proof.gap(frame.data.product_id);
        return [];
      default:
        return [];
    }
  }

  /**
   * @param {import("./frames.js").RatingChanged} news
   * @returns {Happening[]}
   */
  #rated(news) {
    const previous = this.ratings.held.get(news.subject);
    if (!this.ratings.take(news.subject, news)) return [];
    const product = this.products.get(news.subject);
    if (product !== undefined) this.products.set(news.subject, this.ratings.onto(product));
    return [["rating", { ...news, previous }]];
  }

  /**
   * @param {import("./frames.js").PhotoChanged} news
   * @returns {Happening[]}
   */
  #pictured(news) {
    if (!this.photos.take(news.product_id, news.photo, news.revision)) return [];
    const product = this.products.get(news.product_id);
    if (product !== undefined) this.products.set(news.product_id, this.photos.onto(product));
    return [["photo", news]];
  }

  /**
   * A product as it was told, with the newest that is known beside its state.
   * @template {Product} P
   * @param {P} told
   * @returns {P}
   */
  #whole(told) {
    return this.photos.onto(this.ratings.onto(told));
  }

  /**
   * @param {import("./frames.js").SnapshotPage} page
   * @returns {Happening[]}
   */
  #snapshot({ products, reset, last }) {
    this.proof.page(reset);
    if (reset) this.caughtUp = false;
    const taken = this.#page;
    taken.reset ||= reset;
    /** @type {Happening[]} */
    const happened = [];
    for (const told of products) {
      const product = this.#whole(told);
      taken.products++;
      const held = this.products.get(product.product_id);
      const verdict = this.proof.row(product.product_id, product.version);
      if (verdict.behind) taken.behind++;
      else if (verdict.regression || verdict.missed > 0 || (verdict.taken && held !== undefined)) {
        happened.push(...this.#judged(product, verdict, { from: (held?.version ?? 0) + 1, snapshot: true }));
      } else this.products.set(product.product_id, { ...held, ...product });
    }
    taken.changed += happened.filter(([type]) => type === "change").length;
    if (last) {
      this.proof.lastPage();
      this.caughtUp = true;
      happened.push(["snapshot", taken]);
      this.#page = freshPage();
    }
    return happened;
  }

  /**
   * @param {Product} product
   * @param {import("./proof.js").Verdict} verdict
   * @param {{from: number, age_ms?: number, path_ms?: number[], snapshot: boolean}} extras
   * @returns {Happening[]}
   */
  #judged(product, { taken, missed, regression }, extras) {
    const productId = product.product_id;
    if (regression) {
      const message = `version ${product.version} of ${productId} came after a higher one on the same connection`;
      return [["error", new BrokenPromiseError(message, { code: "regression", productId })]];
    }
    if (!taken) return [];
    const previous = this.products.get(productId);
    this.products.set(productId, { ...previous, ...product });
    /** @type {Happening[]} */
    const happened = [["change", { ...product, ...extras, previous, missed }]];
    if (missed > 0) {
      const message = `${missed} version${missed > 1 ? "s" : ""} of ${productId} missing before version ${product.version}`;
      happened.unshift(["error", new BrokenPromiseError(message, { code: "hole", productId })]);
    }
    return happened;
  }
}

/** @returns {SnapshotTaken} */
function freshPage() {
  return { products: 0, changed: 0, behind: 0, reset: false };
}

/**
 * A checkpoint of other products keeps its floors, but its cursor would leave holes.
 * @param {Checkpoint & {scope: "all" | string[]}} checkpoint
 * @param {Set<string> | "all"} scope
 * @returns {Checkpoint}
 */
export function inScope(checkpoint, scope) {
  const was = checkpoint.scope;
  const same = scope === "all" || was === "all" ? scope === was : was.length === scope.size && was.every((id) => scope.has(id));
  return same ? checkpoint : { complete: false, products: checkpoint.products };
}
