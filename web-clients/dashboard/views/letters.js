/** Dead letters: what could not be read or written, and why. */

import { h } from "../dom.js";

/**
 * @param {import("../main.js").World} _world
 * @returns {import("../main.js").View}
 */
export function letters(_world) {
  return { title: "Dead letters", element: h("div", { class: "letters" }, h("h1", null, "Dead letters")) };
}
