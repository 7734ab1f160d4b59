/**
 * Shelfwire in a page or program: the newest price and stock of every product, and the proof that nothing was missed.
 *
 * ```js
 * const feed = connect("http://localhost:8080");
 * feed.addEventListener("change", ({ detail }) => console.log(detail.name, detail.price_minor));
 * for await (const change of feed) { … }   // the same, at the reader's own pace: the newest state of each product
 * ```
 * The feed reconnects by itself, continues at its cursor on whichever replica answers, and drops what it holds already.
 * It is `connecting` until it has all that the server has, then `live`; `stale` while the line or a server behind it is
 * away; `closed` at the end. Only a refusal ends it from the server's side. No dependency, no build step: plain ES
 * modules for browsers and Node.
 */

import { Awaited } from "./awaited.js";
import { ListenerError, ServerError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { Link } from "./link.js";
import { watchPage } from "./page.js";
import { SafeEvents } from "./safe-events.js";
import { sayable } from "./saying.js";
import { Shelf, inScope } from "./shelf.js";
import { Standing } from "./standing.js";
import { baseUrl } from "./target.js";
import { Transports } from "./transports.js";

export * from "./errors.js";
export { formatMoney } from "./money.js";

/** @typedef {import("./frames.js").Product} Product */
/** @typedef {import("./frames.js").Said} Said */
/** @typedef {import("./shelf.js").Change} Change */
/** @typedef {import("./proof.js").ProofCounts} ProofCounts */
/** @typedef {import("./shelf.js").Checkpoint & {scope: "all" | string[]}} Checkpoint */
/** @typedef {import("./standing.js").State} State */
/** @typedef {import("./standing.js").StateDetail} StateDetail */
/** @typedef {import("./feed-events.js").OpenDetail} OpenDetail */
/** @typedef {import("./feed-events.js").FeedEvents} FeedEvents */
/**
 * @typedef {object} FeedOptions
 * @property {Iterable<string> | "all"} [products] ids; all by default
 * @property {number} [everyMs] asks for at most one change a product in so many ms, which a gateway may pass over; 0 (default): each
 * @property {string} [cursor] continue here (`feed.products` then fills only as products change)
 * @property {Checkpoint} [checkpoint] continue where `feed.checkpoint()` of an earlier run was
 * @property {import("./transports.js").TransportName} [transport] `auto` by default
 * @property {AbortSignal} [signal] closes the feed
 * @property {() => string | undefined | Promise<string | undefined>} [token] a bearer token, asked for at each connection; SSE only
 */

/**
 * @param {string | URL} [url] base address; a page's own origin by default
 * @param {FeedOptions} [options]
 * @returns {Feed}
 */
export function connect(url, options) {
  return new Feed(url, options);
}

export class Feed extends SafeEvents {
  #base;
  #token;
  #everyMs;
  /** @type {Set<string> | "all"} */
  #scope;
  #most = Infinity; // products that a viewer may name, as the server said
  #shelf;
  #transports;
  #link;
  #transport;
  #unwatch;
  /** @type {Set<Inbox>} */
  #inboxes = new Set();
  #standing = new Standing();
  #awaited = new Awaited();
  /** @type {{error?: unknown} | undefined} */
  #ended;

  /**
   * @param {string | URL} [url]
   * @param {FeedOptions} [options]
   */
  constructor(url, { products = "all", everyMs = 0, cursor, checkpoint, transport = "auto", signal, token } = {}) {
    super();
    this.#base = baseUrl(url);
    this.#token = token;
    this.#everyMs = everyMs;
    this.#scope = products === "all" ? "all" : new Set(products);
    this.#shelf = new Shelf({ cursor, checkpoint: checkpoint && inScope(checkpoint, this.#scope) });
    this.#transports = new Transports(transport, { token });
    this.#transport = this.#transports.next();
    this.#link = new Link({
      connecting: () => this.#connecting(),
      frame: (frame) => this.#frame(frame),
      bad: (error) => this.#tell("error", error),
      lost: (error, retryInMs, heard) => this.#lost(error, retryInMs, heard),
    });
    this.#unwatch = watchPage({ wake: () => this.#link.wake(), doubt: () => this.#link.doubt() });
    signal?.addEventListener("abort", () => this.#end({ reason: "aborted", code: "aborted" }), { once: true });
    // Listeners that are added in the same turn hear everything.
    queueMicrotask(() => (signal?.aborted ? this.#end({ reason: "aborted", code: "aborted" }) : this.#ended || this.#link.connect()));
  }

  /** @returns {ReadonlyMap<string, Product>} the newest of each product, by id */
  get products() {
    return this.#shelf.products;
  }

  /** @returns {ReadonlyMap<string, import("./frames.js").Rating>} the newest of what was rated, by product id, and of the `site` */
  get ratings() {
    return this.#shelf.ratings.held;
  }

  /** The place after all that was taken; opaque, good on any replica. */
  get cursor() {
    return this.#shelf.cursor;
  }

  /** @returns {ProofCounts & {holds: boolean}} `holds`: no version was missed and none went back */
  get proof() {
    return { ...this.#shelf.proof.counts, holds: this.#shelf.proof.holds };
  }

  /** @returns {StateDetail} */
  get state() {
    return { ...this.#standing.now };
  }

  /** When the server last said anything, heartbeats included, by `performance.now()`; 0 before it did. */
  get heardAt() {
    return this.#link.heardAt;
  }

  /** @returns {Checkpoint} plain JSON, for `connect(url, {checkpoint})` of a later run */
  checkpoint() {
    return { ...this.#shelf.checkpoint({ awaits: this.#awaited.any }), scope: this.#scope === "all" ? "all" : [...this.#scope] };
  }

  /**
   * @template {keyof FeedEvents} K
   * @param {K} type
   * @param {((event: CustomEvent<FeedEvents[K]>) => unknown) | {handleEvent: (event: CustomEvent<FeedEvents[K]>) => unknown} | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, listener, options);
  }

  /**
   * Follows these products too, or all of them; who follows all can change only `everyMs`.
   * @param {Iterable<string> | "all"} ids
   * @param {{everyMs?: number}} [options] for all products of this feed
   * @throws {RangeError} these would be more than a viewer may name; nothing has changed then
   */
  subscribe(ids, { everyMs = this.#everyMs } = {}) {
    const before = this.#scope;
    const asked = ids === "all" ? "all" : [...ids];
    const more = before !== "all" && (asked === "all" || asked.some((id) => !before.has(id)));
    if (!more && everyMs === this.#everyMs) return;
    const scope = before === "all" || asked === "all" ? "all" : new Set([...before, ...asked]);
    // refused only now, it would stay unnoticed until the next connection asks for all of them
    if (scope !== "all" && scope.size > this.#most) throw new RangeError(`more than ${this.#most} products: follow "all" instead`);
    this.#everyMs = everyMs;
    this.#scope = scope;
    if (more) this.#awaited.add(asked === "all" ? asked : asked.filter((id) => !before.has(id)));
    if (!this.#link.send("subscribe", { products: asked, every_ms: everyMs })) this.#link.refresh();
    else if (more) this.#shelf.proof.asked(this.#scope, before);
  }

  /**
   * Follows these products no more.
   * @param {Iterable<string>} ids
   */
  unsubscribe(ids) {
    if (this.#scope === "all") throw new TypeError("this feed follows all products: connect with a list instead");
    const gone = [...ids];
    this.#scope = new Set([...this.#scope].filter((id) => !gone.includes(id)));
    this.#shelf.narrow(this.#scope);
    this.#awaited.drop(gone);
    if (!this.#link.send("unsubscribe", { products: gone })) this.#link.refresh();
  }

  /**
   * Cuts the line as a lost network would, to see what happens: the feed connects again and goes on at its cursor.
   * @param {number} [ms] how long it stays cut
   */
  cut(ms = 0) {
    this.#link.cut(ms);
  }

  /**
   * Says a word to all viewers. It comes back as `said`, too; what the server refuses is told as an `error`.
   * @param {string} text 1 to 280 characters, no control characters; 5 words a second at most
   * @returns {boolean} false when it could not be sent: no connection now, or SSE, which only listens
   * @throws {TypeError} it can't be said
   */
  say(text) {
    const word = sayable(text);
    return this.#link.send("say", { text: word });
  }

  /** Ends the feed: no event follows but the state `closed`, and every loop over it ends. */
  async close() {
    this.#end({ reason: "closed by the reader", code: "closed" });
  }

  /** `await using feed = connect(…)`, where the runtime knows it. */
  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** @returns {AsyncIterableIterator<Change>} changes from now on; a slow reader gets the newest of each product */
  [Symbol.asyncIterator]() {
    const inbox = new Inbox((left) => this.#inboxes.delete(left));
    if (this.#ended) inbox.end(this.#ended.error);
    else this.#inboxes.add(inbox);
    return inbox;
  }

  #connecting() {
    if (this.#awaited.any) this.#shelf.cursor = undefined;
    this.#awaited.connecting();
    this.#shelf.connecting();
    this.#transport = this.#transports.next();
    const wanted = { products: this.#scope, everyMs: this.#everyMs, cursor: this.#shelf.cursor };
    return { transport: this.#transport, request: { base: this.#base, wanted, token: this.#token } };
  }

  /** @param {import("./frames.js").Frame} frame */
  #frame(frame) {
    const asked = this.#shelf.cursor;
    const happened = this.#shelf.take(frame);
    if (frame.type === "snapshot") this.#awaited.page(frame.data);
    if (frame.type === "hello") {
      this.#transports.worked(this.#transport);
      this.#most = Number(frame.data.limits.products ?? Infinity);
      this.#tell("open", { ...frame.data, cursor: asked });
    } else if (frame.type === "gap") this.#tell("gap", frame.data);
    else if (frame.type === "said") this.#tell("said", frame.data);
    else if (frame.type === "replicas_changed") this.#tell("replicas", frame.data);
    else if (frame.type === "error") this.#tell("error", new ServerError(frame.data.message, frame.data));
    else if (frame.type === "status") {
      this.#standing.away(frame.data.away);
      this.#tell("status", frame.data);
    }
    for (const [type, detail] of happened) {
      if (type === "change") for (const inbox of this.#inboxes) inbox.push(detail);
      this.#tell(type, detail);
    }
    if (this.#ended) return;
    this.#tell("state", this.#standing.settle(this.#shelf.caughtUp));
    this.#link.live(this.#standing.now.state === "live");
  }

  /**
   * @param {import("./errors.js").FeedError} error
   * @param {number | undefined} retryInMs
   * @param {boolean} heard
   */
  #lost(error, retryInMs, heard) {
    if (!heard) this.#transports.failed();
    this.#shelf.lost();
    if (retryInMs !== undefined) return this.#tell("state", this.#standing.lost(error, retryInMs));
    this.#tell("error", error);
    this.#end({ reason: error.message, code: error.code }, error);
  }

  /**
   * @param {{reason: string, code: string}} why
   * @param {unknown} [error]
   */
  #end(why, error) {
    if (this.#ended) return;
    this.#link.close();
    this.#unwatch();
    this.#tell("state", this.#standing.close(why));
    this.#ended = { error };
    for (const inbox of this.#inboxes) inbox.end(error);
    this.#inboxes.clear();
  }

  /**
   * @template {keyof FeedEvents} K
   * @param {K} type
   * @param {FeedEvents[K] | undefined} detail nothing: nothing to tell
   */
  #tell(type, detail) {
    if (!this.#ended && detail !== undefined) this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * @protected
   * @param {string} type
   * @param {unknown} error
   */
  listenerThrew(type, error) {
    if (type === "error" || this.#ended) console.error(error);
    else this.#tell("error", new ListenerError(type, error));
  }
}
