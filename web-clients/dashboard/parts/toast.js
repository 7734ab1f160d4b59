/** Short messages at the edge of the page, told to screen readers too. A click closes one. */

import { byId, h } from "../dom.js";

/** How long one stays, in ms; at most so many at once. */
const STAYS_MS = 5000, MOST = 3;
/** @type {WeakMap<Element, ReturnType<typeof setTimeout>>} when each goes */
const ends = new WeakMap();

/**
 * The same words again renew what stands there.
 * @param {string} words
 * @param {"good" | "bad"} [kind]
 */
export function say(words, kind = "good") {
  const toasts = byId("toasts");
  const toast = [...toasts.children].find((shown) => shown.textContent === words && shown.classList.contains(kind)) ?? make(words, kind);
  clearTimeout(ends.get(toast));
  ends.set(toast, setTimeout(() => toast.remove(), STAYS_MS));
  // put in again, it is read aloud again
  toasts.append(toast);
  while (toasts.children.length > MOST) toasts.firstElementChild?.remove();
}

/** @param {string} words @param {string} kind */
function make(words, kind) {
  return h("p", { class: `toast ${kind}`, on: { click: (/** @type {Event} */ event) => /** @type {Element} */ (event.currentTarget).remove() } }, words);
}
