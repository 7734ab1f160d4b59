/**
 * Partitions × replicas as a map: a row a replica, a chip a partition that lies in the row of its owner, and moves there
 * when it gets another. Partitions that nobody has wait in a row of their own and count how long. Beside the picture
 * stands the same as a table, for screen readers.
 */

import { arrange, fill, h, text } from "../dom.js";
import { ago, count, rate } from "../format.js";

/** Height of a row, px; style/replicas.css has the same. */
const ROW = 64;

export class Board {
  /** @type {Map<number, {chip: HTMLElement, wait: HTMLElement, lag: HTMLElement, owns: HTMLElement, waits: HTMLElement}>} */
  #chips = new Map();
  /** @type {Map<string, {head: HTMLElement, figures: HTMLElement, state: HTMLElement}>} */
  #rows = new Map();
  #heads = h("div", { class: "heads" });
  #lanes = h("div", { class: "lanes", "aria-hidden": "true" });
  #numbers = h("div", { class: "numbers", "aria-hidden": "true" });
  #nobody = h("div", { class: "head nobody" }, h("b", null, "no owner"), h("span", { class: "figures" }, "partitions that wait"));
  #lines = h("tbody");
  #table = h("table", { class: "unseen" }, h("caption", null, "Which replica has which partition"),
    h("thead", null, h("tr", null, ...["Partition", "Owner", "Waiting records"].map((word) => h("th", { scope: "col" }, word)))), this.#lines);
  element = h("div", { class: "board" }, this.#heads, h("div", { class: "field" }, this.#numbers, this.#lanes), this.#table);

  /** @param {import("../data/fleet.js").Fleet} fleet */
  show(fleet) {
    const members = [...fleet.members.values()].sort((a, b) => a.replica.localeCompare(b.replica, undefined, { numeric: true }));
    const owners = fleet.owners();
    this.#showHeads(members, fleet.ownerless > 0);
    const rows = new Map(members.map(({ replica }, at) => [replica, at]));
    const columns = fleet.partitions;
    this.#lanes.style.height = `${(members.length + 1) * ROW}px`;
    this.#lanes.style.setProperty("--columns", String(columns));
    if (this.#numbers.children.length !== columns) fill(this.#numbers, ...Array.from({ length: columns }, (_, n) => h("span", null, n)));
    for (let partition = 0; partition < columns; partition++) {
      const { chip, wait, lag, owns, waits } = this.#chip(partition);
      const owner = owners.get(partition);
      chip.className = `chip ${owner ? `hue${owner.member.hue}` : fleet.looks === 0 ? "" : "free"}${owner?.member.draining ? " draining" : ""}`;
      chip.style.transform = `translateY(${(owner ? rows.get(owner.member.replica) ?? 0 : members.length) * ROW}px)`;
      chip.style.left = `${(partition / columns) * 100}%`;
      const free = fleet.free.get(partition);
      text(wait, owner || free === undefined ? "" : `${((Date.now() - free) / 1000).toFixed(1)} s`);
      text(lag, owner?.lag ? count(owner.lag) : "");
      text(owns, owner?.member.replica ?? (fleet.looks === 0 ? "–" : "nobody"));
      text(waits, owner?.lag ?? "–");
    }
  }

  /**
   * @param {import("../data/fleet.js").Member[]} members
   * @param {boolean} some whether a partition has no owner
   */
  #showHeads(members, some) {
    for (const member of members) {
      const row = this.#rows.get(member.replica) ?? this.#row(member);
      const gone = member.goneAt !== undefined;
      row.head.className = `head hue${member.hue}${gone ? " gone" : ""}${member.draining ? " draining" : ""}`;
      text(row.state, gone ? `gone, noticed ${ago(Date.now() - (member.goneAt ?? 0))}` : member.draining ? "draining" : "");
      text(row.figures, gone ? "" : `${rate(member.perSecond)}/s · ${count(member.viewers)} ${member.viewers === 1 ? "viewer" : "viewers"} · lag ${count(member.lag)}`);
    }
    const names = new Set(members.map(({ replica }) => replica));
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
    this.#nobody.classList.toggle("some", some);
    arrange(this.#heads, [...members.flatMap(({ replica }) => this.#rows.get(replica)?.head ?? []), this.#nobody]);
  }

  /** @param {import("../data/fleet.js").Member} member */
  #row({ replica, addr }) {
    const state = h("span", { class: "state" }), figures = h("span", { class: "figures" });
    const head = h("div", null, h("b", { title: addr }, replica), state, figures);
    const row = { head, figures, state };
    this.#rows.set(replica, row);
    return row;
  }

  /** @param {number} partition */
  #chip(partition) {
    const held = this.#chips.get(partition);
    if (held) return held;
    const wait = h("span", { class: "wait" }), lag = h("span", { class: "lag" });
    const chip = h("div", null, h("b", null, partition), lag, wait);
    this.#lanes.append(chip);
    const owns = h("td"), waits = h("td");
    this.#lines.append(h("tr", null, h("th", { scope: "row" }, partition), owns, waits));
    const made = { chip, wait, lag, owns, waits };
    this.#chips.set(partition, made);
    return made;
  }
}
