export class Transports {
    /**
     * @param {TransportName} wanted
     * @param {{token?: unknown, hasWebSocket?: boolean}} [around]
     * @throws {FeedError | TypeError}
     */
    constructor(wanted: TransportName, { token, hasWebSocket }?: {
        token?: unknown;
        hasWebSocket?: boolean;
    });
    /** @returns {OpenTransport} */
    next(): OpenTransport;
    /** @param {OpenTransport} transport a frame came through it */
    worked(transport: OpenTransport): void;
    /** The last connection ended before a frame came through it. */
    failed(): void;
    #private;
}
export type OpenTransport = import("./transport-ws.js").OpenTransport;
/**
 * a function is a transport of your own
 */
export type TransportName = "auto" | "ws" | "sse" | OpenTransport;
