/**
 * One product on the shelf. A card is made once and shows whichever product it is given; only what differs is touched, so
 * that a thousand changes a second cost little.
 */

import { photoUrl, Photo } from "../data/photo.js";
import { calm, h, text } from "../dom.js";
import { ago, count, difference, price } from "../format.js";
import { Sparkline } from "./sparkline.js";

/** @typedef {import("../data/catalogue.js").Item} Item */
/** @typedef {import("../data/catalogue.js").Move} Move */

/** Pieces in stock at which a product counts as nearly gone. */
const FEW = 10;
/** A flash is on for so long, in ms. It does not fade: thirty cards that fade at once are thirty cards drawn in every frame. */
const FLASH_MS = 600;

export class Card {
  id = "";
  #version = -1;
  #flashing = 0;
  #photo = new Photo();
  #name = h("a", { class: "name" });
  #price = h("span", { class: "price" });
  #arrow = h("span");
  #amount = h("span");
  #delta = h("span", { class: "delta" }, this.#arrow, this.#amount);
  #stock = h("span", { class: "stock" });
  #when = h("span", { class: "when" });
  #spark = new Sparkline();
  #rate = h("button", { class: "rate", type: "button", "data-do": "rate" });
  #pin = h("button", { class: "pin", type: "button", "data-do": "pin", "aria-pressed": "false" }, "☆");
  element = h("article", { class: "card" }, this.#photo.element, this.#pin,
    h("div", { class: "label" }, this.#name, h("div", { class: "row" }, this.#price, this.#delta), this.#spark.element,
      h("div", { class: "row foot" }, this.#stock, this.#rate), this.#when));

  /**
   * @param {Item} item
   * @param {{move?: Move, trail?: {price: number}[], pinned: boolean, place: number, of: number}} around
   */
  show(item, { move, trail, pinned, place, of }) {
    const fresh = item.product_id !== this.id;
    if (fresh) {
      this.id = item.product_id;
      this.element.dataset.id = item.product_id;
      this.#name.id = `name-${item.product_id}`;
      this.#name.setAttribute("href", `#product/${item.product_id}`);
      this.element.setAttribute("aria-labelledby", this.#name.id);
      this.#calmDown();
    }
    this.element.setAttribute("aria-posinset", String(place));
    this.element.setAttribute("aria-setsize", String(of));
    if (this.#pin.getAttribute("aria-pressed") !== String(pinned)) {
      this.#pin.setAttribute("aria-pressed", String(pinned));
      text(this.#pin, pinned ? "★" : "☆");
    }
    this.#pin.setAttribute("aria-label", `${pinned ? "Unpin" : "Pin"} ${item.name}`);
    this.#photo.show(item);
    this.element.classList.toggle("has-photo", photoUrl(item) !== undefined);
    text(this.#name, item.name);
    text(this.#price, price(item));
    this.#showStock(item.stock);
    this.#showRating(item);
    this.#showMove(item, move);
    if (trail) this.#spark.show(trail.map((point) => point.price));
    else if (fresh) this.#spark.show([]);
    if (!fresh && this.#version !== item.version && move) this.#flash(move);
    this.#version = item.version;
    this.element.dataset.version = String(item.version);
  }

  /** @param {Move | undefined} move */
  tick(move) {
    text(this.#when, move ? ago(Date.now() - move.at) : "");
  }

  /** @param {number} stock */
  #showStock(stock) {
    text(this.#stock, stock === 0 ? "sold out" : stock <= FEW ? `only ${count(stock)} left` : `${count(stock)} in stock`);
    this.#stock.className = `stock ${stock === 0 ? "none" : stock <= FEW ? "few" : ""}`;
  }

  /** @param {Item} item */
  #showRating({ rating, name }) {
    const average = rating?.average ?? null;
    text(this.#rate, average === null ? "★ Rate" : `★ ${average.toFixed(1)}`);
    this.#rate.setAttribute("aria-label", average === null ? `Rate ${name}` : `Rated ${average.toFixed(1)} of 10 by ${rating?.count}: rate ${name}`);
  }

  /**
   * @param {Item} item
   * @param {Move | undefined} move
   */
  #showMove({ currency }, move) {
    const by = move?.by.price ?? 0;
    text(this.#arrow, by === 0 ? "" : by > 0 ? "▲ " : "▼ ");
    text(this.#amount, by === 0 ? "" : difference(by, currency));
    this.#delta.className = `delta ${by > 0 ? "up" : by < 0 ? "down" : ""}`;
    this.tick(move);
  }

  /** @param {Move} move */
  #flash({ by }) {
    if (calm()) return;
    this.element.dataset.flash = by.price > 0 ? "up" : by.price < 0 ? "down" : "stock";
    // what comes meanwhile makes it no longer: a card that changes all the time would else never be seen to change
    if (this.#flashing === 0) this.#flashing = setTimeout(() => this.#calmDown(), FLASH_MS);
  }

  #calmDown() {
    clearTimeout(this.#flashing);
    this.#flashing = 0;
    delete this.element.dataset.flash;
  }
}
