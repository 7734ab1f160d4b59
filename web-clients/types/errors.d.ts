/**
 * What can go wrong with a feed, split by what the reader of it does.
 *
 * Every error carries a `code` (a stable word for programs) and `temporary`: true means that the feed goes on by itself
 * (it reconnects, or has dropped one bad frame), false means that it has closed and will not come back.
 */
/** The root of all errors that a feed reports or throws. */
export class FeedError extends Error {
    /**
     * @param {string} message for people
     * @param {{code: string, temporary: boolean, cause?: unknown}} details
     */
    constructor(message: string, { code, temporary, cause }: {
        code: string;
        temporary: boolean;
        cause?: unknown;
    });
    /** A stable word for programs, e.g. `closed`, `dead`, `refused`, `hole`. */
    code: string;
    /** True when the feed goes on by itself. */
    temporary: boolean;
}
/** The connection ended or could not be made; the feed tries again. */
export class ConnectionError extends FeedError {
    /**
     * @param {string} message
     * @param {{code?: string, retryInMs?: number, cause?: unknown}} [details] `retryInMs`: the delay that the server asked for
     */
    constructor(message: string, { code, retryInMs, cause }?: {
        code?: string;
        retryInMs?: number;
        cause?: unknown;
    });
    /** The delay before the next try that the server asked for, in ms. */
    retryInMs: number | undefined;
}
/** The server answered and said no (a wrong parameter, a missing right): trying again would not help. */
export class RefusedError extends FeedError {
    /**
     * @param {string} message
     * @param {{code?: string, status?: number}} [details]
     */
    constructor(message: string, { code, status }?: {
        code?: string;
        status?: number;
    });
    /** The HTTP status, where one was seen. */
    status: number | undefined;
}
/** A frame that breaks the contract. It is dropped, its cursor with it, and the feed goes on. */
export class ProtocolError extends FeedError {
    /**
     * @param {string} message
     * @param {{code?: string, cause?: unknown}} [details]
     */
    constructor(message: string, { code, cause }?: {
        code?: string;
        cause?: unknown;
    });
}
/** An `error` frame: the server did not accept something that this client sent. */
export class ServerError extends FeedError {
    /**
     * @param {string} message
     * @param {{code: string, field?: string}} details
     */
    constructor(message: string, { code, field }: {
        code: string;
        field?: string;
    });
    /** The field that was wrong, where there is one. */
    field: string | undefined;
}
/** A broken promise of the server: versions are missing, or one went back on one connection. */
export class BrokenPromiseError extends FeedError {
    /**
     * @param {string} message
     * @param {{code: "hole" | "regression", productId: string}} details
     */
    constructor(message: string, { code, productId }: {
        code: "hole" | "regression";
        productId: string;
    });
    /** The product it happened to. */
    productId: string;
}
/** A listener of the page or program threw. The feed does not stop for that. */
export class ListenerError extends FeedError {
    /**
     * @param {string} type the event it listened to
     * @param {unknown} cause what it threw
     */
    constructor(type: string, cause: unknown);
}
