/**
 * How long to wait before the next connection.
 *
 * The first retry comes after 0–0.5 s, so that a single lost connection is hardly seen; each further one is drawn from
 * 0 to twice as much as before ("full jitter"), up to 20 s, so that a thousand screens that lost the same replica do not
 * come back in one instant. A delay that the server asked for replaces the draw (it has spread its viewers already).
 * A connection that was live for 10 s starts the row anew; one that ended sooner does not, or a replica that accepts and
 * drops would be hammered. Pure: randomness and time come as arguments.
 */
/** The first retry waits at most this long, in ms. */
export const FIRST_MS: 500;
/** No own wait is longer, in ms: a screen is at most this late after an outage. */
export const CEILING_MS: 20000;
/** No wait that a server asks for is longer, in ms: a mistaken server must not silence a screen for hours. */
export const SERVER_CEILING_MS: 60000;
/** Live for so long, in ms, and the next loss counts as the first again. */
export const RESET_AFTER_MS: 10000;
/** The row of waits of one feed. */
export class Backoff {
    /** @param {() => number} [random] uniform in [0, 1) */
    constructor(random?: () => number);
    /**
     * The wait before the next try, in whole ms.
     * @param {number} [serverMs] what the server asked for
     * @returns {number}
     */
    next(serverMs?: number): number;
    /**
     * Tells how long the connection that just ended had been live.
     * @param {number} ms
     */
    wasLive(ms: number): void;
    #private;
}
