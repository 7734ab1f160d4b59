/** One change and its way, stage by stage, as bars on one line of time. */

import { h, text } from "../dom.js";
import { duration, price } from "../format.js";
import { STAGES } from "../data/traces.js";

/** What each stage is to a reader. */
export const STORIES = {
  consumed: ["Kafka", "from the record's timestamp until its replica takes it up"],
  written: ["PostgreSQL", "one transaction with all that came meanwhile; stale versions are skipped"],
  relayed: ["Redis", "put on the stream that every replica reads"],
  sent: ["Replica", "read by the one that serves this page, made into a frame, on its way here"],
  shown: ["Screen", "until this browser's next frame"],
};

export class Follow {
  #title = h("a");
  #what = h("span", { class: "note" });
  #total = h("b", { class: "total" });
  #rows = STAGES.map((stage) => {
    const bar = h("i"), took = h("span", { class: "took" });
    return { bar, took, element: h("li", { class: stage }, h("span", { class: "stage-name" }, STORIES[stage][0] ?? ""), h("span", { class: "track" }, bar), took) };
  });
  element = h("section", { class: "follow sheet" }, h("header", null, h("div", null, h("h2", null, "One change, followed"), h("p", { class: "row" }, this.#title, this.#what)), this.#total),
    h("ol", null, ...this.#rows.map(({ element }) => element)));

  /** @param {import("../data/traces.js").Trace} trace */
  show({ item, ends }) {
    this.#title.setAttribute("href", `#product/${item.product_id}`);
    text(this.#title, item.name);
    text(this.#what, `version ${item.version} · ${price(item)} · ${item.stock} in stock`);
    const total = Math.max(1, ends.at(-1) ?? 1);
    text(this.#total, duration(total));
    this.#rows.forEach(({ bar, took }, at) => {
      const from = ends[at - 1] ?? 0, to = ends[at] ?? from;
      bar.style.setProperty("--from", String(from / total));
      bar.style.setProperty("--to", String(Math.max(to, from) / total));
      text(took, duration(Math.max(0, to - from)));
    });
    this.element.classList.remove("again");
    // Reading the width restarts the animation.
    void this.element.offsetWidth;
    this.element.classList.add("again");
  }
}
