/**
 * The replicas as they are now, and what each does a second.
 *
 * `/replicas` is asked now and then (every second while somebody looks closely), and `replicas_changed` brings moves at
 * once. A replica that has gone is kept for a while, so that one sees where its partitions went.
 */

import { ask } from "./api.js";

/** @typedef {{new: number, stale: number, replay: number, conflict: number, poison: number, rejected: number}} Outcomes */
/**
 * @typedef {object} Replica
 * @property {string} replica
 * @property {string} addr
 * @property {number[]} partitions
 * @property {number[]} [lags] of its partitions, in their order
 * @property {number} lag
 * @property {number} viewers
 * @property {number} rebalances
 * @property {string} since
 * @property {boolean} draining
 * @property {Outcomes} [outcomes] since it started
 */
/** @typedef {Replica & {goneAt?: number, perSecond: number, hue: number}} Member */
/** @typedef {{partition: number, from?: string, to?: string, idle_ms: number}} Moved */
/** @typedef {{at: string, moved: Moved[], joined?: string[], left?: string[]}} Entry of the rebalance log */

/** How long a replica that has gone is still shown, in ms. */
const REMEMBERED_MS = 90_000;
/** Time between two looks, in ms: while nobody looks closely, and while somebody does. */
const EVERY_MS = { far: 3000, near: 1000 };
/** Colours there are for replicas. */
const HUES = 6;

export class Fleet extends EventTarget {
  /** @type {Map<string, Member>} */
  members = new Map();
  /** @type {Map<number, {free: number, from: string}>} partitions that nobody has, since when, and who had them */
  free = new Map();
  /** Most partitions that were ever seen. */
  partitions = 12;
  #near = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #lookedAt = 0;

  start() {
    const look = async () => {
      if (!document.hidden) await this.look().catch(() => {});
      this.#timer = setTimeout(look, this.#near > 0 ? EVERY_MS.near : EVERY_MS.far);
    };
    clearTimeout(this.#timer);
    look();
  }

  /** Looks every second until the returned function is called. */
  near() {
    this.#near++;
    this.start();
    let done = false;
    return () => {
      if (!done) this.#near--;
      done = true;
    };
  }

  async look() {
    const { replicas } = await ask("replicas");
    this.#take(replicas, performance.now());
    this.dispatchEvent(new Event("look"));
  }

  /**
   * What the feed tells: who lives, and what moved.
   * @param {{replicas: any[], moved?: any[]}} news
   */
  told({ replicas, moved = [] }) {
    this.#take(replicas, undefined);
    for (const { partition, from, to } of /** @type {Moved[]} */ (moved)) {
      if (to === undefined) this.free.set(partition, { free: Date.now(), from: from ?? "" });
      else this.free.delete(partition);
    }
    this.dispatchEvent(new Event("look"));
    if (moved.length > 0) this.dispatchEvent(new CustomEvent("moved", { detail: moved }));
  }

  /** @returns {Member[]} those that live */
  get alive() {
    return [...this.members.values()].filter((member) => member.goneAt === undefined);
  }

  /** All replicas together. */
  get total() {
    const alive = this.alive;
    const sum = (/** @type {(member: Member) => number} */ of) => alive.reduce((all, member) => all + of(member), 0);
    return { perSecond: sum((m) => m.perSecond), lag: sum((m) => m.lag), viewers: sum((m) => m.viewers), written: sum((m) => m.outcomes?.new ?? 0) };
  }

  /** @returns {Map<number, {member: Member, lag: number | undefined}>} who has which partition */
  owners() {
    /** @type {Map<number, {member: Member, lag: number | undefined}>} */
    const owners = new Map();
    for (const member of this.alive) {
      member.partitions.forEach((partition, at) => {
        const held = owners.get(partition);
        if (held === undefined || member.since > held.member.since) owners.set(partition, { member, lag: member.lags?.[at] });
      });
    }
    return owners;
  }

  /**
   * @param {Replica[]} replicas
   * @param {number | undefined} at when counters were read
   */
  #take(replicas, at) {
    const names = new Set(replicas.map(({ replica }) => replica));
    const seconds = at === undefined ? 0 : (at - this.#lookedAt) / 1000;
    for (const replica of replicas) {
      const held = this.members.get(replica.replica);
      const before = held?.outcomes, now = replica.outcomes;
      const counted = before && now && seconds > 0 ? Math.max(0, done(now) - done(before)) / seconds : 0;
      // Beats come once a second, so two looks may see one: the rate is smoothed.
      const perSecond = at === undefined ? held?.perSecond ?? 0 : held === undefined || before === undefined ? 0 : held.perSecond * 0.5 + counted * 0.5;
      const counters = at === undefined && held ? { outcomes: held.outcomes } : {};
      this.members.set(replica.replica, { ...replica, ...counters, perSecond, hue: held?.hue ?? hue(replica.replica), goneAt: undefined });
      for (const partition of replica.partitions) this.partitions = Math.max(this.partitions, partition + 1);
    }
    if (at !== undefined) this.#lookedAt = at;
    for (const member of this.members.values()) {
      if (names.has(member.replica)) continue;
      if (member.goneAt === undefined) Object.assign(member, { goneAt: Date.now(), partitions: [], perSecond: 0, viewers: 0, lag: 0 });
      else if (Date.now() - member.goneAt > REMEMBERED_MS) this.members.delete(member.replica);
    }
    const owners = this.owners();
    for (const partition of this.free.keys()) if (owners.has(partition)) this.free.delete(partition);
  }
}

/** @param {Outcomes} outcomes */
function done(outcomes) {
  return Object.values(outcomes).reduce((sum, n) => sum + n, 0);
}

/**
 * The same replica has the same colour on every page: its number where its name has one.
 * @param {string} name
 */
function hue(name) {
  const number = Number(/(\d+)$/.exec(name)?.[1]);
  const place = Number.isFinite(number) && number > 0 ? number - 1 : [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0);
  return place % HUES;
}
