/**
 * One WebSocket connection.
 *
 * A page learns little of a WebSocket's end: a refused handshake looks like a lost line (1006). So after a handshake
 * that failed, the same is asked for over SSE, only to see the answer's status. A server that is draining, full or not
 * ready closes with 1013 and says in the reason after how many ms to come back.
 */

import { ConnectionError, ProtocolError, RefusedError } from "./errors.js";
import { readFrame } from "./frames.js";
import { noAnswer, targetUrl } from "./target.js";
import { whyRefused } from "./transport-sse.js";

/** Close codes after which coming back is pointless (wrong data, policy, missing extension), unless the reason says when. */
const FINAL = new Set([1003, 1007, 1008, 1010]);
/** After an `error` event a `close` event follows, but not in every runtime: wait so long, in ms. */
const CLOSE_AFTER_ERROR_MS = 100;
/** How long to ask why a handshake failed, in ms. */
const ASK_WHY_MS = 2000;

/**
 * What a transport tells; nothing after `lost`, nothing after `close()`.
 * @typedef {object} Sink
 * @property {() => void} alive bytes came
 * @property {(frame: import("./frames.js").Frame) => void} frame
 * @property {(error: ProtocolError) => void} bad a frame that was dropped
 * @property {(error: import("./errors.js").FeedError) => void} lost the end; said once
 */
/** @typedef {{close: () => void, send?: (type: string, data: object) => boolean}} Connection `send`: false when it is not open (yet) */
/** @typedef {{base: URL, wanted: import("./target.js").Wanted, token?: () => string | undefined | Promise<string | undefined>}} Request */
/** @typedef {(request: Request, sink: Sink) => Connection} OpenTransport */

/** @type {OpenTransport} */
export function openWs(request, sink) {
  const socket = new WebSocket(targetUrl(request.base, "ws", request.wanted));
  const why = new AbortController();
  let done = false;
  let opened = false;
  let closed = false;
  /** @param {import("./errors.js").FeedError} error */
  const end = async (error) => {
    if (done) return;
    done = true;
    if (opened || closed) return closed || sink.lost(error);
    const timer = setTimeout(() => why.abort(), ASK_WHY_MS);
    const refused = await whyRefused(request, why.signal);
    clearTimeout(timer);
    why.abort();
    if (!closed) sink.lost(refused ?? error);
  };
  socket.onopen = () => {
    opened = true;
    if (!done) sink.alive();
  };
  socket.onmessage = ({ data }) => {
    if (done) return;
    sink.alive();
    try {
      sink.frame(readMessage(data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      sink.bad(error);
    }
  };
  socket.onclose = ({ code, reason }) => end(closeError(code, reason, opened ? undefined : noAnswer(request.base)));
  socket.onerror = () => setTimeout(() => end(closeError(1006, "", opened ? undefined : noAnswer(request.base))), CLOSE_AFTER_ERROR_MS);
  return {
    send(type, data) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify({ type, data }));
      return true;
    },
    close() {
      done = closed = true;
      why.abort();
      socket.close();
    },
  };
}

/** @param {unknown} text */
function readMessage(text) {
  if (typeof text !== "string") throw new ProtocolError("a binary message");
  let message;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("a message that is no JSON", { cause });
  }
  return readFrame(String(message?.type), message?.data ?? {}, message?.cursor);
}

/**
 * @param {number} code
 * @param {string} reason
 * @param {string} [unopened] what to say when the handshake failed
 */
export function closeError(code, reason, unopened) {
  const said = reason === "" ? "" : `: ${reason}`;
  if (FINAL.has(code) && firstNumber(reason) === undefined) return new RefusedError(`the server closed with ${code}${said}`, { code: `ws_${code}` });
  if (code === 1013 || FINAL.has(code)) return new ConnectionError(`try again later${said}`, { code: "try_later", retryInMs: firstNumber(reason) });
  if (unopened !== undefined) return new ConnectionError(unopened, { code: "unreachable" });
  return new ConnectionError(`the connection ended (${code})${said}`, { code: "closed" });
}

/** @param {string} text */
function firstNumber(text) {
  const digits = /\d+/.exec(text);
  return digits === null ? undefined : Number(digits[0]);
}
