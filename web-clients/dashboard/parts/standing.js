/** Where the page stands, in a word, at the top: live, stale and why, connecting, closed. */

import { byId, text } from "../dom.js";

/** @param {import("../data/live.js").Live} live */
export function showStanding(live) {
  const element = byId("standing");
  const show = () => {
    const { state, reason, retryInMs } = live.state;
    element.className = `standing ${state}`;
    const soon = retryInMs !== undefined ? ", connecting again" : "";
    text(element, state === "live" ? "live" : `${state}${reason ? `: ${reason}${soon}` : ""}`);
    // there is little room for it
    element.title = element.textContent ?? "";
  };
  live.addEventListener("state", show);
  show();
}
