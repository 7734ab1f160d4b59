/** The last prices of a product as a small line: steps, for a price holds until the next one. */

import { s } from "../dom.js";

const W = 100, H = 26, PAD = 3;

export class Sparkline {
  #line = s("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  #area = s("path", { class: "area" });
  element = s("svg", { class: "spark", viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" }, this.#area, this.#line);

  /** @param {number[]} values oldest first */
  show(values) {
    const line = path(values);
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", line && `${line}V${H}H0Z`);
  }
}

/** @param {number[]} values */
function path(values) {
  if (values.length === 0) return "";
  const low = Math.min(...values), high = Math.max(...values);
  const y = (/** @type {number} */ v) => (high === low ? H / 2 : H - PAD - ((v - low) / (high - low)) * (H - 2 * PAD)).toFixed(1);
  const step = W / values.length;
  return values.map((v, at) => (at === 0 ? `M0 ${y(v)}` : `V${y(v)}`) + `H${((at + 1) * step).toFixed(1)}`).join("");
}
