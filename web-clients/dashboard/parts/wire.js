/** The strip below the head: the five stations of a change with their figures, and a pulse for each that comes through. */

import { byId, calm, text } from "../dom.js";
import { compact, count, duration, rate } from "../format.js";
import { paint } from "../paint.js";

/** A pulse runs so long over one piece of wire, in ms; at most so many run at once. */
const PULSE_MS = 350, MOST = 6;

/** @param {import("../main.js").World} world */
export function showWire({ fleet, traces }) {
  const links = [...byId("wire").querySelectorAll(".link")];
  let running = 0;
  const figures = () => {
    const { perSecond, lag, written } = fleet.total;
    byId("wire").classList.toggle("old", fleet.problem !== "");
    text(byId("wire-rate"), perSecond !== undefined && perSecond > 0 && perSecond < 0.1 ? "<0.1" : rate(perSecond));
    text(byId("wire-lag"), compact(lag));
    text(byId("wire-partitions"), fleet.partitions);
    text(byId("wire-replicas"), count(fleet.alive.length));
    text(byId("wire-written"), compact(written));
    text(byId("wire-age"), traces.age === undefined ? "–" : duration(traces.age));
  };
  fleet.addEventListener("look", () => paint("wire", figures));
  traces.addEventListener("shown", () => {
    paint("wire", figures);
    if (running >= MOST || calm() || document.hidden) return;
    running++;
    const last = links.map((link, at) => pulse(link, at * PULSE_MS)).at(-1);
    last?.finished.catch(() => {}).finally(() => running--);
  });
}

/**
 * @param {Element} link
 * @param {number} delay
 */
function pulse(link, delay) {
  const dot = document.createElement("i");
  link.append(dot);
  const animation = dot.animate([{ transform: "none", opacity: 0 }, { opacity: 1, offset: 0.2 }, { opacity: 1, offset: 0.8 }, { transform: "translateX(100%)", opacity: 0 }],
    { duration: PULSE_MS, delay, easing: "linear", fill: "both" });
  animation.finished.catch(() => {}).finally(() => dot.remove());
  return animation;
}
