/**
 * The proof, always in the corner: what came, over which line, and that nothing was missed. Opened, it lets one cut the
 * line and see who answers and what was resumed, and change the transport on the way.
 */

import { fill, h, text } from "../dom.js";
import { count, duration, time } from "../format.js";
import { paint } from "../paint.js";

/** The line stays cut so long, in ms: long enough for changes to come meanwhile. */
const CUT_MS = 1500;
/** Cuts that are remembered. */
const CUTS = 4;

export class ProofDock {
  #live;
  #mark = h("b", { class: "mark" });
  #line = h("span", { class: "line" });
  #values = new Map(["Replica", "Frames", "Missed", "Resumed", "Repeats dropped", "Resets", "Following", "Cursor"].map((name) => [name, h("dd")]));
  #cuts = h("ol", { class: "cuts" });
  /** What was missed since the last cut, in its line, and what was missed before. */
  #since = { element: h("span"), missed: 0 };
  #cut = h("button", { type: "button", class: "cut", on: { click: () => this.#cutNow() } }, "Cut the connection");
  #transports = ["ws", "sse"].map((name) => h("button", {
    type: "button", "data-transport": name, on: { click: () => this.#use(/** @type {"ws" | "sse"} */ (name)) },
  }, name === "ws" ? "WebSocket" : "SSE"));
  element;

  /** @param {import("../data/live.js").Live} live */
  constructor(live) {
    this.#live = live;
    const details = h("details", null,
      h("summary", null, this.#mark, this.#line),
      h("div", { class: "inside" },
        h("p", { class: "why" }, "Each frame carries its product's version and the range that it stands for. So this page knows when one is missing."),
        h("div", { class: "switch", role: "group", "aria-label": "Transport" }, ...this.#transports),
        h("dl", null, ...[...this.#values].flatMap(([name, dd]) => [h("dt", null, name), dd])),
        this.#cut, this.#cuts));
    this.element = details;
    details.open = localStorage.getItem("proof") === "open";
    details.addEventListener("toggle", () => localStorage.setItem("proof", details.open ? "open" : "shut"));
    const show = () => paint(this, () => this.#show());
    for (const type of ["change", "open", "state", "snapshot", "scope"]) live.addEventListener(type, show);
    live.addEventListener("open", () => this.#opened());
    this.#show();
  }

  #show() {
    const { frames, missed, regressions, duplicates, resets, resumes, holds } = this.#live.proof;
    const { following, state: { state } } = this.#live;
    this.element.className = holds ? state : "broken";
    text(this.#mark, holds ? "✓" : "✗");
    const over = this.#live.transport === "ws" ? "WS" : "SSE";
    text(this.#line, `${over} · ${this.#live.replica || "…"} · missed ${count(missed)}${regressions > 0 ? ` · went back ${count(regressions)}` : ""}`);
    const values = [this.#live.replica || "–", count(frames), count(missed), `${count(resumes)} ${resumes === 1 ? "time" : "times"}`,
      count(duplicates), count(resets), `${count(following)} ${following === 1 ? "product" : "products"}`, this.#live.cursor ?? "–"];
    [...this.#values.values()].forEach((dd, at) => text(dd, values[at] ?? ""));
    for (const button of this.#transports) button.setAttribute("aria-pressed", String(button.dataset.transport === this.#live.transport));
    this.#cut.disabled = state !== "live";
    // What is resumed comes after the answer: the line goes on counting until the next cut.
    text(this.#since.element, `missed ${count(missed - this.#since.missed)}`);
  }

  #cutNow() {
    this.#live.cut(CUT_MS);
    this.#since = { element: h("span"), missed: this.#live.proof.missed };
    this.#cuts.prepend(h("li", null, `${time(Date.now())} cut …`));
    while (this.#cuts.children.length > CUTS) this.#cuts.lastElementChild?.remove();
  }

  #opened() {
    const { cutting } = this.#live;
    const item = this.#cuts.firstElementChild;
    if (!cutting?.replica || !item || item.classList.contains("done")) return;
    item.classList.add("done");
    const taken = cutting.resumed ? `resumed${cutting.entries === undefined ? "" : `, ${count(cutting.entries)} relay entries caught up`}` : "a new snapshot";
    fill(item, `${time(cutting.cutAt)} cut · after ${duration(cutting.ms ?? 0)} `, h("b", null, cutting.replica), ` answered: ${taken} · `, this.#since.element);
  }

  /** @param {"ws" | "sse"} transport */
  #use(transport) {
    sessionStorage.setItem("transport", transport);
    this.#live.use(transport);
    paint(this, () => this.#show());
  }
}
