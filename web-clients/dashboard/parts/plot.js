/**
 * A step plot over time, with a reading under the pointer or the arrow keys, and the same figures in a table for whoever
 * reads with a screen reader.
 */

import { fill, h, s, text } from "../dom.js";
import { dayTime } from "../format.js";

/** @typedef {{at: number, value: number, version: number}} Reading */

const W = 600, H = 180, TOP = 12, BOTTOM = 22;
/** Rows of the hidden table: the newest. */
const ROWS = 20;

export class Plot {
  #format;
  /** @type {Reading[]} */
  #readings = [];
  #line = s("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  #area = s("path", { class: "area" });
  #rule = s("line", { class: "rule", y1: 0, y2: H - BOTTOM, "vector-effect": "non-scaling-stroke" });
  #svg = s("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    s("line", { class: "base", x1: 0, x2: W, y1: H - BOTTOM, y2: H - BOTTOM, "vector-effect": "non-scaling-stroke" }), this.#area, this.#line, this.#rule);
  #high = h("span", { class: "high" });
  #low = h("span", { class: "low" });
  #first = h("span", { class: "first" });
  #last = h("span", { class: "last" });
  // no <output>: that is a live region, and would be read out at every change; keys are answered by aria-valuetext
  #told = h("span", { class: "told" });
  #rows = h("tbody");
  #at = -1;
  element;

  /**
   * @param {string} title
   * @param {(value: number) => string} format
   */
  constructor(title, format) {
    this.#format = format;
    const stage = h("div", {
      class: "stage", tabindex: 0, role: "slider", "aria-label": `${title}: read single changes with the arrow keys`,
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
      on: { pointermove: (/** @type {PointerEvent} */ e) => this.#point(e.offsetX / stage.clientWidth), pointerleave: () => this.#read(-1), keydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) },
    }, this.#svg, this.#high, this.#low, this.#first, this.#last);
    this.stage = stage;
    this.element = h("figure", { class: "plot" }, h("figcaption", null, h("b", null, title), this.#told), stage,
      // in a box: a table is as wide as its words whatever width it is given, and the page would be, too
      h("div", { class: "unseen" }, h("table", null, h("caption", null, title), h("thead", null, h("tr", null, ...["Time", "Version", title].map((head) => h("th", { scope: "col" }, head)))), this.#rows)));
  }

  /** @param {Reading[]} readings oldest first */
  show(readings) {
    this.#readings = readings;
    const [first, last] = [readings[0], readings.at(-1)];
    if (first === undefined || last === undefined) return;
    const values = readings.map(({ value }) => value);
    const low = Math.min(...values), high = Math.max(...values), span = last.at - first.at || 1;
    const y = (/** @type {number} */ v) => (high === low ? H / 2 : H - BOTTOM - 6 - ((v - low) / (high - low)) * (H - BOTTOM - 6 - TOP)).toFixed(1);
    const x = (/** @type {number} */ at) => (((at - first.at) / span) * W).toFixed(1);
    const line = readings.map(({ at, value }, n) => (n === 0 ? `M0 ${y(value)}` : `H${x(at)}V${y(value)}`)).join("") + `H${W}`;
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", `${line}V${H - BOTTOM}H0Z`);
    text(this.#high, this.#format(high));
    text(this.#low, high === low ? "" : this.#format(low));
    text(this.#first, dayTime(first.at));
    text(this.#last, dayTime(last.at));
    this.stage.setAttribute("aria-valuemax", String(readings.length - 1));
    this.#read(this.#at >= readings.length ? -1 : this.#at);
    fill(this.#rows, ...readings.slice(-ROWS).reverse().map(({ at, value, version }) =>
      h("tr", null, h("td", null, dayTime(at)), h("td", null, version), h("td", null, this.#format(value)))));
  }

  /** @param {number} share of the width */
  #point(share) {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (first === undefined || last === undefined) return;
    const at = first.at + share * (last.at - first.at);
    const next = this.#readings.findIndex((reading) => reading.at > at);
    this.#read(next === -1 ? this.#readings.length - 1 : Math.max(0, next - 1));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const end = this.#readings.length - 1;
    const from = this.#at === -1 ? end : this.#at;
    /** @type {Record<string, number>} */
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: end };
    const at = to[event.key];
    if (at === undefined) return;
    event.preventDefault();
    this.#read(Math.min(end, Math.max(0, at)));
  }

  /** @param {number} at a reading, or -1: the newest */
  #read(at) {
    this.#at = at;
    const end = this.#readings.length - 1;
    const reading = this.#readings[at === -1 ? end : at];
    const first = this.#readings[0], last = this.#readings[end];
    if (reading === undefined || first === undefined || last === undefined) return;
    const words = `${this.#format(reading.value)} · v${reading.version} · ${dayTime(reading.at)}`;
    text(this.#told, words);
    this.stage.setAttribute("aria-valuenow", String(at === -1 ? end : at));
    this.stage.setAttribute("aria-valuetext", words);
    const x = String(((reading.at - first.at) / (last.at - first.at || 1)) * W);
    this.#rule.setAttribute("x1", x);
    this.#rule.setAttribute("x2", x);
    this.#rule.classList.toggle("on", at !== -1);
  }
}
