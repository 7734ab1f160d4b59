/** The replicas: who has which partitions, how they move, and what each replica does. */

import { ask } from "../data/api.js";
import { arrange, fill, h, text } from "../dom.js";
import { compact, count, duration, rate, time } from "../format.js";
import { paint } from "../paint.js";
import { Board } from "../parts/board.js";
import { copyable } from "../parts/copy.js";
import { say } from "../parts/toast.js";
import { tokenField } from "../parts/token.js";

/** @typedef {import("../data/fleet.js").Entry} Entry */
/** @typedef {import("../data/fleet.js").Moved} Moved */

/** Waits are counted so often, in ms. */
const TICK_MS = 100;
/** Lines of the log. */
const SHOWN = 60;
const OUTCOMES = /** @type {const} */ (["new", "stale", "replay", "conflict", "poison", "rejected"]);

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function replicas({ fleet, admin }) {
  const board = new Board();
  const rows = h("tbody");
  const log = h("ol", { class: "moves", tabindex: 0, "aria-label": "What moved" });
  const summary = h("p", { class: "told", role: "status" });
  const hints = h("div", { class: "hints" });
  const element = h("div", { class: "replicas" },
    h("h1", null, "Replicas"),
    h("p", { class: "lead" }, "Kafka holds the changes in partitions. The replicas share them; when one comes, leaves or dies, the others take over where it stopped."),
    board.element, summary,
    h("section", { class: "pair" },
      h("div", null, h("h2", null, "What moved"), log),
      h("div", null, h("h2", null, "Try it"), hints)),
    h("h2", null, "What each replica does"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures of each replica" }, h("table", { class: "figures" },
      h("thead", null, h("tr", null, ...["Replica", "Partitions", "Changes/s", "Lag", "Viewers", "New", "Stale", "Replay", "Conflict", "Poison", "Rejected", "Rebalances", "Partitions since", ""].map((word) => h("th", { scope: "col" }, word)))), rows)),
    tokenField(admin));

  /** @type {Entry[]} newest first */
  let entries = [];
  let unread = "The log is being read …", failed = false, turn = 0;
  /** @type {Map<string, Row>} they stay: a button that is made anew has neither focus nor click */
  const made = new Map();
  const draw = () => {
    board.show(fleet);
    for (const name of made.keys()) if (!fleet.members.has(name)) made.delete(name);
    arrange(rows, [...fleet.members.values()].sort((a, b) => a.replica.localeCompare(b.replica, undefined, { numeric: true })).map((member) => {
      const row = made.get(member.replica) ?? new Row(member, admin);
      made.set(member.replica, row);
      row.show(member);
      return row.element;
    }));
    const waiting = fleet.ownerless;
    text(summary, fleet.problem ? `These figures are old: ${fleet.problem}.` : fleet.looks === 0 ? "" : waiting === 0 ? `All ${fleet.partitions} partitions have an owner.` : `${waiting} of ${fleet.partitions} partitions wait for an owner.`);
    const alive = fleet.alive.length, gone = [...fleet.members.values()].some((member) => member.goneAt !== undefined);
    const wanted = `${alive} ${gone}`;
    if (hints.dataset.for === wanted) return;
    hints.dataset.for = wanted;
    const last = fleet.alive.map(({ replica }) => /(\d+)$/.exec(replica)?.[1]).filter(Boolean).sort().at(-1);
    fill(hints, copyable(`make scale REPLICAS=${Math.min(6, alive + 1)}`, "one more joins"),
      last && alive > 1 && copyable(`make kill-replica N=${last}`, "SIGKILL: the others have its partitions after six seconds or a little more"),
      gone && copyable("make up", "bring back what is gone"),
      h("p", { class: "note" }, "In the folder where you typed make up. Draining one below needs the admin token."));
  };
  const drawLog = () => fill(log, ...(entries.length === 0 ? [h("li", { class: "empty" }, unread || "Nothing moved yet.")] : entries.map(entry)));
  const look = () => {
    paint("replicas", draw);
    // nothing may move for long: what could not be read is not waited for
    if (failed) moved();
  };
  const moved = async () => {
    const mine = ++turn;
    failed = false;
    try {
      const answer = await ask(`replicas/log?limit=${SHOWN}`);
      // another was asked for meanwhile, and has what moved since
      if (mine !== turn) return;
      // one that started anew so quickly that nobody saw it leave is an entry without words
      entries = answer.entries.filter((/** @type {Entry} */ { moved, joined, left, draining }) => moved.length + joined.length + left.length + draining.length > 0);
      unread = "";
    } catch (error) {
      if (mine !== turn) return;
      failed = true;
      unread = `The log can't be read now: ${error instanceof Error ? error.message : error}`;
    }
    paint("moves", drawLog);
  };
  fleet.addEventListener("look", look);
  fleet.addEventListener("moved", moved);
  admin.addEventListener("token", look);
  const far = fleet.near();
  const ticking = setInterval(() => {
    if (fleet.free.size > 0 || fleet.members.size > fleet.alive.length) paint("waits", () => board.show(fleet));
  }, TICK_MS);
  draw();
  drawLog();
  moved();
  return {
    title: "Replicas", element,
    close() {
      clearInterval(ticking);
      far();
      fleet.removeEventListener("look", look);
      fleet.removeEventListener("moved", moved);
      admin.removeEventListener("token", look);
    },
  };
}

