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
export function connect(url?: string | URL, options?: FeedOptions): Feed;
export * from "./errors.js";
export { formatMoney } from "./money.js";
export class Feed extends SafeEvents {
    /**
     * @param {string | URL} [url]
     * @param {FeedOptions} [options]
     */
    constructor(url?: string | URL, { products, everyMs, cursor, checkpoint, transport, signal, token }?: FeedOptions);
    /** @returns {ReadonlyMap<string, Product>} the newest of each product, by id */
    get products(): ReadonlyMap<string, Product>;
    /** @returns {ReadonlyMap<string, import("./frames.js").Rating>} the newest of what was rated, by product id, and of the `site` */
    get ratings(): ReadonlyMap<string, import("./frames.js").Rating>;
    /** The place after all that was taken; opaque, good on any replica. */
    get cursor(): string | undefined;
    /** @returns {ProofCounts & {holds: boolean}} `holds`: no version was missed and none went back */
    get proof(): ProofCounts & {
        holds: boolean;
    };
    /** @returns {StateDetail} */
    get state(): StateDetail;
    /** When the server last said anything, heartbeats included, by `performance.now()`; 0 before it did. */
    get heardAt(): number;
    /** @returns {Checkpoint} plain JSON, for `connect(url, {checkpoint})` of a later run */
    checkpoint(): Checkpoint;
    /**
     * @template {keyof FeedEvents} K
     * @param {K} type
     * @param {((event: CustomEvent<FeedEvents[K]>) => unknown) | {handleEvent: (event: CustomEvent<FeedEvents[K]>) => unknown} | null} listener
     * @param {boolean | AddEventListenerOptions} [options]
     */
    addEventListener<K extends keyof FeedEvents>(type: K, listener: ((event: CustomEvent<FeedEvents[K]>) => unknown) | {
        handleEvent: (event: CustomEvent<FeedEvents[K]>) => unknown;
    } | null, options?: boolean | AddEventListenerOptions): void;
    /**
     * Follows these products too, or all of them; who follows all can change only `everyMs`.
     * @param {Iterable<string> | "all"} ids
     * @param {{everyMs?: number}} [options] for all products of this feed
     * @throws {RangeError} these would be more than a viewer may name; nothing has changed then
     */
    subscribe(ids: Iterable<string> | "all", { everyMs }?: {
        everyMs?: number;
    }): void;
    /**
     * Follows these products no more.
     * @param {Iterable<string>} ids
     */
    unsubscribe(ids: Iterable<string>): void;
    /**
     * Cuts the line as a lost network would, to see what happens: the feed connects again and goes on at its cursor.
     * @param {number} [ms] how long it stays cut
     */
    cut(ms?: number): void;
    /**
     * Says a word to all viewers. It comes back as `said`, too; what the server refuses is told as an `error`.
     * @param {string} text 1 to 280 characters, no control characters; 5 words a second at most
     * @returns {boolean} false when it could not be sent: no connection now, or SSE, which only listens
     * @throws {TypeError} it can't be said
     */
    say(text: string): boolean;
    /** Ends the feed: no event follows but the state `closed`, and every loop over it ends. */
    close(): Promise<void>;
    /** `await using feed = connect(…)`, where the runtime knows it. */
    [Symbol.asyncDispose](): Promise<void>;
    /** @returns {AsyncIterableIterator<Change>} changes from now on; a slow reader gets the newest of each product */
    [Symbol.asyncIterator](): AsyncIterableIterator<Change>;
    #private;
}
export type Product = import("./frames.js").Product;
export type Said = import("./frames.js").Said;
export type Change = import("./shelf.js").Change;
export type ProofCounts = import("./proof.js").ProofCounts;
export type Checkpoint = import("./shelf.js").Checkpoint & {
    scope: "all" | string[];
};
export type State = import("./standing.js").State;
export type StateDetail = import("./standing.js").StateDetail;
export type OpenDetail = import("./feed-events.js").OpenDetail;
export type FeedEvents = import("./feed-events.js").FeedEvents;
export type FeedOptions = {
    /**
     * ids; all by default
     */
    products?: "all" | Iterable<string> | undefined;
    /**
     * asks for at most one change a product in so many ms, which a gateway may pass over; 0 (default): each
     */
    everyMs?: number | undefined;
    /**
     * continue here (`feed.products` then fills only as products change)
     */
    cursor?: string | undefined;
    /**
     * continue where `feed.checkpoint()` of an earlier run was
     */
    checkpoint?: Checkpoint | undefined;
    /**
     * `auto` by default
     */
    transport?: import("./transports.js").TransportName | undefined;
    /**
     * closes the feed
     */
    signal?: AbortSignal | undefined;
    /**
     * a bearer token, asked for at each connection; SSE only
     */
    token?: (() => string | undefined | Promise<string | undefined>) | undefined;
};
import { SafeEvents } from "./safe-events.js";
