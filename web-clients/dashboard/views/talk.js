/** Talk: what viewers say to each other, and a field to say something. */

import { h } from "../dom.js";

/**
 * @param {import("../main.js").World} _world
 * @returns {import("../main.js").View}
 */
export function talk(_world) {
  return { title: "Talk", element: h("div", { class: "talk" }, h("h1", null, "Talk")) };
}
