/** How often something took how long: bars from under a millisecond to more than two seconds, each twice as long as the one before. */

import { h, text } from "../dom.js";
import { duration } from "../format.js";

/** Upper ends of the bars, in ms: 1 to 2048; the last bar has none. */
const ENDS = Array.from({ length: 12 }, (_, at) => 2 ** at);

export class Histogram {
  #bars = Array.from({ length: ENDS.length + 1 }, () => h("i"));
  #median = h("b");
  #slow = h("span");
  #picture = h("div", { class: "bars", role: "img" }, ...this.#bars);
  #title;
  element;

  /**
   * @param {string} title
   * @param {string} story
   */
  constructor(title, story) {
    this.#title = title;
    this.element = h("section", { class: "histogram" }, h("h3", null, title), h("p", { class: "figures" }, this.#median, this.#slow), this.#picture,
      h("p", { class: "scale", "aria-hidden": "true" }, h("span", null, "1 ms"), h("span", null, "30 ms"), h("span", null, "1 s")), h("p", { class: "note" }, story));
  }

  /** @param {number[]} values ms */
  show(values) {
    const counts = new Array(ENDS.length + 1).fill(0);
    for (const value of values) {
      const at = ENDS.findIndex((end) => value < end);
      counts[at === -1 ? ENDS.length : at]++;
    }
    const most = Math.max(1, ...counts);
    this.#bars.forEach((bar, at) => bar.style.setProperty("--share", String(counts[at] / most)));
    const sorted = [...values].sort((a, b) => a - b);
    const part = (/** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    const [median, slow] = [part(0.5), part(0.99)];
    text(this.#median, median === undefined ? "–" : duration(median));
    text(this.#slow, slow === undefined ? "" : `p99 ${duration(slow)}`);
    this.#picture.setAttribute("aria-label", median === undefined ? `${this.#title}: nothing measured yet` : `${this.#title}: half took less than ${duration(median)}, 99 of 100 less than ${duration(slow ?? 0)}`);
  }
}
