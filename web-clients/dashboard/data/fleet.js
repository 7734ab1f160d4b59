/**
 * The replicas as they are now, and what each does a second.
 *
 * `/replicas` is asked now and then (every second while somebody looks closely), and `replicas_changed` brings moves at
 * once. A replica that has gone is kept for a while, so that one sees where its partitions went.
 *
 * Whichever replica answers knows itself as it is now, and the others as they were up to two seconds ago. So what is held
 * of a replica never goes back to an older state, and a rate is measured over many times that.
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
/** @typedef {{at: number, sum: number}} Sample all outcomes together, and when they were read, in ms */
/** @typedef {Replica & {goneAt?: number, perSecond: number | undefined, samples: Sample[], misses: number, hue: number}} Member `perSecond`: undefined until it was seen long enough */
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
/** A state that is older than the one that is held is no news for so long, in ms: what a replica knows of another is younger. After that the other's clock or counters began anew. */
const OLD_MS = 6000;
/** Over how long a rate is measured, in ms: what was counted when is known to two seconds. */
const MEASURED_MS = { least: 5000, most: 10_000 };
/** Colours there are for replicas. */
const HUES = 6;

export class Fleet extends EventTarget {
  /** @type {Map<string, Member>} */
  members = new Map();
  /** @type {Map<number, number>} since when nobody has a partition, where the feed told it */
  free = new Map();
  /** Most partitions that were ever seen. */
  partitions = 12;
  /** How often it was looked: before the first time nothing is known. */
  looks = 0;
  /** Why the last look found nothing; the figures are older ones then. */
  problem = "";
  /** Changes that all replicas wrote since they started, those that have gone included: it never goes back. */
  #written = 0;
  /** @type {Map<string, number>} what each replica last said that it wrote */
  #wrote = new Map();
  /** @type {Map<string, number>} dead letters of each replica that were announced, or were there when it was first seen */
  #announced = new Map();
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
      if (!document.hidden) await this.look();
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
    const answer = await ask("replicas").catch((error) => String(error.message));
    const complete = answer.complete !== false;
    this.problem = typeof answer === "string" ? answer : complete ? "" : "replicas do not see each other without Redis";
    if (typeof answer !== "string") this.#take(answer.replicas, performance.now(), { asked: true, complete });
    if (this.problem === "") this.looks++;
    this.dispatchEvent(new Event("look"));
    this.#announce();
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
    for (const { partition, to, idle_ms } of /** @type {Moved[]} */ (moved)) {
      this.#moved.set(partition, { to, at });
      // Whoever was killed has done nothing since its last beat: the wait began before it was told.
      if (to === undefined) this.free.set(partition, at - idle_ms);
      else this.free.delete(partition);
    }
    this.#take(replicas, performance.now(), { asked: false, complete: true });
    this.dispatchEvent(new Event("look"));
    this.dispatchEvent(new Event("moved"));
    this.#announce();
  }

  /** @returns {Member[]} those that live */
  get alive() {
    return [...this.members.values()].filter((member) => member.goneAt === undefined);
  }

  /** How many partitions nobody has. */
  get ownerless() {
    return this.looks === 0 ? 0 : this.partitions - this.owners().size;
  }

  /** All replicas together. */
  get total() {
    const alive = this.alive;
    const sum = (/** @type {(member: Member) => number} */ of) => alive.reduce((all, member) => all + of(member), 0);
    const measured = alive.some((m) => m.perSecond !== undefined);
    return { perSecond: measured ? sum((m) => m.perSecond ?? 0) : undefined, lag: sum((m) => m.lag), written: this.#written };
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

  /** @param {Replica} replica one that started again counts from nothing */
  #count({ replica, outcomes }) {
    const now = outcomes?.new ?? 0, before = this.#wrote.get(replica) ?? 0;
    this.#written += now < before ? now : now - before;
    this.#wrote.set(replica, now);
  }

  /** A gap frame goes to those alone who follow its product: that something lies in the dead letters is read off the counters. */
  #announce() {
    let more = 0;
    for (const { replica, outcomes } of this.alive) {
      if (outcomes === undefined) continue;
      const now = dead(outcomes);
      more += Math.max(0, now - (this.#announced.get(replica) ?? now));
      this.#announced.set(replica, now);
    }
    if (more > 0) this.dispatchEvent(new CustomEvent("letters", { detail: more }));
  }

  /**
   * @param {Replica[]} replicas
   * @param {number} at when they came, by `performance.now()`
   * @param {{asked: boolean, complete: boolean}} how `asked`: an answer of this moment, where what the feed brings may have lain in its stream;
   *   `complete`: who is not named has gone
   */
  #take(replicas, at, { asked, complete }) {
    const told = (/** @type {string} */ name) => {
      const last = this.#told.get(name);
      return last !== undefined && Date.now() - last.at < FRESH_MS ? last.lives : undefined;
    };
    const names = new Set(replicas.map(({ replica }) => replica));
    for (const replica of replicas) {
      if (told(replica.replica) === false) continue;
      const held = this.members.get(replica.replica);
      if (held && isOlder(replica, held) && !(asked && at - (held.samples.at(-1)?.at ?? at) > OLD_MS)) {
        if (held.goneAt === undefined) held.misses = 0;
        continue;
      }
      if (held && counted(replica) < counted(held)) this.#announced.set(replica.replica, 0);
      this.#count(replica);
      this.members.set(replica.replica, { ...replica, ...speed(held, replica, at), misses: 0, hue: held?.hue ?? hue(replica.replica), goneAt: undefined });
      for (const partition of replica.partitions) this.partitions = Math.max(this.partitions, partition + 1);
    }
    for (const member of complete ? this.members.values() : []) {
      const lives = told(member.replica);
      if (lives === true || (names.has(member.replica) && lives !== false)) continue;
      if (member.goneAt === undefined && lives === undefined && ++member.misses < MISSES) continue;
      if (member.goneAt === undefined) Object.assign(member, { goneAt: Date.now(), partitions: [], perSecond: 0, viewers: 0, lag: 0 });
      else if (Date.now() - member.goneAt > REMEMBERED_MS) {
        this.members.delete(member.replica);
        this.#announced.delete(member.replica);
      }
    }
    const owners = this.owners();
    for (const partition of this.free.keys()) if (owners.has(partition)) this.free.delete(partition);
  }
}

