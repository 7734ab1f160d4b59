/** What one can do with it: watch elsewhere, read, break it. */

import { h } from "../dom.js";
import { copyable } from "../parts/copy.js";

/** @type {[string, string][]} */
const ADDRESSES = [
  ["/products?limit=10", "products by id; ?after=&limit="],
  ["/products/{id}", "one product; ?min_version=&wait_ms= waits for a version"],
  ["/products/{id}/changes", "its history, newest first; ?before=&limit="],
  ["/products/{id}/photo", "its photo"],
  ["/products/{id}/total", "its rating; POST /products/{id}/rate?rate=7 rates it"],
  ["/replicas", "which replica has which partitions, and what it does"],
  ["/replicas/log", "which partitions moved"],
  ["/dead-letters", "what could not be read or written"],
  ["/ws", "changes over a WebSocket; ?products=&cursor="],
  ["/sse", "the same as server-sent events"],
  ["/readyz", "whether the replica that answers is ready, and what is away"],
  ["/healthz", "whether it lives"],
  ["/metrics", "figures for Prometheus"],
  ["/docs", "every address, with what it takes and answers"],
];

/** @returns {import("../main.js").View} */
export function tryIt() {
  const here = location.origin;
  return {
    title: "Try it",
    element: h("div", { class: "try" },
      h("h1", null, "Try it"),
      h("p", { class: "lead" }, "Open this page twice and change a product by hand: both show it before you have let go of the key."),
      h("h2", null, "Watch from a shell"),
      copyable(`node web-clients/echo.js ${here}`, "every change, and the proof that none was missed"),
      copyable(`curl -N ${here}/sse`, "the same without any program of ours"),
      h("h2", null, "Break it"),
      copyable("make scale REPLICAS=3", "one more replica joins"),
      copyable("make kill-replica N=2", "its partitions move, its viewers go on elsewhere and miss nothing"),
      copyable("make up", "bring everything back"),
      copyable("make demo-rebalance", "all of that as a guided tour"),
      h("h2", null, "Read"),
      h("table", { class: "addresses" }, h("tbody", null, ...ADDRESSES.map(([address, purpose]) => h("tr", null,
        h("td", null, address.includes("{") || address === "/ws" || address === "/sse" ? h("code", null, address) : h("a", { href: address }, address)), h("td", null, purpose))))),
      h("h2", null, "In a page of your own"),
      h("pre", { tabindex: 0 }, `const feed = new EventSource("${here}/sse");\nfeed.addEventListener("product_changed", (event) => console.log(JSON.parse(event.data)));`)),
  };
}
