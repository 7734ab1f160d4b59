/**
 * This page's one connection: what the views want of it, together.
 *
 * Each view names the products that it shows; the union of them is followed, and nothing else. The feed of `../lib`
 * does the rest (reconnects, resumes, proves). Changing the transport makes a new feed that goes on at the old one's
 * checkpoint; the proof is the sum of all of them.
 */

import { connect } from "../../lib/feed.js";

/** @typedef {import("../../lib/feed.js").Feed} Feed */
/** @typedef {"ws" | "sse"} Transport */
/** @typedef {{cutAt: number, replica?: string, resumed?: boolean, entries?: number, ms?: number}} Cut */

/** What is told on, under the feed's own names. */
const EVENTS = ["open", "snapshot", "change", "rating", "photo", "said", "gap", "status", "replicas", "state", "error"];
/** A list of wants is applied so long after the last change of it, in ms: scrolling changes it often, and SSE connects anew for it. */
const SETTLE_MS = { ws: 60, sse: 400 };
/** What is wanted no more is followed so long, in ms: one scrolls back. */
const KEPT_MS = 2000;

export class Live extends EventTarget {
  /** @type {Feed} */
  #feed;
  /** @type {Map<string, Set<string>>} by view */
  #wants = new Map();
  /** @type {Map<string, number>} followed products that nobody wants, since when */
  #unwanted = new Map();
  /** @type {Set<string>} */
  #followed = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #past = { frames: 0, missed: 0, regressions: 0, duplicates: 0, resets: 0, resumes: 0 };
  /** @type {Transport} */
  transport;
  /** The replica that answered last. */
  replica = "";
  /** How others see this viewer, in `said`. */
  viewer = "";
  /** What the feeds before this one last heard of the server. */
  #heardAt = 0;
  /** @type {{what: string, since?: string}[]} what is away behind the replica */
  away = [];
  /** @type {Cut | undefined} the last cut that was asked for */
  cutting;

  /** @param {Transport} transport */
  constructor(transport) {
    super();
    this.transport = transport;
    this.#feed = this.#open({ products: [] });
  }

  /** @returns {import("../../lib/feed.js").ProofCounts & {holds: boolean}} over all connections of this page */
  get proof() {
    const now = this.#feed.proof;
    const sum = Object.fromEntries(Object.entries(this.#past).map(([name, n]) => [name, n + now[/** @type {"frames"} */ (name)]]));
    return { .../** @type {import("../../lib/feed.js").ProofCounts} */ (sum), holds: sum.missed === 0 && sum.regressions === 0 };
  }

  /** The newest of each product that is followed. */
  get products() {
    return this.#feed.products;
  }

  get cursor() {
    return this.#feed.cursor;
  }

  get state() {
    return this.#feed.state;
  }

  /** When the server last said anything, heartbeats included, by `performance.now()`; 0 before it did. */
  get heardAt() {
    return Math.max(this.#heardAt, this.#feed.heardAt);
  }

  /** How many products are followed now. */
  get following() {
    return this.#followed.size;
  }

  /**
   * A view shows these products now, and no others.
   * @param {string} view
   * @param {Iterable<string>} ids
   */
  want(view, ids) {
    this.#wants.set(view, new Set(ids));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), SETTLE_MS[this.transport]);
  }

  /**
   * Goes on over the other transport, where this one is.
   * @param {Transport} transport
   */
  use(transport) {
    if (transport === this.transport) return;
    this.transport = transport;
    const old = this.#feed;
    for (const [name, n] of Object.entries(old.proof)) if (name in this.#past) this.#past[/** @type {"frames"} */ (name)] += Number(n);
    this.#heardAt = this.heardAt;
    // first the new one: the end of the old one is not where this page stands
    this.#feed = this.#open({ products: this.#followed, checkpoint: old.checkpoint() });
    old.close();
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }

  /**
   * Cuts the line as a lost network would; the feed comes back by itself.
   * @param {number} ms how long it stays cut
   */
  cut(ms) {
    this.cutting = { cutAt: Date.now() };
    this.#feed.cut(ms);
  }

  /**
   * Says a word to all viewers.
   * @param {string} words
   * @returns {boolean} false when it could not be sent
   * @throws {TypeError} it can't be said
   */
  say(words) {
    return this.#feed.say(words);
  }

  /** @param {import("../../lib/feed.js").FeedOptions} options */
  #open(options) {
    const feed = connect(undefined, { transport: this.transport, ...options });
    feed.addEventListener("open", ({ detail }) => this.#opened(detail));
    feed.addEventListener("status", ({ detail }) => (this.away = detail.away));
    feed.addEventListener("state", ({ detail }) => {
      if (detail.state !== "live" && detail.code !== "away") this.away = [];
    });
    for (const type of EVENTS) {
      feed.addEventListener(/** @type {"open"} */ (type), (event) => {
        if (feed === this.#feed) this.dispatchEvent(new CustomEvent(type, { detail: event.detail }));
      });
    }
    return feed;
  }

  /** @param {import("../../lib/feed.js").OpenDetail} hello */
  #opened({ replica, viewer, resumed, missed }) {
    this.replica = replica;
    this.viewer = viewer ?? "";
    if (this.cutting && this.cutting.replica === undefined) {
      Object.assign(this.cutting, { replica, resumed, entries: missed, ms: Date.now() - this.cutting.cutAt });
    }
  }

  #settle() {
    const now = Date.now();
    const wanted = new Set([...this.#wants.values()].flatMap((ids) => [...ids]));
    for (const id of this.#followed) {
      if (wanted.has(id)) this.#unwanted.delete(id);
      else if (!this.#unwanted.has(id)) this.#unwanted.set(id, now);
    }
    const gone = [...this.#unwanted].filter(([, since]) => now - since >= KEPT_MS).map(([id]) => id);
    const more = [...wanted].filter((id) => !this.#followed.has(id));
    for (const id of gone) {
      this.#unwanted.delete(id);
      this.#followed.delete(id);
    }
    for (const id of more) this.#followed.add(id);
    if (gone.length > 0) this.#feed.unsubscribe(gone);
    if (more.length > 0) this.#feed.subscribe(more);
    if (this.#unwanted.size > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#settle(), KEPT_MS);
    }
    this.dispatchEvent(new Event("scope"));
  }
}
