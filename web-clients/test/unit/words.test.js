/** What is said on this page: one word on its way at a time, and none lost. */

import assert from "node:assert/strict";
import test from "node:test";
import { openPage } from "./page.js";
import { Words } from "../../dashboard/data/words.js";

const page = openPage();

/** A connection that says what it is told to, while it is there. */
class Line extends EventTarget {
  viewer = "me";
  away = false;
  /** @type {string[]} */
  said = [];
  /** @param {string} word */
  say(word) {
    if (!this.away) this.said.push(word);
    return !this.away;
  }

  /** @param {string} type @param {object} detail */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    page.frame();
  }

  /** @param {string} text @param {string} [from] */
  back(text, from = this.viewer) {
    this.tell("said", { from, text, at: "2026-05-09T08:00:00Z" });
  }

  /** @param {string} message @param {string} [field] */
  refuse(message, field) {
    this.tell("error", { name: "ServerError", message, field });
  }
}

/** @param {import("node:test").TestContext} t */
function talk(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const line = new Line(), words = new Words(/** @type {any} */ (line));
  /** @type {string[]} */
  const why = [];
  words.addEventListener("unsaid", (event) => why.push(/** @type {CustomEvent} */ (event).detail));
  return { line, words, why, tick: (/** @type {number} */ ms) => t.mock.timers.tick(ms) };
}

test("the next word goes a fifth of a second after the one before has come back", (t) => {
  const { line, words, tick } = talk(t);
  for (const word of ["a", "b", "c"]) assert.ok(words.say(word));
  assert.deepEqual(line.said, ["a"]);
  tick(1000);
  line.back("a", "them");
  line.back("b");
  tick(1000);
  assert.deepEqual(line.said, ["a"], "another's word, or another one, is no answer");
  line.back("a");
  tick(199);
  assert.deepEqual(line.said, ["a"]);
  tick(1);
  assert.deepEqual([line.said, words.waiting], [["a", "b"], ["c"]]);
});

test("a refusal gives back that word and those behind it, and one of a list of products none", (t) => {
  const { line, words, why } = talk(t);
  for (const word of ["a", "b"]) words.say(word);
  line.refuse("no such product", "data.products[0]");
  assert.deepEqual(words.unsaid, []);
  line.refuse("talk is away");
  assert.deepEqual([words.unsaid, words.waiting, why], [["a", "b"], [], ["talk is away"]]);
});

test("a connection that was made anew does not answer for the last one, and those that wait go on over it", (t) => {
  const { line, words, why, tick } = talk(t);
  for (const word of ["a", "b"]) words.say(word);
  line.viewer = "me, again";
  line.tell("open", {});
  assert.deepEqual([words.unsaid, why.length], [["a"], 1]);
  line.back("a", "me");
  tick(200);
  assert.deepEqual(line.said, ["a", "b"]);
  line.back("b");
  tick(200);
  assert.deepEqual([words.waiting, words.unsaid], [[], ["a"]]);
  line.tell("open", {});
  assert.equal(why.length, 1, "nothing was on its way");
});

test("a word that never comes back, or can't be sent, is given back with those behind it", (t) => {
  const { line, words, why, tick } = talk(t);
  for (const word of ["a", "b"]) words.say(word);
  tick(5000);
  assert.deepEqual(words.unsaid, ["a", "b"]);
  line.back("a");
  line.away = true;
  tick(200);
  words.say("c");
  assert.deepEqual(words.unsaid, ["a", "b", "c"]);
  assert.deepEqual(why, ["no answer came, so perhaps it was heard", "the connection is away"]);
});

test("more than twenty do not wait, and what can't be said is refused at once", (t) => {
  const { words } = talk(t);
  for (let n = 0; n < 21; n++) assert.ok(words.say(`word ${n}`));
  assert.equal(words.say("one more"), false);
  assert.throws(() => words.say(" "), TypeError);
  assert.equal(words.waiting.length, 20);
});
