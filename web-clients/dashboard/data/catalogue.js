/**
 * Every product of the shop, as this page last heard of it.
 *
 * The list comes by HTTP, in pages, and again now and then for what was added; the products that are in view are followed
 * live and put in by `take`. Whichever brings it, what changes is told as `item`. Here too a version never goes back. A
 * trail of the last states of each product that moved is kept for its sparkline, so many and no more.
 */

import { ask } from "./api.js";

/** @typedef {{average: number | null, window?: number, count: number, sum?: number}} Rating */
/** @typedef {import("../../lib/frames.js").Product & {rating?: Rating | null}} Item */
/** @typedef {{price: number, stock: number}} Step what moved, in minor units and pieces */
/** @typedef {{by: Step, at: number}} Move the last move of a product that was seen */
/** @typedef {{price: number, stock: number, at: number}} Point */
/** @typedef {"active" | "name" | "cheap" | "dear" | "low" | "rated"} Order */
/** @typedef {{search: string, order: Order, pinned: ReadonlySet<string>}} Wanted */

/** Points of a trail. */
export const TRAIL = 30;
/** Products of one page of the list; pages of one look: a shop beyond that is shown in part. */
const PAGE = 1000, PAGES = 50;

export class Catalogue extends EventTarget {
  /** @type {Map<string, Item>} */
  items = new Map();
  /** @type {Map<string, Move>} */
  moves = new Map();
  /** @type {Map<string, Point[]>} */
  trails = new Map();
  /** True once a whole list was read. */
  loaded = false;
  /** Why the list could not be read when it was last tried; empty: it could. */
  problem = "";

  /** Reads the whole list; tells `list` after each page that brought something new, and at the end, whichever it is. */
  async load() {
    try {
      await this.#read();
      this.loaded = true;
      this.problem = "";
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.dispatchEvent(new Event("list"));
  }

  async #read() {
    let after = "";
    for (let page = 0; page < PAGES; page++) {
      const { products, next } = await ask(`products?limit=${PAGE}${after && `&after=${after}`}`);
      const before = this.items.size;
      for (const product of products) this.#take(product, { begins: false });
      if (this.items.size > before) this.dispatchEvent(new Event("list"));
      if (!next) break;
      after = next;
    }
  }

  /**
   * A state of a product, from the feed or an answer.
   * @param {Item} item
   */
  take(item) {
    this.#take(item, { begins: true });
  }

  /**
   * What else is known of a product: its photo, its rating.
   * @param {string} id
   * @param {Partial<Item>} more
   */
  know(id, more) {
    const held = this.items.get(id);
    if (held === undefined) return;
    this.items.set(id, { ...held, ...more });
    this.#tell(id);
  }

  /**
   * The older states of a product, oldest first, for a trail that begins before this page was opened.
   * @param {string} id
   * @param {Item[]} older
   */
  recall(id, older) {
    const held = this.items.get(id)?.version ?? 0;
    const points = older.filter((item) => item.version <= held)
      .map((item) => ({ price: item.price_minor, stock: item.stock, at: Date.parse(item.occurred_at ?? "") || 0 }));
    this.trails.set(id, points.slice(-TRAIL));
    this.#tell(id);
  }

  /**
   * The ids to show, in order.
   * @param {Wanted} wanted
   */
  list({ search, order, pinned }) {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...this.items.values()].filter((item) => {
      const name = item.name.toLowerCase();
      return words.every((word) => name.includes(word) || item.product_id.startsWith(word));
    });
    return found.sort(comparison(found, { order, pinned })).map((item) => item.product_id);
  }

  /**
   * Whether these are still in order: one look at each and its neighbour, where a list would sort anew.
   * @param {string[]} ids
   * @param {Pick<Wanted, "order" | "pinned">} wanted
   */
  inOrder(ids, wanted) {
    const items = ids.flatMap((id) => this.items.get(id) ?? []);
    const compare = comparison(items, wanted);
    return items.every((item, at) => at === 0 || compare(/** @type {Item} */ (items[at - 1]), item) < 0);
  }

  /**
   * @param {Item} item
   * @param {{begins: boolean}} how whether a trail may begin here: not with the list, of which most is never looked at
   */
  #take(item, { begins }) {
    const id = item.product_id;
    const held = this.items.get(id);
    if (held !== undefined && item.version < held.version) return;
    // The same version may say more: an answer over HTTP carries rating and photo.
    const now = { ...held, ...item, ...newer(held, item) };
    this.items.set(id, now);
    if (held !== undefined && now.version > held.version) this.#moved(held, now, begins);
    if (now.version !== held?.version || now.rating?.count !== held?.rating?.count || now.photo !== held?.photo) this.#tell(id);
  }

  /**
   * @param {Item} held
   * @param {Item} now
   * @param {boolean} begins
   */
  #moved(held, now, begins) {
    const id = now.product_id, at = Date.now();
    this.moves.set(id, { by: { price: now.price_minor - held.price_minor, stock: now.stock - held.stock }, at });
    const trail = this.trails.get(id) ?? (begins ? [{ price: held.price_minor, stock: held.stock, at }] : undefined);
    if (trail === undefined) return;
    trail.push({ price: now.price_minor, stock: now.stock, at });
    if (trail.length > TRAIL) trail.shift();
    this.trails.set(id, trail);
  }

  /** @param {string} id */
  #tell(id) {
    this.dispatchEvent(new CustomEvent("item", { detail: id }));
  }
}

/**
 * Rating and photo have an order of their own: an answer that was on its way longer than a frame must not take them back.
 * @param {Item | undefined} held
 * @param {Item} item
 * @returns {Partial<Item>}
 */
function newer(held, item) {
  if (held === undefined) return {};
  return {
    ...((held.rating?.count ?? 0) > (item.rating?.count ?? 0) && { rating: held.rating }),
    ...((held.photo_revision ?? 0) > (item.photo_revision ?? 0) && { photo: held.photo, photo_revision: held.photo_revision }),
  };
}

/**
 * @param {Item[]} items those that are compared
 * @param {Pick<Wanted, "order" | "pinned">} wanted
 * @returns {(a: Item, b: Item) => number}
 */
function comparison(items, { order, pinned }) {
  const by = ORDERS[order];
  const pin = (/** @type {Item} */ item) => (pinned.has(item.product_id) ? 0 : 1);
  const place = order === "cheap" || order === "dear" ? currencies(items) : undefined;
  const currency = (/** @type {Item} */ item) => place?.get(item.currency) ?? 0;
  return (a, b) => pin(a) - pin(b) || currency(a) - currency(b) || by(a, b) || (a.product_id < b.product_id ? -1 : 1);
}

/**
 * Without a rate of exchange prices of two currencies cannot be compared: each stands by itself, the most frequent first.
 * @param {Item[]} items
 * @returns {Map<string, number>} the place of each
 */
function currencies(items) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { currency } of items) counts.set(currency, (counts.get(currency) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return new Map(sorted.map(([currency], place) => [currency, place]));
}

const names = new Intl.Collator(undefined, { numeric: true });
/** @type {Record<Order, (a: Item, b: Item) => number>} */
const ORDERS = {
  active: (a, b) => b.version - a.version,
  name: (a, b) => names.compare(a.name, b.name),
  cheap: (a, b) => a.price_minor - b.price_minor,
  dear: (a, b) => b.price_minor - a.price_minor,
  low: (a, b) => a.stock - b.stock,
  rated: (a, b) => (b.rating?.average ?? -1) - (a.rating?.average ?? -1) || b.version - a.version,
};
