/**
 * The real thing for a test: gateways, generator and load balancer as processes, on the run's own Kafka, PostgreSQL and
 * Redis (`make test` starts those and names them in SHELFWIRE_TEST_*), under a database, topic, group and key prefix of
 * their own.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as dial, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const TOP = fileURLToPath(new URL("../../../", import.meta.url));
/** Which binaries: a benchmark takes those of the release. */
const PROFILE = process.env.SHELFWIRE_TEST_PROFILE ?? "debug";
/** Everything that must come about does so within this, in ms: many times of what it takes on a busy machine. */
const PATIENCE_MS = 60_000;
/** Ports that were drawn: one that is given seems free until its process listens. @type {Set<number>} */
const drawn = new Set();

/** What opens the admin addresses of every replica. */
export const ADMIN_TOKEN = "0123456789abcdef";

/** The addresses of the run's servers; without them the tests fail rather than seem to pass. */
function addresses() {
  const { SHELFWIRE_TEST_KAFKA: kafka, SHELFWIRE_TEST_DATABASE_URL: database, SHELFWIRE_TEST_REDIS_URL: redis } = process.env;
  assert.ok(kafka && database && redis,
    "these tests need real servers: run `make test` (or `deploy/native/stack.sh test-env -- node --test web-clients/test/e2e/*.test.js`)");
  return { kafka, database, redis };
}

/**
 * @template T
 * @param {string} what for the message when it does not come
 * @param {() => T | Promise<T>} look
 * @returns {Promise<NonNullable<T>>} what `look` found
 */
