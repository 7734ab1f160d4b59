/**
 * How long changes took, stage by stage, as this page saw them.
 *
 * A frame says when its change was consumed, written and relayed, in ms after the Kafka record's timestamp, and how old
 * it was when its replica encoded it; the way to this page is half of a round trip, and the last stage ends with the
 * animation frame that shows it. All of the last changes are kept, so many and no more. A hidden tab has no animation
 * frames and shows nothing: what comes there is counted, and has no trace.
 */

/** @typedef {import("./catalogue.js").Item} Item */
/** @typedef {{item: Item, age_ms?: number, path_ms?: number[], arrivedAt: number}} Arrival */
/** @typedef {{item: Item, ends: number[]}} Trace `ends`: when each stage ended, in ms after the record's timestamp */

/** The stages, in order: each ends where the next begins. */
export const STAGES = /** @type {const} */ (["consumed", "written", "relayed", "sent", "shown"]);
/** Traces kept. */
export const KEPT = 600;
/** Half a round trip is measured so often, in ms. */
const MEASURE_MS = 10_000;

export class Traces extends EventTarget {
  /** @type {Trace[]} oldest first */
  kept = [];
  /** Changes that came since the page was opened. */
  came = 0;
  /** Half of a round trip to the server, in ms. */
  way = 1;
  /** @type {Arrival[]} */
  #arrived = [];
  #asked = false;

  constructor() {
    super();
    this.#measure();
    setInterval(() => this.#measure(), MEASURE_MS);
    // What waits for a frame now would wait until somebody looks again, however long that is.
    document.addEventListener("visibilitychange", () => document.hidden && this.#arrived.splice(0));
  }

  /** @param {Arrival} arrival */
  take(arrival) {
    this.came++;
    if (document.hidden) return;
    this.#arrived.push(arrival);
    if (this.#arrived.length > KEPT) this.#arrived.shift();
    if (this.#asked) return;
    this.#asked = true;
    // The second frame begins when the first one, which draws the change, is on its way to the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => this.#show()));
  }

  /** @returns {number | undefined} the median age of what was shown lately */
  get age() {
    const ages = this.kept.slice(-50).map(({ ends }) => ends.at(-1) ?? 0).sort((a, b) => a - b);
    return ages[Math.floor(ages.length / 2)];
  }

  #show() {
    this.#asked = false;
    const now = performance.now();
    /** @type {Trace[]} */
    const fresh = [];
    for (const { item, age_ms, path_ms, arrivedAt } of this.#arrived.splice(0)) {
      if (age_ms === undefined || path_ms?.length !== 3) continue;
      const sent = age_ms + this.way;
      fresh.push({ item, ends: [...path_ms, sent, sent + now - arrivedAt] });
    }
    this.kept.push(...fresh);
    this.kept.splice(0, this.kept.length - KEPT);
    this.dispatchEvent(new CustomEvent("shown", { detail: fresh }));
  }

  async #measure() {
    if (document.hidden) return;
    const started = performance.now();
    const answer = await fetch("healthz", { cache: "no-store" }).catch(() => undefined);
    if (answer?.ok) this.way = Math.min(this.way * 2 + 1, (performance.now() - started) / 2);
  }
}
