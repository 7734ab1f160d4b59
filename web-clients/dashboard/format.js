/** Numbers and times for people, in their language. */

import { formatMoney } from "../lib/money.js";

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const rates = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** @param {number} n */
export const count = (n) => whole.format(n);
/** @param {number} n short, such as 12.3K */
export const compact = (n) => (n < 10_000 ? whole.format(n) : short.format(n));
/** @param {number | undefined} n a second; undefined: not measured yet */
export const rate = (n) => (n === undefined ? "–" : rates.format(n));
const places = new Intl.PluralRules("en", { type: "ordinal" });
/** @param {number} n as 1st, 2nd, 3rd */
export const ordinal = (n) => (n === 1 ? "first" : `${count(n)}${{ one: "st", two: "nd", few: "rd", other: "th", zero: "th", many: "th" }[places.select(n)]}`);
/** @param {Date | number} at */
export const time = (at) => clock.format(at);
/** @param {Date | number} at */
export const dayTime = (at) => day.format(at);

/** @param {{price_minor: number, currency: string}} product */
export const price = ({ price_minor, currency }) => formatMoney(price_minor, currency);

/**
 * A difference of prices, without its sign: an arrow stands beside it.
 * @param {number} minor
 * @param {string} currency
 */
export const difference = (minor, currency) => formatMoney(Math.abs(minor), currency);

/** @param {number} ms */
export function duration(ms) {
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor(ms / 1000) % 60} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor(ms / 60_000) % 60} min`;
}

/**
 * How long ago, in words that change slowly.
 * @param {number} ms
 */
export function ago(ms) {
  if (ms < 1500) return "just now";
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${Math.floor(ms / 86_400_000)} d ago`;
}

/** Of words that somebody typed so many characters are told again. */
const ECHO = 60;

/** @param {string} words as they can be told in a line */
export function quoted(words) {
  const characters = [...words];
  return `“${characters.slice(0, ECHO).join("")}${characters.length > ECHO ? "…" : ""}”`;
}