export async function until(what, look) {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return /** @type {NonNullable<T>} */ (found);
    assert.ok(performance.now() < end, `not within ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(25);
  }
}

/** A port that nobody has, below the range from which the system hands out. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (drawn.has(port)) continue;
    drawn.add(port);
    const server = createServer();
    const free = await new Promise((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

/** A shop of its own: as many replicas as asked for, and what stands around them. */
export class Shop {
  #addresses = addresses();
  #name = `web_${randomBytes(6).toString("hex")}`;
  /** @type {import("node:child_process").ChildProcess[]} */
  #children = [];
  /** @type {number[]} */
  #ports = [];
  /** @type {(import("node:child_process").ChildProcess | undefined)[]} by place, from 0 */
  #replicas = [];
  #products = 0;
  /** Versions that were ever made, all products together. */
  #versions = 0;
  /** Where the load balancer tells its figures. */
  figures = "";

  /**
   * @param {{replicas: number, products: number, places?: number}} wanted `places`: for how many replicas there is an address
   * @returns {Promise<Shop>} once every replica is ready
   */
  static async open({ replicas, products, places = replicas }) {
    const shop = new Shop();
    shop.#products = products;
    await createDatabase(shop.#addresses.database, shop.#name);
    for (let n = 1; n <= places; n++) shop.#ports.push(await freePort());
    await Promise.all(Array.from({ length: replicas }, (_, at) => shop.start(at + 1)));
    return shop;
  }

  /** @param {number} n which replica, from 1 */
  url(n) {
    return `http://127.0.0.1:${this.#ports[n - 1]}`;
  }

  /**
   * Starts a replica, at the address it had before if it had one; returns when it is ready.
   * @param {number} n
   * @param {{redis?: string}} [other] a Redis of its own, which may be one that is away: returns when the replica lives, then
   */
  async start(n, { redis = this.#addresses.redis } = {}) {
    const { kafka, database } = this.#addresses;
    this.#replicas[n - 1] = this.#spawn("gateway", [
      "--listen", `127.0.0.1:${this.#ports[n - 1]}`, "--replica", `gw${n}`, "--kafka", kafka, "--database-url", database + this.#name,
      "--redis-url", redis, "--redis-prefix", `${this.#name}:`, "--changes-topic", this.#name, "--group", this.#name, "--drain-s", "1",
      "--ratings-topic", `${this.#name}-ratings`, "--admin-token", ADMIN_TOKEN,
    ]);
    const address = redis === this.#addresses.redis ? "readyz" : "healthz";
    await until(`gw${n} answers ${address}`, () => answers(`${this.url(n)}/${address}`));
  }

  /** @param {number} n @param {NodeJS.Signals} signal */
  async end(n, signal) {
    const child = this.#replicas[n - 1];
    assert.ok(child && child.exitCode === null, `gw${n} runs`);
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  /**
   * Makes changes, each one version of a product, and returns when all of them are stored.
   * @param {{count: number, rate?: number | "max"}} wanted `rate` in changes a second
   */
  async generate({ count, rate = "max" }) {
    // The first run makes version 1 of each product, too.
    this.#versions = (this.#versions || this.#products) + count;
    const { kafka } = this.#addresses;
    const child = this.#spawn("generator", [
      "--kafka", kafka, "--topic", this.#name, "--products", `${this.#products}`, "--rate", `${rate}`, "--count", `${count}`,
    ]);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, "the generator ended well");
    await until("all changes are stored", async () => {
      const n = this.#replicas.findIndex((replica) => replica?.exitCode === null && replica.signalCode === null) + 1;
      const stored = await this.products(n).catch(() => new Map());
      return [...stored.values()].reduce((sum, { version }) => sum + version, 0) === this.#versions;
    });
  }

  /**
   * Makes one change by hand; returns once Kafka has it.
   * @param {string} id
   * @param {{price?: number, stock?: number}} to
   */
  async change(id, { price, stock }) {
    const more = [...(price === undefined ? [] : ["--price", `${price}`]), ...(stock === undefined ? [] : ["--stock", `${stock}`])];
    const child = this.#spawn("generator", ["change", "--kafka", this.#addresses.kafka, "--topic", this.#name, "--product", id, ...more]);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, "the change was made");
    this.#versions++;
  }

  /**
   * Produces recorded changes (JSON lines), each the next version of its product.
   * @param {object[]} changes
   */
  async replay(changes) {
    const child = this.#spawn("generator", ["--kafka", this.#addresses.kafka, "--topic", this.#name, "--replay", "-", "--speed", "max"], "pipe");
    child.stdin?.end(changes.map((change) => JSON.stringify(change)).join("\n"));
    const [code] = await once(child, "exit");
    assert.equal(code, 0, "the replay ended well");
    this.#versions += changes.length;
  }

  /**
   * Produces one record as it is, by kcat.
   * @param {string} key
   * @param {string} value
   */
  async produce(key, value) {
    const child = this.#run("kcat", ["-P", "-b", this.#addresses.kafka, "-t", this.#name, "-X", "partitioner=murmur2_random", "-k", key], {}, "pipe");
    child.stdin?.end(value);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, "kcat ended well");
  }

  /** Tells of versions that came about otherwise. @param {number} versions */
  counted(versions) {
    this.#versions += versions;
  }

  /** Puts a load balancer in front, with the configuration that we ship. @returns {Promise<string>} its address */
  async balance() {
    const [port, stats] = [await freePort(), await freePort()];
    this.figures = `http://127.0.0.1:${stats}/metrics`;
    const places = Array.from({ length: 6 }, (_, at) => [`GATEWAY_PORT_${at + 1}`, String(this.#ports[at] ?? 9)]);
    this.#run("haproxy", ["-db", "-f", `${TOP}deploy/native/haproxy.cfg`], {
      PORT: String(port), STATS_PORT: String(stats), ...Object.fromEntries(places), PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`,
    });
    const url = `http://127.0.0.1:${port}`;
    await until("the load balancer has a replica", () => answers(`${url}/readyz`));
    return url;
  }

  /** All products, as replica `n` answers over HTTP. @param {number} n */
  async products(n) {
    /** @type {Map<string, import("../../lib/feed.js").Product>} */
    const all = new Map();
    let after = "";
    do {
      const page = `${this.url(n)}/products?limit=100${after && `&after=${after}`}`;
      // A database that is very busy answers late, and the replica says so.
      const answer = await until("products are listed", async () => {
        const answer = await fetch(page);
        return answer.status === 503 ? undefined : answer;
      });
      assert.equal(answer.status, 200);
      const { products, next } = await answer.json();
      for (const product of products) all.set(product.product_id, product);
      after = next ?? "";
    } while (after !== "");
    return all;
  }

  /** Ends every process that was started. */
  async close() {
    await Promise.all(this.#children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }));
  }

  /** @param {string} program one of ours @param {string[]} args @param {"pipe" | "ignore"} [stdin] */
  #spawn(program, args, stdin) {
    const path = `${TOP}target/${PROFILE}/${program}`;
    assert.ok(existsSync(path), `${path} is missing: run \`make test\`, or \`cargo build --workspace\` first`);
    // Settings come from here alone.
    return this.#run(path, args, Object.fromEntries(Object.keys(process.env).filter((name) => name.startsWith("SHELFWIRE_")).map((name) => [name, undefined])), stdin);
  }

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {Record<string, string | undefined>} env
   * @param {"pipe" | "ignore"} [stdin]
   */
  #run(program, args, env, stdin = "ignore") {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: [stdin, "pipe", "pipe"] });
    /** @type {string[]} */
    const said = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data) => {
        said.push(String(data));
        said.splice(0, said.length - 200);
      });
    }
    child.on("error", (error) => console.error(`${program}: ${error.message}`));
    child.on("exit", (code) => {
      if (code !== null && code !== 0) console.error(`${program} ended with ${code}:\n${said.join("")}`);
    });
    this.#children.push(child);
    return child;
  }
}

// Nothing outlives the tests, also when they are interrupted.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

/** @param {string} url */
async function answers(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).status === 200;
  } catch {
    return false;
  }
}

/**
 * Speaks just enough of PostgreSQL's protocol, so that no client need be installed: the test servers trust us.
 * @param {string} base ends with a slash
 * @param {string} name
 */
async function createDatabase(base, name) {
  const { hostname, port, username } = new URL(base);
  const socket = dial(Number(port || 5432), hostname);
  const text = `user\0${username || "postgres"}\0database\0postgres\0\0`;
  const start = Buffer.alloc(8);
  start.writeInt32BE(8 + text.length, 0);
  start.writeInt32BE(196_608, 4);
  const query = Buffer.from(`Q    CREATE DATABASE ${name}\0`);
  query.writeInt32BE(query.length - 1, 1);
  socket.write(Buffer.concat([start, Buffer.from(text), query]));
  let got = Buffer.alloc(0);
  for await (const data of socket) {
    got = Buffer.concat([got, data]);
    if (got.includes("CREATE DATABASE\0")) break;
    assert.ok(!/S(?:FATAL|ERROR)\0/.test(got.toString("latin1")), `PostgreSQL: ${got.toString("latin1")}`);
  }
  socket.destroy();
  assert.ok(got.includes("CREATE DATABASE\0"), "PostgreSQL hung up");
}
