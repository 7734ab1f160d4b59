/** The one control with which a product is rated: eleven buttons that come up beside what was clicked. */

import { ask } from "../data/api.js";
import { fill, h } from "../dom.js";
import { say } from "./toast.js";

const buttons = Array.from({ length: 11 }, (_, rate) => h("button", { type: "button", "data-rate": rate }, rate));
const title = h("p");
const box = h("div", { id: "rating", class: "rating", popover: "auto", role: "dialog", "aria-label": "Rate, from 0 to 10" },
  title, h("div", { class: "marks" }, ...buttons), h("p", { class: "ends", "aria-hidden": "true" }, h("span", null, "poor"), h("span", null, "splendid")));
let subject = { product_id: "", name: "" };
/** @type {HTMLElement | undefined} */
let opener;

box.addEventListener("click", async (event) => {
  const rate = event.target instanceof HTMLElement ? event.target.dataset.rate : undefined;
  if (rate === undefined) return;
  const { product_id, name } = subject;
  box.hidePopover();
  opener?.focus();
  try {
    // The key makes a retry of the browser count once.
    await ask(`products/${product_id}/rate`, { method: "POST", body: { rate: Number(rate) }, headers: { "idempotency-key": crypto.randomUUID() } });
    say(`${rate} for ${name}: Kafka has it`);
  } catch (error) {
    say(`Not rated: ${error instanceof Error ? error.message : error}`, "bad");
  }
});
box.addEventListener("keydown", (event) => {
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  const to = event.key === "ArrowRight" ? at + 1 : event.key === "ArrowLeft" ? at - 1 : undefined;
  if (at !== -1 && to !== undefined) buttons[(to + buttons.length) % buttons.length]?.focus();
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
  box.showPopover();
  const { left, top, bottom } = beside.getBoundingClientRect();
  const { offsetWidth: w, offsetHeight: t } = box;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - w - 8))}px`;
  box.style.top = `${bottom + t + 8 < innerHeight ? bottom + 6 : Math.max(8, top - t - 6)}px`;
  buttons[7]?.focus();
}
