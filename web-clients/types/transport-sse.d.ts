export function openSse(request: import("./transport-ws.js").Request, sink: import("./transport-ws.js").Sink): import("./transport-ws.js").Connection;
/**
 * @param {string | null} header seconds, or a date
 * @param {number} [now]
 */
export function retryAfter(header: string | null, now?: number): number | undefined;
