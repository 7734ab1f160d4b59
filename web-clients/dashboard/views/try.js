/** What one can do with it: watch elsewhere, read, break it. */

import { fill, h } from "../dom.js";
import { price } from "../format.js";
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

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function tryIt({ catalogue }) {
  const here = location.origin;
  const byHand = h("div");
  /** The command for a product that there is, once there is one. */
  const choose = () => {
    const id = catalogue.list({ search: "", order: "active", pinned: new Set() })[0], product = id && catalogue.items.get(id);
    if (!product) return;
    catalogue.removeEventListener("list", choose);
    fill(byHand, h("p", { class: "note" }, "In the folder where you typed make up:"), copyable(`make change ID=${id} PRICE=499 STOCK=3`, h("span", null, h("a", { href: `#product/${id}` }, product.name),
      ` costs ${price({ price_minor: 499, currency: product.currency })} then, and 3 are left`)));
  };
  catalogue.addEventListener("list", choose);
  choose();
  return {
    title: "Try it",
    close: () => catalogue.removeEventListener("list", choose),
    element: h("div", { class: "try" },
      h("h1", null, "Try it"),
      h("p", { class: "lead" }, "Open this page twice and change a product by hand: both show it before you have let go of the key."),
      byHand,
      h("h2", null, "Watch from a shell"),
      copyable(`node web-clients/echo.js ${here}`, "every change, and the proof that none was missed"),
      copyable(`curl -N ${here}/sse`, "the same without any program of ours"),
      h("h2", null, "Break it"),
      copyable("make scale REPLICAS=3", "three replicas share the partitions"),
      copyable("make kill-replica N=2", "its partitions move, its viewers go on elsewhere and miss nothing"),
      copyable("make up", "bring everything back"),
      copyable("make demo-rebalance", "all of that as a guided tour"),
      h("h2", null, "Read"),
      h("table", { class: "addresses" }, h("tbody", null, ...ADDRESSES.map(([address, purpose]) => h("tr", null,
        h("td", null, address.includes("{") || address === "/ws" || address === "/sse" ? h("code", null, address) : h("a", { href: address }, address)), h("td", null, purpose))))),
      h("h2", null, "In a page of your own"),
      h("pre", { tabindex: 0 }, `const feed = new EventSource("${here}/sse");\nfeed.addEventListener("product_changed", (event) => console.log(JSON.parse(event.data)));`),
      h("p", { class: "note" }, "A page of another origin may connect once the gateway's setting ", h("code", null, "SHELFWIRE_ALLOWED_ORIGINS"), " names that origin.")),
  };
}
