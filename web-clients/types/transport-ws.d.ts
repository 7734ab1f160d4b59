export function openWs(request: Request, sink: Sink): Connection;
/**
 * @param {number} code
 * @param {string} reason
 * @param {string} [unopened] what to say when the handshake failed
 */
export function closeError(code: number, reason: string, unopened?: string): ConnectionError | RefusedError;
/**
 * What a transport tells; nothing after `lost`, nothing after `close()`.
 */
export type Sink = {
    /**
     * bytes came
     */
    alive: () => void;
    frame: (frame: import("./frames.js").Frame) => void;
    /**
     * a frame that was dropped
     */
    bad: (error: ProtocolError) => void;
    /**
     * the end; said once
     */
    lost: (error: import("./errors.js").FeedError) => void;
};
/**
 * `send`: false when it is not open (yet)
 */
export type Connection = {
    close: () => void;
    send?: (type: string, data: object) => boolean;
};
export type Request = {
    base: URL;
    wanted: import("./target.js").Wanted;
    token?: () => string | undefined | Promise<string | undefined>;
};
export type OpenTransport = (request: Request, sink: Sink) => Connection;
import { ConnectionError } from "./errors.js";
import { RefusedError } from "./errors.js";
import { ProtocolError } from "./errors.js";