/** What one replica does, as a row of the table, and the button that sends it away. */
class Row {
  #admin;
  #name;
  #partitions = h("td");
  #perSecond = h("td", { class: "n" });
  #numbers = Array.from({ length: OUTCOMES.length + 3 }, () => h("td", { class: "n" }));
  #since = h("td");
  #drain = h("button", { type: "button", class: "quiet", on: { click: () => this.#ask() } });
  element;

  /**
   * @param {import("../data/fleet.js").Member} member
   * @param {import("../data/admin.js").Admin} admin
   */
  constructor({ replica, hue }, admin) {
    this.#admin = admin;
    this.#name = replica;
    this.element = h("tr", null, h("th", { scope: "row" }, h("i", { class: `dot hue${hue}` }), replica), this.#partitions, this.#perSecond, ...this.#numbers, this.#since, h("td", null, this.#drain));
  }

  /** @param {import("../data/fleet.js").Member} member */
  show({ goneAt, draining, partitions, perSecond, lag, viewers, outcomes, rebalances, since }) {
    const gone = goneAt !== undefined;
    this.element.className = gone ? "gone" : "";
    text(this.#partitions, gone ? "gone" : partitions.join(" ") || "none");
    text(this.#perSecond, rate(perSecond));
    [lag, viewers, ...OUTCOMES.map((name) => outcomes?.[name]), rebalances].forEach((n, at) => {
      const cell = this.#numbers[at];
      if (!cell) return;
      cell.title = n === undefined ? "" : count(n);
      text(cell, n === undefined ? "–" : compact(n));
    });
    text(this.#since, time(Date.parse(since)));
    this.#drain.hidden = gone;
    this.#drain.disabled = draining || !this.#admin.token;
    this.#drain.title = this.#admin.token ? "" : "needs the admin token";
    text(this.#drain, draining ? "draining …" : "Drain");
  }

  async #ask() {
    try {
      await ask(`replicas/${encodeURIComponent(this.#name)}/drain`, { method: "POST", token: this.#admin.token });
      say(`${this.#name} is asked to drain: its viewers go elsewhere, its partitions too, then it ends`);
    } catch (error) {
      say(`Not drained: ${error instanceof Error ? error.message : error}`, "bad");
    }
  }
}

/** @param {Entry} entry */
function entry({ at, moved, joined, left, draining }) {
  /** @type {Map<string, {from?: string, to?: string, partitions: number[], idle: number}>} */
  const groups = new Map();
  for (const { partition, from, to, idle_ms } of moved) {
    const key = `${from}→${to}`;
    const group = groups.get(key) ?? { from, to, partitions: [], idle: 0 };
    group.partitions.push(partition);
    group.idle = Math.max(group.idle, idle_ms);
    groups.set(key, group);
  }
  return h("li", null, h("time", { datetime: at }, time(Date.parse(at))),
    h("div", null,
      joined.length > 0 && h("p", { class: "joined" }, `${joined.join(", ")} joined`),
      draining.length > 0 && h("p", { class: "left" }, `${draining.join(", ")} ${draining.length === 1 ? "drains" : "drain"}`),
      left.length > 0 && h("p", { class: "left" }, `${left.join(", ")} left`),
      ...[...groups.values()].map(({ from, to, partitions, idle }) => h("p", null,
        h("b", null, from ?? "nobody"), " → ", h("b", { class: to ? "" : "free" }, to ?? "no owner"), "  ",
        h("span", { class: "parts" }, ...partitions.map((partition) => h("i", null, partition))),
        to && from && h("span", { class: "idle" }, idle < 1 ? "at once" : `${duration(idle)} without an owner`)))));
}
