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
/** @typedef {Replica & {goneAt?: number, perSecond: number, counted?: {at: number, sum: number}, misses: number, hue: number}} Member */
/** @typedef {{partition: number, from?: string, to?: string, idle_ms: number}} Moved */
/** @typedef {{at: string, moved: Moved[], joined: string[], left: string[], draining: string[]}} Entry of the rebalance log */

/** How long a replica that has gone is still shown, in ms. */
const REMEMBERED_MS = 90_000;
/** What the feed told counts for so long against looks that say otherwise, in ms: each may be answered by another replica, whose own look is older. */
const FRESH_MS = 4000;
/** Looks in a row without a replica after which it has gone, where the feed said nothing. */
const MISSES = 3;
/** Time between two looks, in ms: while nobody looks closely, and while somebody does. */
const EVERY_MS = { far: 3000, near: 1000 };
/** Shortest time over which a rate is measured, in s. */
const SHORTEST_S = 0.9;
/** Colours there are for replicas. */
const HUES = 6;

export class Fleet extends EventTarget {
  /** @type {Map<string, Member>} */
  members = new Map();
  /** @type {Map<number, {free: number, from: string}>} partitions that nobody has, since when, and who had them */
  free = new Map();
  /** Most partitions that were ever seen. */
  partitions = 12;
  /** How often it was looked: a rate is measured between two looks. */
  looks = 0;
  /** @type {Map<string, {lives: boolean, at: number}>} what the feed told of replicas */
  #told = new Map();
  /** @type {Map<number, {to: string | undefined, at: number}>} what the feed told of partitions */
  #moved = new Map();
  #near = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #turn = 0;

  /** Looks now, and from now on. */
  start() {
    const turn = ++this.#turn;
    const look = async () => {
      if (!document.hidden) await this.look().catch(() => {});
      if (turn === this.#turn) this.#timer = setTimeout(look, this.#near > 0 ? EVERY_MS.near : EVERY_MS.far);
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
    const before = new Map([...this.members.values()].map(({ replica, outcomes }) => [replica, dead(outcomes)]));
    this.#take(replicas, performance.now());
    this.looks++;
    this.dispatchEvent(new Event("look"));
    // A gap frame goes to those alone who follow its product: that something lies in the dead letters is read here.
    const more = this.alive.reduce((sum, { replica, outcomes }) => sum + Math.max(0, dead(outcomes) - (before.get(replica) ?? dead(outcomes))), 0);
    if (more > 0) this.dispatchEvent(new CustomEvent("letters", { detail: more }));
  }

  /**
   * What the feed tells: who lives, and what moved.
   * @param {{replicas: any[], moved?: any[]}} news
   */
  told({ replicas, moved = [] }) {
    const at = Date.now(), names = new Set(replicas.map(({ replica }) => replica));
    for (const name of new Set([...names, ...this.members.keys()])) {
      if (this.#told.get(name)?.lives !== names.has(name)) this.#told.set(name, { lives: names.has(name), at });
    }
    for (const { partition, from, to } of /** @type {Moved[]} */ (moved)) {
      this.#moved.set(partition, { to, at });
      if (to === undefined) this.free.set(partition, { free: at, from: from ?? "" });
      else this.free.delete(partition);
    }
    this.#take(replicas, undefined);
    this.dispatchEvent(new Event("look"));
    this.dispatchEvent(new Event("moved"));
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
    for (const [partition, { to, at }] of this.#moved) {
      if (Date.now() - at > FRESH_MS) continue;
      const member = to === undefined ? undefined : this.members.get(to);
      if (member === undefined) owners.delete(partition);
      else if (owners.get(partition)?.member !== member) owners.set(partition, { member, lag: undefined });
    }
    return owners;
  }

  /**
   * @param {Replica[]} replicas
   * @param {number | undefined} at when counters were read
   */
  #take(replicas, at) {
    const told = (/** @type {string} */ name) => {
      const last = this.#told.get(name);
      return last !== undefined && Date.now() - last.at < FRESH_MS ? last.lives : undefined;
    };
    const names = new Set(replicas.map(({ replica }) => replica));
    for (const replica of replicas) {
      if (told(replica.replica) === false) continue;
      const held = this.members.get(replica.replica);
      this.members.set(replica.replica, { ...replica, ...speed(held, replica, at), misses: 0, hue: held?.hue ?? hue(replica.replica), goneAt: undefined });
      for (const partition of replica.partitions) this.partitions = Math.max(this.partitions, partition + 1);
    }
    for (const member of this.members.values()) {
      const lives = told(member.replica);
      if (lives === true || (names.has(member.replica) && lives !== false)) continue;
      if (member.goneAt === undefined && lives === undefined && ++member.misses < MISSES) continue;
      if (member.goneAt === undefined) Object.assign(member, { goneAt: Date.now(), partitions: [], perSecond: 0, viewers: 0, lag: 0 });
      else if (Date.now() - member.goneAt > REMEMBERED_MS) this.members.delete(member.replica);
    }
    const owners = this.owners();
    for (const partition of this.free.keys()) if (owners.has(partition)) this.free.delete(partition);
  }
}

/** @param {Outcomes | undefined} outcomes */
function dead(outcomes) {
  return outcomes === undefined ? 0 : outcomes.conflict + outcomes.poison + outcomes.rejected;
}

/**
 * Changes a second between two looks. Beats come once a second, so looks that are close together see the same one.
 * @param {Member | undefined} held
 * @param {Replica} now
 * @param {number | undefined} at
 * @returns {Pick<Member, "perSecond" | "counted">}
 */
function speed(held, { outcomes }, at) {
  const { perSecond = 0, counted } = held ?? {};
  if (at === undefined || outcomes === undefined) return { perSecond, counted };
  const sum = Object.values(outcomes).reduce((all, n) => all + n, 0);
  // A replica that starts again counts from nothing.
  if (counted === undefined || sum < counted.sum) return { perSecond: 0, counted: { at, sum } };
  const seconds = (at - counted.at) / 1000;
  if (seconds < SHORTEST_S) return { perSecond, counted };
  return { perSecond: perSecond === 0 ? (sum - counted.sum) / seconds : perSecond * 0.5 + ((sum - counted.sum) / seconds) * 0.5, counted: { at, sum } };
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
