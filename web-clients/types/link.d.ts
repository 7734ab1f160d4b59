/** From the start of a connection to its first frame, at most so long, in ms. */
export const CONNECT_MS: 10000;
/** Heartbeats without a byte after which a connection is dead. */
export const DEAD_AFTER: 2.5;
/** Without a network a byte must come within this, in ms. */
export const DOUBT_MS: 2000;
/** @typedef {import("./transport-ws.js").OpenTransport} OpenTransport */
/**
 * @typedef {object} LinkOwner
 * @property {() => {transport: OpenTransport, request: import("./transport-ws.js").Request}} connecting a connection is about to be made
 * @property {(frame: import("./frames.js").Frame) => void} frame
 * @property {(error: FeedError) => void} bad a frame was dropped
 * @property {(error: FeedError, retryInMs: number | undefined, heard: boolean) => void} lost without `retryInMs` the link has ended for good;
 *   `heard`: a frame had come
 */
export class Link {
    /**
     * @param {LinkOwner} owner
     * @param {{random?: () => number}} [options]
     */
    constructor(owner: LinkOwner, { random }?: {
        random?: () => number;
    });
    /** When the server last sent a byte, on any connection, by `performance.now()`; 0: never. */
    heardAt: number;
    /** Makes the first connection, or at once a new one with what is wanted now. */
    connect(): void;
    /** Ends the link for good. */
    close(): void;
    /**
     * Says something to the server.
     * @param {string} type
     * @param {object} data
     * @returns {boolean} false when it could not be said: no connection yet, or one that only listens
     */
    send(type: string, data: object): boolean;
    /**
     * Ends the connection as a lost network would.
     * @param {number} ms after which the next try comes
     */
    cut(ms: number): void;
    /** Asks anew for what is wanted now; while it waits for the next try, that one will. */
    refresh(): void;
    /**
     * Only a connection that was live for long is a new start for the waits.
     * @param {boolean} yes the feed is live, or is not any more
     */
    live(yes: boolean): void;
    /** The network is back, or somebody looks: no more waiting, and no trust in a socket that was quiet too long. */
    wake(): void;
    /** The system says that its network is gone. */
    doubt(): void;
    #private;
}
export type OpenTransport = import("./transport-ws.js").OpenTransport;
export type LinkOwner = {
    /**
     * a connection is about to be made
     */
    connecting: () => {
        transport: OpenTransport;
        request: import("./transport-ws.js").Request;
    };
    frame: (frame: import("./frames.js").Frame) => void;
    /**
     * a frame was dropped
     */
    bad: (error: FeedError) => void;
    /**
     * without `retryInMs` the link has ended for good;
     * `heard`: a frame had come
     */
    lost: (error: FeedError, retryInMs: number | undefined, heard: boolean) => void;
};
import { FeedError } from "./errors.js";
