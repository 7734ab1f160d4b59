/**
 * The command line of echo.js: parsed once, strictly; what is wrong is a `UsageError` of one line.
 */

import { parseArgs } from "node:util";
import { sayable } from "../lib/saying.js";
import { baseUrl } from "../lib/target.js";

/** What the exit code says; `broken` comes before `notLive`. */
export const EXIT = Object.freeze({ ok: 0, broken: 1, usage: 2, notLive: 3 });
export const VERSION = "0.1.0";
/** Where a server is when nobody says so. */
const DEFAULT_URL = "http://localhost:8080";
/** How long the first connection may take, in s. */
const TIMEOUT_S = 10;

export const HELP = `Prints every price and stock change as it comes, and proves on exit that none was missed.

Usage: node echo.js [URL] [options]
  URL              base address [$SHELFWIRE_URL, else ${DEFAULT_URL}]

  --ws             over WebSocket (the default)
  --sse            over server-sent events
  --product ID     this product only; may be given several times
  --every MS       ask for at most one line a product in MS milliseconds (60000 at most)
  --cursor C       continue at this cursor
  --state FILE     continue where the last run with this file ended; keeps cursor and versions there
  --count N        end after N changes
  --for TIME       end after this time: 500ms, 30s, 5m, 2h (a bare number is seconds)
  --timeout S      give up when not live after S seconds [${TIMEOUT_S}; 0: never]
  --say TEXT       say this to all viewers, and end when it has come back (with --for: listen on)
  --chat           say each line of the input; shows what others say, and no changes without --product
  --json           one JSON object a line: open, change, gap, said, and at the end proof
  --quiet          no line for each change, only how it ended
  --no-color       plain text (also with $NO_COLOR, and when the output is no terminal)
  --help, --version

Changes go to stdout, talk about the connection to stderr. Ctrl-C ends it.
Exit code: 0 the proof holds, 1 a version was missed or went back, 2 wrong usage
           (also when the server says so, as of a --cursor that is none), or a
           --product that no snapshot and no change was of, 3 no connection within
           the timeout, ended while not live, or said what did not come back.
`;

/** Something on the command line is wrong. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {"help" | "version"} [show] print this and end
 * @property {URL} url
 * @property {"ws" | "sse"} transport
 * @property {string[] | "all"} products
 * @property {number} everyMs
 * @property {string} [cursor]
 * @property {string} [state] path of the state file
 * @property {number} [count]
 * @property {number} [forMs]
 * @property {number} timeoutMs 0: none
 * @property {string} [say] a word to all viewers
 * @property {boolean} chat
 * @property {boolean} json
 * @property {boolean} quiet
 * @property {boolean} color
 */

/**
 * @param {string[]} args
 * @param {Record<string, string | undefined>} env
 * @param {boolean | undefined} isTerminal whether stdout is one
 * @returns {Options}
 * @throws {UsageError}
 */
export function readOptions(args, env, isTerminal) {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError(`one URL, not ${positionals.length}: ${positionals.join(" ")}`);
  if (values.ws && values.sse) throw new UsageError("--ws and --sse exclude each other");
  if (values.cursor !== undefined && values.state !== undefined) throw new UsageError("--cursor and --state exclude each other: the state holds a cursor");
  if (values.sse && (values.say !== undefined || values.chat)) throw new UsageError("--say and --chat need a WebSocket: leave --sse out");
  if (values.say !== undefined && values.chat) throw new UsageError("--say and --chat exclude each other");
  if (values.cursor === "") throw new UsageError("--cursor is empty");
  return {
    show: values.help ? "help" : values.version ? "version" : undefined,
    url: address(positionals[0] ?? (env.SHELFWIRE_URL || DEFAULT_URL)),
    transport: values.sse ? "sse" : "ws",
    products: values.product ? values.product.map(productId) : values.chat || (values.say !== undefined && values.for === undefined) ? [] : "all",
    everyMs: whole("--every", values.every, 0, 60_000) ?? 0,
    cursor: values.cursor,
    state: values.state,
    count: whole("--count", values.count, 1),
    forMs: values.for === undefined ? undefined : duration("--for", values.for),
    timeoutMs: number("--timeout", values.timeout ?? String(TIMEOUT_S)) * 1000,
    say: values.say === undefined ? undefined : word(values.say),
    chat: values.chat ?? false,
    json: values.json ?? false,
    quiet: values.quiet ?? false,
    color: isTerminal === true && !values["no-color"] && !env.NO_COLOR,
  };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      strict: true,
      options: {
        ws: { type: "boolean" },
        sse: { type: "boolean" },
        product: { type: "string", multiple: true },
        every: { type: "string" },
        cursor: { type: "string" },
        state: { type: "string" },
        count: { type: "string" },
        for: { type: "string" },
        timeout: { type: "string" },
        say: { type: "string" },
        chat: { type: "boolean" },
        json: { type: "boolean" },
        quiet: { type: "boolean" },
        "no-color": { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split(/\. |\n/)[0] ?? message);
  }
}

/** @param {string} text */
function address(text) {
  try {
    return baseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new UsageError(`not an http address: ${text}`);
  }
}

/** @param {string} text */
function productId(text) {
  const id = text.toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new UsageError(`--product takes a product's id (a UUID), not ${text}`);
  return id;
}

/** @param {string} text */
function word(text) {
  try {
    return sayable(text);
  } catch (error) {
    throw new UsageError(`--say: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} least
 * @param {number} [most]
 */
function whole(name, text, least, most = Infinity) {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new UsageError(`${name} takes a whole number from ${least}${most === Infinity ? "" : ` to ${most}`}, not ${text}`);
  return value;
}

/**
 * @param {string} name
 * @param {string} text
 */
function number(name, text) {
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) throw new UsageError(`${name} takes a number of seconds, not ${text}`);
  return Number(text);
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {number} in ms
 */
function duration(name, text) {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw new UsageError(`${name} takes a time like 500ms, 30s, 5m or 2h, not ${text}`);
  const ms = Number(amount) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[/** @type {"ms" | "s" | "m" | "h"} */ (unit ?? "s")];
  if (ms === 0) throw new UsageError(`${name} takes a time longer than 0`);
  // The longest that a timer can wait.
  if (ms > 2 ** 31 - 1) throw new UsageError(`${name} is at most 24 days, not ${text}`);
  return ms;
}