/** @param {Outcomes} outcomes */
function dead({ conflict, poison, rejected }) {
  return conflict + poison + rejected;
}

/** @param {Replica} replica all that it read since it started */
function counted({ outcomes }) {
  return Object.values(outcomes ?? {}).reduce((all, n) => all + n, 0);
}

/**
 * Whether `now` is a state from before `held`: while a replica runs, neither its counters nor the time of its last
 * rebalance go back. One that started again has the later time.
 * @param {Replica} now
 * @param {Member} held
 */
function isOlder(now, held) {
  const [since, before] = [Date.parse(now.since), Date.parse(held.since)];
  return since < before || (since === before && counted(now) < counted(held));
}

/**
 * Changes a second, from the first to the last of the samples that are young enough.
 * @param {Member | undefined} held
 * @param {Replica} now
 * @param {number} at
 * @returns {Pick<Member, "perSecond" | "samples">}
 */
function speed(held, now, at) {
  const last = { at, sum: counted(now) };
  // A replica that starts again counts from nothing.
  if (held === undefined || held.goneAt !== undefined || last.sum < counted(held)) return { perSecond: undefined, samples: [last] };
  const samples = [...held.samples, last];
  while (samples.length > 2 && at - (samples[0]?.at ?? at) > MEASURED_MS.most) samples.shift();
  const first = samples[0] ?? last, ms = at - first.at;
  return { perSecond: ms < MEASURED_MS.least ? held.perSecond : (last.sum - first.sum) / (ms / 1000), samples };
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
