/** What the dashboard's views do with what they are told. */

import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { A, product } from "./helpers.js";
import { dashboard, openPage } from "./page.js";

const page = openPage();

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
  heardAt = 0;
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
  for (const end = performance.now() + 5000; body.querySelector("ol").children.length === 0 && performance.now() < end; page.frame()) await sleep(50);
  assert.equal(body.querySelector("ol").children.length, 1);
});

test("a product is known to be current as of the server's last word, not of the time when the silence was noticed", async (t) => {
  const { live, shown } = await open(A, t);
  const told = async (/** @type {RegExp} */ words) => {
    for (const end = performance.now() + 5000; !words.test(shown.element.textContent) && performance.now() < end; page.frame()) await sleep(50);
    assert.match(shown.element.textContent, words);
    return shown.element.textContent;
  };
  live.heardAt = performance.now();
  await told(/Known to be currentnow/);
  live.heardAt = performance.now() - 37_000;
  await told(/Known to be current37 s ago/);
  live.state = { state: "stale", reason: "no byte for 37500 ms" };
  const text = await told(/Known to be current[\d.]+ s ago: no byte/);
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
