/**
 * A long list of cards of which only those in view are in the page: two spacers stand for the rest. Cards are in the
 * document in the order that one sees, so that Tab and a screen reader go through them as the eye does; arrow keys, Page
 * Up and Down, Home and End move between cards.
 */

import { arrange, h } from "../dom.js";
import { paint } from "../paint.js";
import { Card } from "./card.js";

/** Rows above and below the view that are there already when one scrolls. */
const SPARE_ROWS = 1;

export class Grid {
  /** @type {string[]} */
  ids = [];
  /** @type {Map<string, Card>} those in the page, by product */
  cards = new Map();
  /** @type {Card[]} */
  #spare = [];
  #above = h("div", { class: "spacer" });
  #below = h("div", { class: "spacer" });
  #cells = h("div", { class: "cells" });
  #draw;
  #seen;
  #columns = 1;
  #range = "";
  #resize = new ResizeObserver(() => this.#ask());
  #scroll = () => this.#ask();
  element = h("div", { class: "grid", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) } }, this.#above, this.#cells, this.#below);

  /**
   * @param {{draw: (card: Card, id: string, place: number) => void, seen: (ids: string[]) => void}} owner `seen`: which are
   *   in the page now
   */
  constructor({ draw, seen }) {
    this.#draw = draw;
    this.#seen = seen;
    this.#resize.observe(this.element);
    addEventListener("scroll", this.#scroll, { passive: true });
  }

  close() {
    this.#resize.disconnect();
    removeEventListener("scroll", this.#scroll);
  }

  /** @param {string[]} ids in order */
  show(ids) {
    this.ids = ids;
    this.#range = "";
    this.#ask();
  }

  /** @param {string} id its state changed */
  touch(id) {
    const card = this.cards.get(id);
    if (card) this.#draw(card, id, this.ids.indexOf(id));
  }

  #ask() {
    paint(this, () => this.#layout());
  }

  #layout() {
    const style = getComputedStyle(this.#cells);
    const height = parseFloat(style.getPropertyValue("--row")) || 320;
    this.#columns = Math.max(1, style.gridTemplateColumns.split(" ").length);
    const rows = Math.ceil(this.ids.length / this.#columns);
    const top = this.element.getBoundingClientRect().top;
    const first = Math.min(Math.max(0, Math.floor(-top / height) - SPARE_ROWS), Math.max(0, rows - 1));
    const last = Math.min(rows, Math.ceil((innerHeight - top) / height) + SPARE_ROWS);
    const range = `${first} ${last} ${this.#columns} ${height}`;
    if (range === this.#range) return;
    this.#range = range;
    this.#above.style.height = `${first * height}px`;
    this.#below.style.height = `${Math.max(0, rows - last) * height}px`;
    this.#fill(first * this.#columns, last * this.#columns);
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #fill(from, to) {
    const ids = this.ids.slice(from, to);
    const wanted = new Set(ids);
    for (const [id, card] of this.cards) {
      if (wanted.has(id)) continue;
      this.cards.delete(id);
      this.#spare.push(card);
    }
    const order = ids.map((id, at) => {
      const card = this.cards.get(id) ?? this.#spare.pop() ?? new Card();
      this.cards.set(id, card);
      this.#draw(card, id, from + at);
      return card.element;
    });
    arrange(this.#cells, order);
    // a feed of nothing is none
    this.element.role = ids.length > 0 ? "feed" : null;
    this.element.ariaLabel = ids.length > 0 ? "Products" : null;
    this.#seen(ids);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const card = event.target instanceof Element ? event.target.closest(".card") : null;
    if (!(card instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.ids.indexOf(card.dataset.id ?? "");
    const end = this.ids.length - 1;
    /** @type {Record<string, number>} */
    const to = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - this.#columns, ArrowDown: at + this.#columns,
      PageUp: at - 3 * this.#columns, PageDown: at + 3 * this.#columns, Home: 0, End: end,
    };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.focus(Math.min(end, Math.max(0, next)));
  }

  /**
   * Brings a card into view and puts the focus on it.
   * @param {number} at
   * @param {string} [part] what of it
   */
  focus(at, part = "a") {
    const id = this.ids[at];
    if (id === undefined) return;
    const height = parseFloat(getComputedStyle(this.#cells).getPropertyValue("--row")) || 320;
    const y = scrollY + this.element.getBoundingClientRect().top + Math.floor(at / this.#columns) * height;
    const head = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;
    if (y < scrollY + head) scrollTo({ top: y - head });
    else if (y + height > scrollY + innerHeight) scrollTo({ top: y + height - innerHeight });
    this.#layout();
    const target = this.cards.get(id)?.element.querySelector(part);
    if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  }
}
