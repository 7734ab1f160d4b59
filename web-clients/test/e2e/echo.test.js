/** echo.js as its users run it, against real gateways. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Shop, until } from "./servers.js";

const ECHO = fileURLToPath(new URL("../../echo.js", import.meta.url));
const MANY = { count: 200, rate: 200 };
/** A run has ended within this, in ms. */
const ENDED_MS = 120_000;

/** @type {Shop} */
let shop;
before(async () => {
  shop = await Shop.open({ replicas: 2, products: 30 });
  await shop.generate({ count: 10 });
});
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
after(async () => {
  // what a failed test has left behind would keep the run from ending
  for (const child of children) child.kill("SIGKILL");
  await shop?.close();
});

/** A running echo.js. */
class Run {
  stdout = "";
  stderr = "";
  /** @type {Promise<number | null>} */
  code;

  /** @param {string[]} args */
  constructor(...args) {
    // As a user starts it: without the flags of the test run.
    this.child = spawn(process.execPath, [ECHO, ...args], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, NODE_OPTIONS: "" } });
    children.push(this.child);
    this.child.stdout.on("data", (data) => (this.stdout += data));
    this.child.stderr.on("data", (data) => (this.stderr += data));
    this.code = once(this.child, "close", { signal: AbortSignal.timeout(ENDED_MS) }).then(([code]) => code);
  }

  /** The whole lines so far. */
  get lines() {
    return this.stdout.split("\n").slice(0, -1);
  }

  /** @param {string} type */
  json(type) {
    return this.lines.map((line) => JSON.parse(line)).filter((line) => line.type === type);
  }

  live() {
    return until(`live: ${this.stderr}`, () => this.stderr.includes("· live"));
  }
}

/** Makes many changes; returns the newest version of each product that has changed, as a line shows it. */
async function many() {
  const before = await shop.products(1);
  await shop.generate(MANY);
  const newest = [...await shop.products(1)].filter(([id, { version }]) => version > (before.get(id)?.version ?? 0))
    .map(([id, { version }]) => ({ id, short: `(${id.slice(0, 8)})`, version }));
  assert.ok(newest.length > 10, "many products changed");
  return newest;
}

for (const transport of ["--ws", "--sse"]) {
  test(`${transport}: each change is a line, and Ctrl-C ends it with the proof and 0`, async () => {
    const run = new Run(shop.url(1), transport);
    await run.live();
    // how many lines that makes depends on how many changes of a product came together
    const newest = await many();
    await until("every product's newest version is shown", () => newest.every(({ short, version }) =>
      run.lines.some((line) => line.includes(short) && line.includes(`  v${version}  `))));
    run.child.kill("SIGINT");
    assert.equal(await run.code, 0, run.stderr);
    for (const line of run.lines) assert.match(line, /^\d\d:\d\d:\d\d\.\d{3}  \S.* \([0-9a-f]{8}\)  .*\d  stock .*\d+  v\d+  \d+ ms$/);
    assert.ok(run.lines.some((line) => line.includes(" ▶ ")));
    const told = /([\d,]+) changes: no version was missed, none went back/.exec(run.stderr)?.[1];
    assert.equal(Number(told?.replaceAll(",", "")), run.lines.length, run.stderr);
  });

  test(`${transport} --count --json: so many changes, one object a line, and the proof last`, async () => {
    const run = new Run(shop.url(2), transport, "--count", "7", "--json");
    await run.live();
    await shop.generate(MANY);
    assert.equal(await run.code, 0, run.stderr);
    assert.equal(run.json("change").length, 7);
    assert.deepEqual(run.json("open").map(({ replica }) => replica), ["gw2"]);
    const last = JSON.parse(run.lines.at(-1) ?? "");
    assert.deepEqual([last.type, last.holds, last.missed, last.changes, last.state], ["proof", true, 0, 7, "live"]);
    for (const { old, version, from } of run.json("change")) assert.ok(old.version + 1 === from && from <= version);
  });

  test(`${transport} --state: the next run goes on where the last ended, on any replica`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "shelfwire-e2e-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const state = join(folder, "state.json");
    const stored = await shop.products(1);
    const [first, all] = [new Run(shop.url(1), transport, "--state", state, "--count", "20", "--json"), new Run(shop.url(1), transport, "--json")];
    await Promise.all([first.live(), all.live()]);
    const newest = await many();
    assert.equal(await first.code, 0, first.stderr);
    const second = new Run(shop.url(2), transport, "--state", state, "--json");
    const changes = (/** @type {Run[]} */ ...runs) => runs.flatMap((run) => run.json("change"))
      .filter(({ product_id, version }) => version > (stored.get(product_id)?.version ?? 0));
    const names = (/** @type {Run[]} */ ...runs) => changes(...runs).map(({ product_id, version }) => `${product_id} ${version}`).sort();
    const shown = (/** @type {Run[]} */ ...runs) => newest.every(({ id, version }) => changes(...runs).some((change) => change.product_id === id && change.version === version));
    await until("both show every product's newest version", () => shown(first, second) && shown(all));
    assert.deepEqual(names(first, second), names(all));
    for (const run of [second, all]) {
      run.child.kill("SIGTERM");
      assert.equal(await run.code, 0, run.stderr);
    }
    assert.deepEqual(second.json("open").map(({ resumed }) => resumed), [true]);
    /** @type {Map<string, number>} */
    const held = new Map();
    for (const { product_id, from, version } of changes(first, second)) {
      const before = held.get(product_id) ?? from - 1;
      assert.ok(version > before, `version ${version} of ${product_id} after ${before}`);
      assert.ok(from <= before + 1, `from ${from} of ${product_id} after ${before}`);
      held.set(product_id, version);
    }
  });

  test(`${transport}: ended while its only replica is away is exit code 3`, async () => {
    const run = new Run(shop.url(2), transport);
    await run.live();
    await shop.end(2, "SIGKILL");
    await until("it knows", () => run.stderr.includes("· stale"));
    run.child.kill("SIGINT");
    assert.equal(await run.code, 3);
    assert.match(run.stderr, /ended while not live \(stale/);
    await shop.start(2);
  });
}

