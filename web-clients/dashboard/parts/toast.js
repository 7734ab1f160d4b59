/** Short messages at the edge of the page, told to screen readers too. */

import { byId, h } from "../dom.js";

/** How long one stays, in ms; at most so many at once. */
const STAYS_MS = 5000, MOST = 3;

/**
 * @param {string} words
 * @param {"good" | "bad"} [kind]
 */
export function say(words, kind = "good") {
  const toasts = byId("toasts");
  const toast = h("p", { class: `toast ${kind}` }, words);
  toasts.append(toast);
  while (toasts.children.length > MOST) toasts.firstElementChild?.remove();
  setTimeout(() => toast.remove(), STAYS_MS);
}
