/** Flow: one change followed from Kafka to the screen, and how long each stage takes. */

import { h } from "../dom.js";

/**
 * @param {import("../main.js").World} _world
 * @returns {import("../main.js").View}
 */
export function flow(_world) {
  return { title: "Flow", element: h("div", { class: "flow" }, h("h1", null, "Flow")) };
}