test("what the server refuses is named, over both transports", async () => {
  for (const transport of ["--ws", "--sse"]) {
    const run = new Run(shop.url(1), transport, "--cursor", "yesterday");
    assert.equal(await run.code, 2);
    assert.match(run.stderr, /the server answered 400: `cursor` must be a cursor/);
  }
});

test("--for ends it by itself, --quiet says only how", async () => {
  const run = new Run(shop.url(1), "--for", "5s", "--quiet");
  assert.equal(await run.code, 0, run.stderr);
  assert.equal(run.stdout, "");
  assert.match(run.stderr, /^\d+ changes?: no version was missed, none went back\n$/);
});

test("--product shows that product alone", async () => {
  const [id = ""] = (await shop.products(1)).keys();
  const run = new Run(shop.url(1), "--product", id, "--json");
  await run.live();
  // of many changes none need be this product's
  await shop.change(id, { stock: 1 });
  await shop.generate(MANY);
  const version = (await shop.products(1)).get(id)?.version;
  await until("its last version", () => run.json("change").at(-1)?.version === version);
  assert.deepEqual([...new Set(run.json("change").map(({ product_id }) => product_id))], [id]);
  run.child.kill("SIGINT");
  assert.equal(await run.code, 0);
});

test("a product that nobody knows is told, and is no success", async () => {
  const [known = ""] = (await shop.products(1)).keys();
  const nobody = "00000000-0000-7000-8000-000000000001";
  const run = new Run(shop.url(1), "--product", known, "--product", nobody, "--for", "5s");
  assert.equal(await run.code, 2, run.stderr);
  assert.match(run.stderr, new RegExp(`no product is known by ${nobody}; waiting`));
  assert.match(run.stderr, new RegExp(`no product was seen of ${nobody}: is the id right`));
});

for (const transport of ["--ws", "--sse"]) {
  test(`${transport}: why there is no connection is said, once`, async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (free.address());
    free.close();
    const run = new Run(`http://127.0.0.1:${port}`, transport, "--timeout", "3");
    assert.equal(await run.code, 3);
    assert.match(run.stderr, /· connecting: nothing listens at http:\/\/127\.0\.0\.1:\d+, the connection was refused \(ECONNREFUSED\); trying again/);
    assert.equal(run.stderr.split("· connecting").length, 2, run.stderr);
    assert.match(run.stderr, /not live within 3 s at http:\/\/127\.0\.0\.1:\d+\/: nothing listens/);
  });
}

test("a state that cannot be kept is refused in words", async () => {
  const run = new Run(shop.url(1), "--state", "/nowhere/state.json");
  assert.equal(await run.code, 2);
  assert.equal(run.stderr, "echo.js: --state: cannot write /nowhere/state.json: there is no folder /nowhere\n");
});

test("--say and --chat: a word reaches viewers of all replicas over both transports, as it was said", async () => {
  const listeners = [new Run(shop.url(1), "--json"), new Run(shop.url(2), "--sse", "--json")];
  await Promise.all(listeners.map((run) => run.live()));
  const words = ["“Is this the last one?” 👩\u200d👧 你好", "e\u0301 \\ \" <b>"];
  const said = new Run(shop.url(2), "--say", ` ${words[0]} `);
  assert.equal(await said.code, 0, said.stderr);
  assert.match(said.stdout, /^\d\d:\d\d:\d\d\.\d{3} {2}gw2-\d+: “Is this the last one\?” 👩\u200d👧 你好\n$/);
  const chat = new Run(shop.url(1), "--chat", "--json");
  chat.child.stdin.end(`${words[1]}\n\n a\x07 \nthe end\n`);
  assert.equal(await chat.code, 3, "a line that cannot be said is told, and is no success");
  assert.match(chat.stderr, /a word has 1 to 280 characters/);
  assert.deepEqual(chat.json("change"), []);
  assert.deepEqual(chat.json("said").map(({ text }) => text), [words[1], "the end"]);
  for (const run of listeners) {
    await until("the last word", () => run.json("said").at(-1)?.text === "the end");
    assert.deepEqual(run.json("said").map(({ text }) => text), [...words, "the end"]);
    assert.deepEqual(run.json("said").map(({ from }) => from.split("-")[0]), ["gw2", "gw1", "gw1"]);
    run.child.kill("SIGINT");
    assert.equal(await run.code, 0, run.stderr);
  }
});

test("a reader that goes away ends it quietly", async () => {
  const run = new Run(shop.url(1));
  await run.live();
  run.child.stdout.destroy();
  await shop.generate(MANY);
  assert.equal(await run.code, 0);
  assert.doesNotMatch(run.stderr, /EPIPE|Error/);
});
