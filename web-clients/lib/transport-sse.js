/**
 * One stream of server-sent events, by `fetch`.
 *
 * `fetch` and not `EventSource`, since a page that uses the latter sees neither status nor `Retry-After`, gives up for
 * good on any answer but 200, and cannot send a token. A draining server answers 200 with `going_away`; the codes below
 * come from proxies and from wrong requests.
 */

import { ConnectionError, FeedError, ProtocolError, RefusedError } from "./errors.js";
import { readFrame } from "./frames.js";
import { unreachable } from "./reach.js";
import { SseParser } from "./sse-parser.js";
import { targetUrl } from "./target.js";

/** Answers after which the same request may work later. */
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);

/** @type {import("./transport-ws.js").OpenTransport} */
export function openSse(request, sink) {
  const abort = new AbortController();
  const parser = new SseParser(({ type, data, id }) => {
    if (abort.signal.aborted) return;
    try {
      sink.frame(readFrame(type, parse(data), id));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      sink.bad(error);
    }
  });
  read(request, abort.signal, parser, sink).then(
    () => new ConnectionError("the stream ended", { code: "closed" }),
    (error) => (error instanceof FeedError ? error : unreachable(request.base, error)),
  ).then((error) => {
    if (abort.signal.aborted) return;
    abort.abort();
    sink.lost(error);
  });
  return { close: () => abort.abort() };
}

/**
 * @param {import("./transport-ws.js").Request} request
 * @param {AbortSignal} signal
 * @param {SseParser} parser
 * @param {import("./transport-ws.js").Sink} sink
 */
async function read({ base, wanted, token }, signal, parser, sink) {
  /** @type {Record<string, string>} */
  const headers = { accept: "text/event-stream" };
  const secret = await token?.();
  if (secret !== undefined) headers.authorization = `Bearer ${secret}`;
  if (signal.aborted) return;
  const answer = await fetch(targetUrl(base, "sse", wanted), { headers, signal, cache: "no-store" });
  const refused = await refusal(base, answer, token !== undefined);
  if (refused !== undefined) throw refused;
  if (answer.body === null) return;
  sink.alive();
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new ConnectionError("the stream broke off", { code: "closed", cause });
    });
    if (done || signal.aborted) return;
    sink.alive();
    parser.push(decoder.decode(value, { stream: true }));
  }
}

/**
 * Why a request is not served, for who cannot see it: a WebSocket handshake fails without a word.
 * @param {import("./transport-ws.js").Request} request
 * @param {AbortSignal} signal
 * @returns {Promise<FeedError | undefined>} nothing where it would be served, or nobody answers in time
 */
export async function whyRefused({ base, wanted }, signal) {
  try {
    const answer = await fetch(targetUrl(base, "sse", wanted), { headers: { accept: "text/event-stream" }, signal, cache: "no-store" });
    return await refusal(base, answer, false);
  } catch (error) {
    return signal.aborted ? undefined : unreachable(base, error);
  }
}

/**
 * @param {URL} base
 * @param {Response} answer
 * @param {boolean} withToken a fresh token may be accepted
 */
async function refusal(base, answer, withToken) {
  const { status } = answer;
  const type = answer.headers.get("content-type") ?? "";
  if (status === 200 && type.startsWith("text/event-stream")) return undefined;
  const problem = await answer.json().catch(() => ({}));
  // Ours is a problem with a status; a proxy before ours says 5xx in words of its own.
  if (problem?.status !== status && status < 500 && !TEMPORARY.has(status) && status !== 401 && status !== 403) {
    const what = `${status}${answer.statusText && ` ${answer.statusText}`}, ${type.split(";")[0] || "no content"}`;
    return new RefusedError(`${base.origin} answers, but it is not Shelfwire: ${what}`, { code: status === 200 ? "not_a_stream" : `http_${status}`, status });
  }
  const message = `the server answered ${status}: ${problem.detail ?? problem.title ?? answer.statusText}`;
  if (!TEMPORARY.has(status) && !(withToken && status === 401)) return new RefusedError(message, { code: `http_${status}`, status });
  return new ConnectionError(message, { code: `http_${status}`, retryInMs: retryAfter(answer.headers.get("retry-after")) });
}

/**
 * @param {string | null} header seconds, or a date
 * @param {number} [now]
 */
export function retryAfter(header, now = Date.now()) {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** @param {string} data */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ProtocolError("an event whose data is no JSON", { cause });
  }
}
