/** Flow: one change followed from Kafka to the screen, how long each stage takes, how much comes through, what is degraded. */

import { STAGES } from "../data/traces.js";
import { fill, h, text } from "../dom.js";
import { count, duration, rate } from "../format.js";
import { paint } from "../paint.js";
import { Follow, STORIES } from "../parts/follow.js";
import { Histogram } from "../parts/histogram.js";
import { Sparkline } from "../parts/sparkline.js";

/** Products that are followed for the figures: those that change most. */
const SAMPLED = 100;
/** One change is shown at least so long, in ms. */
const SHOWN_MS = 2500;
/** Points of the throughput's line, one a second. */
const POINTS = 60;
const TICK_MS = 250;
/** Changes that may wait in Kafka at ordinary times. */
const BEHIND = 1000;

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function flow({ live, catalogue, fleet, traces }) {
  const follow = new Follow();
  const hold = h("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Hold");
  const histograms = STAGES.map((stage) => new Histogram(`${STORIES[stage][0]}`, STORIES[stage][1] ?? ""));
  const [age, slow, through, here, stale] = Array.from({ length: 5 }, () => h("b"));
  if (!age || !slow || !through || !here || !stale) throw new Error("unreachable");
  const line = new Sparkline();
  const faults = h("ul");
  // beside the live region: what runs on would be read out four times a second
  const running = h("p", { class: "running" });
  const degraded = h("div", { class: "degraded" }, h("div", { role: "status" }, faults), running);
  const figure = (/** @type {HTMLElement} */ value, /** @type {string} */ words, /** @type {Node | undefined} */ more = undefined) => h("div", { class: "figure" }, value, h("span", null, words), more);
  const element = h("div", { class: "flow" }, h("h1", null, "Flow"),
    h("p", { class: "lead" }, "A change is produced to Kafka, taken up by the replica that owns its partition, written, relayed to all replicas, and shown here."),
    h("div", { class: "board-of-figures" }, figure(age, "from Kafka to this screen: half of the changes take less"), figure(slow, "99 of 100 take less"), figure(through, "changes a second, all replicas", line.element), figure(here, "came to this page since it was opened"), figure(stale, "since the server's last word")),
    degraded, follow.element, h("h2", null, "How long each stage takes"), h("p", { class: "note" }, "Of the last changes that came to this page; it follows the ", h("span", null, SAMPLED), " products that change most."),
    h("div", { class: "histograms" }, ...histograms.map((histogram) => histogram.element)));
  follow.element.querySelector("header")?.append(hold);

  let held = false, followedAt = -Infinity;
  /** @type {number[]} */
  const points = [];
  hold.addEventListener("click", () => {
    held = !held;
    hold.setAttribute("aria-pressed", String(held));
    text(hold, held ? "Follow on" : "Hold");
  });
  const draw = () => {
    const { kept } = traces;
    STAGES.forEach((_, at) => histograms[at]?.show(kept.map(({ ends }) => Math.max(0, (ends[at] ?? 0) - (ends[at - 1] ?? 0)))));
    const ages = kept.map(({ ends }) => ends.at(-1) ?? 0).sort((a, b) => a - b);
    const part = (/** @type {number} */ share) => ages[Math.min(ages.length - 1, Math.floor(ages.length * share))];
    text(age, ages.length === 0 ? "–" : duration(part(0.5) ?? 0));
    text(slow, ages.length === 0 ? "–" : duration(part(0.99) ?? 0));
    text(here, count(traces.came));
    const last = kept.at(-1);
    if (last && !held && performance.now() - followedAt > SHOWN_MS) {
      followedAt = performance.now();
      follow.show(last);
    }
  };
  const look = () => {
    const { perSecond } = fleet.total;
    if (fleet.problem) return;
    if (perSecond !== undefined) points.push(perSecond);
    points.splice(0, points.length - POINTS);
    text(through, rate(perSecond));
    line.show(points);
  };
  const tick = () => {
    text(stale, live.heardAt === 0 ? "–" : duration(performance.now() - live.heardAt));
    const { lag } = fleet.total, waiting = fleet.ownerless, behind = lag > BEHIND;
    const told = [
      ...live.away.map(({ what }) => `${what} is away: what is shown may be old`),
      ...(live.state.state === "live" || live.away.length > 0 ? [] : [`the connection is ${live.state.state}${live.state.reason ? `: ${live.state.reason}` : ""}`]),
      ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? "partition has" : "partitions have"} no owner: ${waiting === 1 ? "its" : "their"} changes wait`] : []),
      ...(behind ? ["changes wait in Kafka"] : []),
      ...(fleet.problem ? [`the replicas' figures are old: ${fleet.problem}`] : []),
    ];
    text(running, [
      ...live.away.flatMap(({ what, since }) => (since ? [`${what} for ${duration(Date.now() - Date.parse(since))}`] : [])),
      ...(behind ? [`${count(lag)} changes wait`] : []),
    ].join(" · "));
    degraded.classList.toggle("some", told.length > 0);
    const lines = told.length > 0 ? told : fleet.looks === 0 ? [] : ["Nothing is degraded."];
    degraded.hidden = lines.length === 0;
    if (faults.dataset.told === lines.join("\n")) return;
    faults.dataset.told = lines.join("\n");
    fill(faults, ...lines.map((line) => h("li", null, line)));
  };
  const shown = () => paint("flow", draw);
  const sample = () => live.want("flow", catalogue.list({ search: "", order: "active", pinned: new Set() }).slice(0, SAMPLED));
  traces.addEventListener("shown", shown);
  fleet.addEventListener("look", look);
  catalogue.addEventListener("list", sample);
  const far = fleet.near();
  const ticking = setInterval(() => paint("flow tick", tick), TICK_MS);
  sample();
  draw();
  tick();
  return {
    title: "Flow", element,
    close() {
      clearInterval(ticking);
      far();
      live.want("flow", []);
      traces.removeEventListener("shown", shown);
      fleet.removeEventListener("look", look);
      catalogue.removeEventListener("list", sample);
    },
  };
}
