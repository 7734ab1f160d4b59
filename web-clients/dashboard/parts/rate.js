/** The one control with which a product is rated: eleven buttons that come up beside what was clicked. */

import { ask } from "../data/api.js";
import { fill, h } from "../dom.js";
import { say } from "./toast.js";

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
/** So little the page may scroll, in px, and the marks stand beside their product still. */
const SLACK_PX = 8;

const buttons = Array.from({ length: 11 }, (_, rate) => h("button", { type: "button", "data-rate": rate }, rate));
const title = h("p");
const box = h("div", { id: "rating", class: "rating", popover: "auto", role: "dialog", "aria-label": "Rate, from 0 to 10" },
  title, h("div", { class: "marks" }, ...buttons), h("p", { class: "ends", "aria-hidden": "true" }, h("span", null, "poor"), h("span", null, "splendid")));
let subject = { product_id: "", name: "" };
/** @type {HTMLElement | undefined} */
let opener;
/** Where the page was. A scroll before that may be told only now. */
let openedAt = 0;

box.addEventListener("click", async (event) => {
  const rate = event.target instanceof HTMLElement ? event.target.dataset.rate : undefined;
  if (rate === undefined) return;
  const { product_id, name } = subject;
  box.hidePopover();
  opener?.focus();
  try {
    // The key makes a retry of the browser count once.
    await ask(`products/${product_id}/rate`, { method: "POST", body: { rate: Number(rate) }, headers: { "idempotency-key": crypto.randomUUID() } });
    say(`${rate} of 10 for ${name}: stored in Kafka, the average follows`);
  } catch (error) {
    say(`Not rated: ${error instanceof Error ? error.message : error}`, "bad");
  }
});
box.addEventListener("keydown", (event) => {
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  const by = STEPS[event.key];
  if (at === -1 || by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  // these keys would scroll
  event.preventDefault();
  buttons[(at + by + buttons.length) % buttons.length]?.focus();
});
// It stays where it came up while the page goes on below it: once its product is elsewhere, it goes.
const scrolled = () => {
  if (Math.abs(scrollY - openedAt) > SLACK_PX) box.hidePopover();
};
box.addEventListener("toggle", (event) => {
  if (/** @type {ToggleEvent} */ (event).newState === "closed") removeEventListener("scroll", scrolled);
});

/**
 * @param {{product_id: string, name: string}} product
 * @param {HTMLElement} beside
 */
export function askForRating(product, beside) {
  if (!box.isConnected) document.body.append(box);
  subject = product;
  opener = beside;
  fill(title, "Rate ", h("b", null, product.name));
  openedAt = scrollY;
  box.showPopover();
  addEventListener("scroll", scrolled, { passive: true });
  const { left, top, bottom } = beside.getBoundingClientRect();
  const { offsetWidth: w, offsetHeight: t } = box;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - w - 8))}px`;
  box.style.top = `${bottom + t + 8 < innerHeight ? bottom + 6 : Math.max(8, top - t - 6)}px`;
  buttons[7]?.focus();
}
