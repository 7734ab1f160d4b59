/** A command that one can copy by a click. */

import { h } from "../dom.js";
import { say } from "./toast.js";

/**
 * @param {string} command
 * @param {import("../dom.js").Child} [purpose]
 */
export function copyable(command, purpose = "") {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      say("Copied");
    } catch {
      say("The browser does not let this page copy: mark the text instead", "bad");
    }
  };
  return h("div", { class: "command" }, h("code", null, command),
    h("button", { type: "button", class: "quiet", "aria-label": `Copy ${command}`, on: { click: copy } }, "Copy"),
    purpose && h("span", { class: "purpose" }, purpose));
}
