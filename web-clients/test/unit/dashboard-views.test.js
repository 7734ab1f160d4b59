/** What the dashboard's views do with what they are told. */

import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { A, product } from "./helpers.js";
import { dashboard, openPage } from "./page.js";

const page = openPage();
/** What must come about does so within this, in ms: many times of what it takes on a busy machine. */
const PATIENCE_MS = 60_000;

/** What is asked over HTTP, and whether the server answers. @type {string[]} */
let asked = [];
let away = false;
Object.assign(globalThis, {
  async fetch(/** @type {string} */ path) {
    asked.push(path);
    if (away) return Response.json({ detail: "the database is away" }, { status: 503 });
    return Response.json(path.includes("/changes") ? { changes: [product(A, 1)] } : product(A, 1));
  },
});

/** A connection as the views see it. */
class Connection extends EventTarget {
  state = { state: "live", reason: "" };
  /** When the server last said something. */
  heard = () => 0;
  get heardAt() {
    return this.heard();
  }

  proof = { frames: 0, missed: 0, regressions: 0, duplicates: 0, resets: 0, resumes: 0, holds: true };
  transport = "ws";
  replica = "gw1";
  following = 1;
  cursor = "e1:1";
  /** @type {object | undefined} */
  cutting;
  /** @type {string[][]} */
  wanted = [];
  /** @param {string} _view @param {string[]} ids */
  want(_view, ids) {
    this.wanted.push(ids);
  }

  cut() {
    this.cutting = { cutAt: Date.now() };
  }

  /** @param {string} type @param {unknown} [detail] */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    page.frame();
  }
}

/** The page of a product. @param {string} id @param {import("node:test").TestContext} t */
async function open(id, t) {
  asked = [];
  const [{ product: view }, { Catalogue }] = await Promise.all([dashboard("views/product.js"), dashboard("data/catalogue.js")]);
  const live = new Connection(), catalogue = new Catalogue();
  const shown = view({ live, catalogue, traces: { kept: [] } }, id);
  t.after(() => shown.close?.());
  await sleep(1);
  const [, problem, body] = shown.element.children;
  return { live, catalogue, shown, problem, body };
}

/** Waits until an element says it; returns all that it says. @param {{textContent: string}} element @param {RegExp} words */
async function says(element, words) {
  for (const end = performance.now() + PATIENCE_MS; !words.test(element.textContent) && performance.now() < end; page.frame()) await sleep(50);
  assert.match(element.textContent, words);
  return element.textContent;
}

test("an address that ends with no product's id asks for nothing and follows nothing", async (t) => {
  for (const id of ["", "x", "../replicas", A.toUpperCase(), `${A}/changes`, `${A}?`]) {
    const { live, shown } = await open(id, t);
    assert.match(shown.element.textContent, /No such product/);
    assert.deepEqual([asked, live.wanted], [[], []], id);
  }
});

test("a product's page that began with an error shows the product once it can be had", async (t) => {
  away = true;
  const { live, catalogue, problem, body } = await open(A, t);
  assert.deepEqual([problem.hidden, body.hidden, problem.textContent], [false, true, "the database is away"]);
  catalogue.take(product(A, 1));
  page.frame();
  assert.deepEqual([problem.hidden, body.hidden, body.querySelector("h1").textContent], [false, false, product(A, 1).name]);
  assert.equal(problem.textContent, "Its history can't be read now: the database is away");
  assert.equal(body.querySelector("ol").children.length, 0);
  away = false;
  live.tell("state");
  await sleep(1);
  assert.equal(body.querySelector("ol").children.length, 1, "its history, too");
  assert.equal(problem.hidden, true);
  const before = asked.length;
  live.tell("state");
  assert.equal(asked.length, before, "once is enough");
});

test("a history that could not be had is asked for again without an event", async (t) => {
  away = true;
  const { catalogue, body } = await open(A, t);
  away = false;
  catalogue.take(product(A, 1));
  for (const end = performance.now() + PATIENCE_MS; body.querySelector("ol").children.length === 0 && performance.now() < end; page.frame()) await sleep(50);
  assert.equal(body.querySelector("ol").children.length, 1);
});

