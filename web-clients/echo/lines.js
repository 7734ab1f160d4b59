/**
 * What echo.js writes: changes and gaps for people or as JSON, and the closing words. Pure.
 */

import { formatMoney } from "../lib/money.js";

/** @typedef {import("../lib/feed.js").Change} Change */
/** @typedef {import("../lib/feed.js").ProofCounts & {holds: boolean}} Proof */

/**
 * `14:03:22.512  Oat Milk 1 l (3f2a9c1b)  €1.99 ▶ €2.19  stock 14 ▶ 13  v18  12 ms`
 * @param {Change} change
 * @param {Date} at
 * @param {{color: boolean, locale?: string}} style
 */
export function changeLine(change, at, { color, locale }) {
  const { previous, currency } = change;
  const price = formatMoney(change.price_minor, currency, locale);
  const oldPrice = previous && formatMoney(previous.price_minor, previous.currency, locale);
  // Prices of two currencies cannot be told apart as dearer or cheaper.
  const rise = previous?.currency === currency ? change.price_minor - previous.price_minor : 0;
  const parts = [
    paint(color, 2, time(at)),
    `${clean(change.name)} ${paint(color, 2, `(${change.product_id.slice(0, 8)})`)}`,
    moved(oldPrice, price, color, rise),
    `stock ${moved(previous?.stock, change.stock, color, change.stock - (previous?.stock ?? change.stock))}`,
    `v${change.version}`,
  ];
  if (change.age_ms !== undefined) parts.push(`${change.age_ms} ms`);
  if (change.snapshot) parts.push("(snapshot)");
  return `${parts.join("  ")}\n`;
}

/**
 * @param {Change} change
 * @param {Date} at
 */
export function changeJson({ previous, ...change }, at) {
  const old = previous && { version: previous.version, price_minor: previous.price_minor, currency: previous.currency, stock: previous.stock };
  return json("change", { at: at.toISOString(), ...change, old: old ?? null });
}

/**
 * `14:03:22.512  Oat Milk 1 l (3f2a9c1b)  rated 6.8 ▶ 7.1  the last 10 of 512 ratings`
 * @param {import("../lib/shelf.js").RatingNews} news
 * @param {string | undefined} name the product's, if it is known
 * @param {Date} at
 * @param {{color: boolean}} style
 */
export function ratingLine({ subject, average, window, count, previous }, name, at, { color }) {
  const short = (/** @type {number | null | undefined} */ number) => number?.toFixed(1);
  const whose = name === undefined ? clean(subject) : `${clean(name)} ${paint(color, 2, `(${subject.slice(0, 8)})`)}`;
  const change = moved(short(previous?.average), short(average) ?? "–", color, (average ?? 0) - (previous?.average ?? average ?? 0));
  const of = count > window ? `the last ${window} of ${count} ratings` : `${count} rating${count === 1 ? "" : "s"}`;
  return `${[paint(color, 2, time(at)), whose, `rated ${change}`, of].join("  ")}\n`;
}

/**
 * `14:03:22.512  Oat Milk 1 l (3f2a9c1b)  photo_changed ▶ 4be1f02a97c3  revision 2`
 * @param {import("../lib/frames.js").PhotoChanged} news
 * @param {string | undefined} name the product's, if it is known
 * @param {Date} at
 * @param {{color: boolean}} style
 */
export function photoLine({ product_id, photo, revision }, name, at, { color }) {
  const short = product_id.slice(0, 8);
  const whose = name === undefined ? short : `${clean(name)} ${paint(color, 2, `(${short})`)}`;
  const what = photo === null ? "photo_changed ▶ none" : `photo_changed ▶ ${photo.slice(0, 12)}`;
  return `${[paint(color, 2, time(at)), whose, what, `revision ${revision}`].join("  ")}\n`;
}

/**
 * @param {import("../lib/frames.js").Gap} gap
 * @param {Date} at
 */
export function gapLine({ topic, partition, offset, reason, product_id }, at) {
  const whose = product_id === undefined ? "" : ` of product ${product_id}`;
  return `${time(at)}  gap: a change${whose} lies in the dead letters (${reason}, ${topic} partition ${partition}, offset ${offset})\n`;
}

/**
 * @param {import("../lib/feed.js").Said} said
 * @param {Date} at
 */
export function saidLine({ from, text }, at) {
  // Marks that turn the writing direction could make it look as if somebody else had said it; joiners are part of words and emoji.
  return `${time(at)}  ${clean(from)}: ${text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "\ufffd")}\n`;
}

/**
 * @param {string} type
 * @param {object} data
 */
export function json(type, data) {
  return `${JSON.stringify({ type, ...data })}\n`;
}

/**
 * The last words.
 * @param {Proof} proof
 * @param {number} changes shown
 */
export function verdict(proof, changes) {
  const notes = [];
  if (proof.resumes > 0) notes.push(`${count(proof.resumes, "resume")}`);
  if (proof.resets > 0) notes.push(`${count(proof.resets, "reset")}`);
  if (proof.duplicates > 0) notes.push(`${count(proof.duplicates, "repeat")} dropped`);
  const around = notes.length > 0 ? ` (${notes.join(", ")})` : "";
  const said = proof.holds ? "no version was missed, none went back"
    : `BROKEN: ${count(proof.missed, "version")} missed, ${proof.regressions} went back`;
  return `${count(changes, "change")}: ${said}${around}\n`;
}

/**
 * @param {number} n
 * @param {string} what
 */
function count(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/**
 * `old ▶ new`, or one of them where nothing moved.
 * @param {string | number | undefined} old
 * @param {string | number} now
 * @param {boolean} color
 * @param {number} rise
 */
function moved(old, now, color, rise) {
  if (old === now) return String(now);
  const shown = rise === 0 ? String(now) : paint(color, rise > 0 ? 32 : 31, String(now));
  return old === undefined ? `▶ ${shown}` : `${old} ▶ ${shown}`;
}

/**
 * @param {boolean} color
 * @param {number} code
 * @param {string} text
 */
function paint(color, code, text) {
  return color ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** A name is somebody else's text: no control characters may reach the terminal. @param {string} text */
function clean(text) {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}

/** @param {Date} at */
function time(at) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
