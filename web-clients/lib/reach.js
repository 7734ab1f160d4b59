/**
 * Why a server could not be reached, in words, and from what failed: a wrong name, nobody there, no TLS, not HTTP.
 *
 * Node tells the cause of a failed `fetch`. A page is told nothing, and there the words say what may be the matter.
 */

import { ConnectionError } from "./errors.js";
import { noAnswer } from "./target.js";

/** What names a cause, and its code for programs. */
const CAUSES = /** @type {const} */ ([
  [/^ENOTFOUND$/, "dns", (/** @type {URL} */ { hostname }) => `no host is named ${hostname}`],
  [/^EAI_/, "dns", (/** @type {URL} */ { hostname }) => `the name ${hostname} cannot be looked up now`],
  [/^ECONNREFUSED$/, "refused_connection", (/** @type {URL} */ { origin }) => `nothing listens at ${origin}, the connection was refused`],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH)$/, "unreachable", (/** @type {URL} */ { origin }) => `${origin} cannot be reached`],
  [/^(EPROTO|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|.*_CERT(_.*)?|UNABLE_TO_.*|HOSTNAME_MISMATCH)$/, "tls", (/** @type {URL} */ { origin }) => `no TLS with ${origin}`],
  [/^HPE_/, "not_http", (/** @type {URL} */ { origin }) => `what answers at ${origin} does not speak HTTP`],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, "unreachable", (/** @type {URL} */ { origin }) => `${origin} ended the connection without an answer`],
]);

/**
 * @param {URL} base
 * @param {unknown} error what `fetch` threw
 * @returns {ConnectionError}
 */
export function unreachable(base, error) {
  const cause = /** @type {{code?: unknown, message?: string} | undefined} */ (/** @type {Error} */ (error)?.cause);
  const name = typeof cause?.code === "string" ? cause.code : "";
  for (const [pattern, code, words] of CAUSES) {
    if (pattern.test(name)) return new ConnectionError(`${words(base)} (${name})`, { code, cause: error });
  }
  const detail = name || cause?.message;
  return new ConnectionError(`${noAnswer(base)}${detail ? ` (${detail})` : ""}`, { code: "unreachable", cause: error });
}