test("a product is known to be current as of the server's last word, not of the time when the silence was noticed", async (t) => {
  const { live, shown } = await open(A, t);
  live.heard = () => performance.now();
  await says(shown.element, /Known to be currentnow/);
  const before = performance.now() - 37_000;
  live.heard = () => before;
  await says(shown.element, /Known to be current(3[7-9]|[45]\d) s ago/);
  live.state = { state: "stale", reason: "no byte for 37500 ms" };
  const text = await says(shown.element, /Known to be current[\d.]+ s ago: no byte/);
  assert.ok(Number(/current([\d.]+) s/.exec(text)?.[1]) >= 37, text);
});

test("the line of a cut counts what is missed after the answer, too, and what was missed before it not", async () => {
  const { ProofDock } = await dashboard("parts/proof-dock.js");
  const live = new Connection();
  live.proof.missed = 2;
  const dock = new ProofDock(live);
  page.frame();
  const details = dock.element.children[1];
  const [cut, cuts] = details.children.slice(-2);
  const line = () => cuts.children[0].textContent;
  cut.dispatchEvent(new Event("click"));
  Object.assign(live.cutting ?? {}, { replica: "gw2", resumed: true, entries: 3, ms: 1500 });
  live.tell("open");
  assert.match(line(), /gw2 answered: resumed, 3 relay entries caught up · missed 0$/);
  live.proof.missed = 5;
  live.tell("change");
  assert.match(line(), / · missed 3$/);
  cut.dispatchEvent(new Event("click"));
  live.proof.missed = 6;
  live.tell("change");
  assert.match(cuts.children[1].textContent, / · missed 3$/, "the next cut has a line of its own");
});

/** @param {string} name of a view without a connection of its own @param {import("node:test").TestContext} t */
async function openBeside(name, t) {
  const [views, { Fleet }] = await Promise.all([dashboard(`views/${name}.js`), dashboard("data/fleet.js")]);
  // looks are in the hands of the test
  const fleet = Object.assign(new Fleet(), { near: () => () => {} });
  const shown = views[name]({ fleet, admin: new EventTarget() });
  t.after(() => shown.close());
  return { fleet, element: shown.element };
}

test("a log that could not be read is asked for again at the next look, and an answer that was overtaken replaces none", async (t) => {
  /** @type {((answer: Response) => void)[]} */
  const questions = [];
  t.mock.method(globalThis, "fetch", () => new Promise((answer) => questions.push(answer)));
  const joined = (/** @type {string} */ name) => Response.json({ entries: [{ at: "2026-05-09T08:00:00Z", moved: [], joined: [name], left: [], draining: [] }] });
  const { fleet, element } = await openBeside("replicas", t);
  const log = element.querySelector("ol");
  questions[0]?.(Response.json({ detail: "Redis is away" }, { status: 503 }));
  await says(log, /The log can't be read now: Redis is away/);
  fleet.dispatchEvent(new Event("look"));
  fleet.dispatchEvent(new Event("look"));
  assert.equal(questions.length, 2, "once, while the answer is waited for");
  fleet.dispatchEvent(new Event("moved"));
  questions[2]?.(joined("gw3"));
  await says(log, /gw3 joined/);
  questions[1]?.(joined("gw2"));
  await sleep(20);
  page.frame();
  assert.match(log.textContent, /gw3 joined/);
  fleet.dispatchEvent(new Event("look"));
  assert.equal(questions.length, 3, "once is enough");
});

test("dead letters that could not be read are asked for again without an event", async (t) => {
  let times = 0;
  t.mock.method(globalThis, "fetch", async () => (++times === 1 ? Response.json({ detail: "Kafka is away" }, { status: 503 }) : Response.json({ letters: [] })));
  const { element } = await openBeside("letters", t);
  await says(element, /They can't be read now: Kafka is away/);
  await says(element, /None\. Every record so far could be read/);
  assert.equal(times, 2);
});
