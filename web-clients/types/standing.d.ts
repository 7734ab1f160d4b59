/**
 * Where a feed stands: `connecting → live ⇄ stale → closed`. Pure.
 *
 * *Live* means that the shelf has all that the server has and that nothing behind the server is away. A feed that was
 * never live is `connecting`, however often it has tried; one that was, is `stale` until it is live again.
 */
/** @typedef {"connecting" | "live" | "stale" | "closed"} State */
/** @typedef {{state: State, reason: string, code: string, retryInMs?: number}} StateDetail `retryInMs`: when the next try comes */
export class Standing {
    /** @type {StateDetail} */
    now: StateDetail;
    /** @param {{what: string}[]} away from a status frame */
    away(away: {
        what: string;
    }[]): void;
    /**
     * After a frame.
     * @param {boolean} caughtUp
     * @returns {StateDetail | undefined} the new state, if it is one
     */
    settle(caughtUp: boolean): StateDetail | undefined;
    /**
     * The connection is gone; another try comes.
     * @param {{message: string, code: string}} error
     * @param {number} retryInMs
     */
    lost({ message: reason, code }: {
        message: string;
        code: string;
    }, retryInMs: number): StateDetail | undefined;
    /** @param {{reason: string, code: string}} why */
    close(why: {
        reason: string;
        code: string;
    }): StateDetail | undefined;
    #private;
}
export type State = "connecting" | "live" | "stale" | "closed";
/**
 * `retryInMs`: when the next try comes
 */
export type StateDetail = {
    state: State;
    reason: string;
    code: string;
    retryInMs?: number;
};
