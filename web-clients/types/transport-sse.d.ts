export function openSse(request: import("./transport-ws.js").Request, sink: import("./transport-ws.js").Sink): import("./transport-ws.js").Connection;
/**
 * Why a request is not served, for who cannot see it: a WebSocket handshake fails without a word.
 * @param {import("./transport-ws.js").Request} request
 * @param {AbortSignal} signal
 * @returns {Promise<FeedError | undefined>} nothing where it would be served, or nobody answers in time
 */
export function whyRefused({ base, wanted }: import("./transport-ws.js").Request, signal: AbortSignal): Promise<FeedError | undefined>;
/**
 * @param {string | null} header seconds, or a date
 * @param {number} [now]
 */
export function retryAfter(header: string | null, now?: number): number | undefined;
import { FeedError } from "./errors.js";
