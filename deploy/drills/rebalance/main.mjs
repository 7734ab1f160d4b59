/**
 * `make demo-rebalance`: replicas come, are killed, come back and drain, while viewers watch; after each step it draws
 * the map of partitions, and at the end it tells what the viewers' checkers say. Exit code 1 when a viewer missed
 * something.
 *
 *   node --experimental-websocket deploy/drills/rebalance/main.mjs STACK.SH
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Fleet } from "./fleet.mjs";
import { draw, settled } from "./map.mjs";

/** Viewers of the fleet, half of them over SSE. */
const VIEWERS = 12;
/** A step must be over within this, in ms: a killed replica's partitions alone stand still for 6 s. */
const PATIENCE_MS = 90_000;
/** So long the map is looked at after each step, in ms: the fleet must see changes with it. */
const WATCHED_MS = 3000;

const stack = process.argv[2] ?? "deploy/native/stack.sh";
const run = process.env.RUN || ".run";

/** What the running stack was started with. */
function settings() {
  const file = [`${run}/settings`, `${run}/compose.env`].find(existsSync);
  const lines = file === undefined ? "" : readFileSync(file, "utf8");
  const port = /^PORT\s*=?\s*(\d+)/m.exec(lines)?.[1] ?? process.env.PORT ?? "8080";
  return { base: `http://localhost:${port}`, token: readFileSync(`${run}/admin-token`, "utf8").trim() };
}

/**
 * @param {string[]} words
 * @param {{quiet?: boolean, env?: Record<string, string>}} [how]
 */
async function tell(words, { quiet = true, env = {} } = {}) {
  const child = spawn(stack, words, { stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"], env: { ...process.env, ...env } });
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${stack} ${words.join(" ")} ended with ${code}`);
}

/** @param {string} url @param {RequestInit} [init] */
async function ask(url, init) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000), ...init });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}

/**
 * @template T
 * @param {string} what
 * @param {() => Promise<T | undefined | false>} look
 * @returns {Promise<T>}
 */
async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    // The balancer may have nobody to ask for a moment.
    const found = await look().catch(() => undefined);
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(200);
  }
}

/** Every product's version, as it is stored now. @param {string} base */
async function stored(base) {
  /** @type {Map<string, number>} */
  const versions = new Map();
  for (let after = ""; ;) {
    const { products, next } = await ask(`${base}/products?limit=1000${after}`);
    for (const { product_id, version } of products) versions.set(product_id, version);
    if (!next) return versions;
    after = `&after=${next}`;
  }
}

const sum = (/** @type {Map<string, number>} */ versions) => [...versions.values()].reduce((all, version) => all + version, 0);

async function main() {
  const fresh = !existsSync(`${run}/settings`) && !existsSync(`${run}/compose.env`);
  await tell(["up", "-d"], { quiet: !fresh, env: { REPLICAS: "1" } });
  const { base, token } = settings();
  console.log(`\nWatch it: ${base}/#replicas\n`);
  const replicas = async () => (await ask(`${base}/replicas`)).replicas;
  const quiet = (/** @type {number} */ count) => until(`${count} replicas share the partitions`, async () => {
    const now = await replicas();
    return now.length === count && settled(now) && now;
  });
  let before = await quiet(1);
  console.log(draw(before, before));
  const fleet = new Fleet(base, VIEWERS);
  await until("the viewers are live", async () => fleet.live);
  const start = await until("the products are told", () => stored(base));

  /** @type {{title: string, unowned: number, pause: number}[]} */
  const steps = [];
  const step = async (/** @type {string} */ title, /** @type {number} */ count, /** @type {() => Promise<unknown>} */ act) => {
    fleet.mark();
    const since = Date.now();
    console.log(`${title} …`);
    await act();
    const now = await quiet(count);
    const took = Date.now() - since;
    await sleep(WATCHED_MS);
    await until("the viewers are live again", async () => fleet.live);
    const { entries } = await until("the log is told", () => ask(`${base}/replicas/log`));
    const moved = entries.filter((/** @type {any} */ entry) => Date.parse(entry.at) >= since).flatMap((/** @type {any} */ entry) => entry.moved);
    const unowned = Math.max(0, ...moved.filter((/** @type {any} */ { to }) => to).map((/** @type {any} */ { idle_ms }) => idle_ms));
    const pause = fleet.pause;
    steps.push({ title, unowned, pause });
    console.log(`${draw(now, before)}  settled after ${seconds(took)} · longest without an owner ${seconds(unowned)} · longest pause on a screen ${seconds(pause)}\n`);
    before = now;
  };
  await step("make scale REPLICAS=3", 3, () => tell(["scale", "gateway", "3"]));
  const victim = busiest(await until("the replicas are told", replicas));
  await step(`make kill-replica N=${victim.replace("gw", "")} (the viewers are on it)`, 2, () => tell(["kill", victim]));
  await step("make scale REPLICAS=3 (it comes back)", 3, () => tell(["scale", "gateway", "3"]));
  const drained = busiest(await until("the replicas are told", replicas), false);
  await step(`POST /replicas/${drained}/drain`, 2, () => ask(`${base}/replicas/${drained}/drain`, { method: "POST", headers: { authorization: `Bearer ${token}` } }));

  const end = await until("the products are told", () => stored(base));
  await until("every viewer shows what is stored", async () => fleet.shows(end));
  const { shown, missed, resumes, changes } = fleet.verdict();
  await fleet.close();
  console.log(`${sum(end) - sum(start)} changes produced and stored; each of ${VIEWERS} viewers shows all of them (${changes} shown, ${shown} versions folded into them)`);
  console.log(`missed ${missed} · resumed ${resumes} times · longest pause per step: ${steps.map(({ title, pause }) => `${seconds(pause)} (${title.replace("make ", "")})`).join(", ")}`);
  console.log(`\n${drained} stays drained until \`make scale REPLICAS=3\`. The address again: ${base}/#replicas`);
  process.exitCode = missed === 0 ? 0 : 1;
}

/**
 * The replica with the most viewers: losing that one is what they would notice.
 * @param {{replica: string, viewers: number}[]} replicas
 * @param {boolean} [numbered] by the name that the stack's words take
 */
function busiest(replicas, numbered = true) {
  const name = [...replicas].sort((a, b) => b.viewers - a.viewers)[0]?.replica ?? "gw1";
  return !numbered || /^gw\d$/.test(name) ? name : "gw1";
}

const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;

main().catch((error) => {
  console.error(`demo-rebalance: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
