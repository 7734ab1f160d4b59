/**
 * What waits for one `for await` loop: at most one change a product.
 *
 * A loop that is slower than the shelf does not fill the memory and does not read old prices: when a second change of a
 * product comes before the first was read, they become one, with the newest state, the `from` and `previous` of the
 * first, and the sum of what was missed.
 */
/** @typedef {import("./shelf.js").Change} Change */
/** @implements {AsyncIterableIterator<Change>} */
export class Inbox implements AsyncIterableIterator<Change> {
    /** @param {(inbox: Inbox) => void} [onReturn] the loop was left */
    constructor(onReturn?: (inbox: Inbox) => void);
    /** How many products wait. */
    get size(): number;
    /** @param {Change} change */
    push(change: Change): void;
    /** @param {unknown} [error] thrown to the loop once it has read what waits; without one the loop just ends */
    end(error?: unknown): void;
    /** @returns {Promise<IteratorResult<Change>>} */
    next(): Promise<IteratorResult<Change>>;
    /** @returns {Promise<IteratorResult<Change>>} */
    return(): Promise<IteratorResult<Change>>;
    [Symbol.asyncIterator](): this;
    #private;
}
export type Change = import("./shelf.js").Change;
