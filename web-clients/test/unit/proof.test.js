/**
 * The proof must be able to fail: each test is a sequence of frames as a gateway may send it, right or wrong.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { Shelf } from "../../lib/shelf.js";
import { A, B, C, changed, gap, hello, snapshot } from "./helpers.js";

/** @typedef {import("../../lib/frames.js").Frame} Frame */

/**
 * Lets a shelf take connections, each a list of frames; says what was shown and what the books say.
 * @param {Frame[][]} connections
 * @param {Shelf} [shelf]
 */
function play(connections, shelf = new Shelf()) {
  /** @type {[string, number][]} */
  const shown = [];
  /** @type {string[]} */
  const errors = [];
  for (const frames of connections) {
    shelf.connecting();
    for (const frame of frames) {
      for (const [type, detail] of shelf.take(frame)) {
        if (type === "change") shown.push([detail.product_id, detail.version]);
        if (type === "error") errors.push(detail.code);
      }
    }
    shelf.lost();
  }
  return { shown, errors, holds: shelf.proof.holds, ...shelf.proof.counts };
}

const START = [hello(), snapshot([[A, 5], [B, 1]])];
const RESUMED = hello({ resumed: true });

test("a row without a break proves itself", () => {
  const seen = play([[...START, changed(A, 6), changed(B, 2), changed(A, 9, { from: 7 }), changed(C, 1)]]);
  assert.deepEqual(seen.shown, [[A, 6], [B, 2], [A, 9], [C, 1]]);
  assert.deepEqual({ ...seen, shown: 0 }, {
    shown: 0, errors: [], holds: true, frames: 4, missed: 0, regressions: 0, duplicates: 0, resets: 0, resumes: 0,
  });
});

test("a frame that begins above the next version is a hole", () => {
  const seen = play([[...START, changed(A, 8)]]);
  assert.equal(seen.missed, 2);
  assert.equal(seen.holds, false);
  assert.deepEqual(seen.errors, ["hole"]);
  assert.deepEqual(seen.shown, [[A, 8]], "it is shown all the same");
});

test("a folded frame that begins too late is a hole of what lies before it", () => {
  assert.equal(play([[...START, changed(A, 20, { from: 8 })]]).missed, 2);
});

test("after a whole snapshot an unknown product begins at version 1", () => {
  assert.equal(play([[...START, changed(C, 3)]]).missed, 2);
  assert.equal(play([[...START, changed(C, 3, { from: 1 })]]).missed, 0);
});

test("a lower version on one connection is a regression, and is not shown", () => {
  const seen = play([[...START, changed(A, 6), changed(A, 7), changed(A, 6)]]);
  assert.deepEqual(seen.shown, [[A, 6], [A, 7]]);
  assert.equal(seen.regressions, 1);
  assert.equal(seen.holds, false);
  assert.deepEqual(seen.errors, ["regression"]);
});

test("a frame below the snapshot of the same connection is a regression", () => {
  assert.equal(play([[...START, changed(A, 4)]]).regressions, 1);
});

test("an equal version on one connection is a dropped duplicate", () => {
  const seen = play([[...START, changed(A, 6), changed(A, 6, { from: 5 })]]);
  assert.deepEqual(seen.shown, [[A, 6]]);
  assert.deepEqual([seen.duplicates, seen.regressions, seen.holds], [1, 0, true]);
});

test("an entry that a cut connection repeats is dropped and is no fault", () => {
  const seen = play([
    [...START, changed(A, 6), changed(B, 2), changed(A, 7)],
    [RESUMED, changed(A, 6), changed(B, 2), changed(A, 7), changed(A, 8)],
  ]);
  assert.deepEqual(seen.shown, [[A, 6], [B, 2], [A, 7], [A, 8]]);
  assert.deepEqual([seen.duplicates, seen.regressions, seen.missed, seen.resumes, seen.holds], [3, 0, 0, 1, true]);
});

test("within a repeat, going back is still a regression", () => {
  const seen = play([[...START, changed(A, 6), changed(A, 7)], [RESUMED, changed(A, 7), changed(A, 6)]]);
  assert.equal(seen.regressions, 1);
});

test("a hole over a reconnect is a hole", () => {
  assert.equal(play([[...START, changed(A, 6, { cursor: "e1:2" })], [RESUMED, changed(A, 8)]]).missed, 1);
});

test("a reset with a snapshot excuses the jump, once, and shows what moved on", () => {
  const seen = play([
    [...START],
    [hello({ reset: true }), snapshot([[A, 9]], { reset: true, last: false }), snapshot([[B, 1], [C, 4]], { reset: true }), changed(A, 10), changed(A, 12)],
  ]);
  assert.deepEqual(seen.shown, [[A, 9], [A, 10], [A, 12]], "B did not move, C was never held");
  assert.deepEqual([seen.resets, seen.missed], [1, 1], "the jump to 12 came after the snapshot");
});

test("a reset in the middle of a connection excuses the jump too", () => {
  const seen = play([[...START, snapshot([[A, 9], [B, 1]], { reset: true }), changed(A, 10)]]);
  assert.deepEqual([seen.resets, seen.missed, seen.holds], [1, 0, true]);
});

test("a reset in the middle of a connection may be told by another hello", () => {
  const seen = play([[...START, hello({ reset: true }), snapshot([[A, 9], [B, 1]], { reset: true }), changed(A, 10), changed(A, 12)]]);
  assert.deepEqual([seen.resets, seen.missed], [1, 1]);
});

test("a snapshot with a jump that nobody announced is a hole", () => {
  assert.equal(play([[...START], [RESUMED, snapshot([[A, 7], [B, 1]])]]).missed, 2);
  assert.equal(play([[...START], [hello(), snapshot([[A, 7], [B, 1]])]]).missed, 2, "a cursor was sent, and neither taken up nor refused");
});

test("the floor survives a reset: a snapshot and frames below it are not shown", () => {
  const seen = play([
    [...START, changed(A, 6), changed(A, 7)],
    [hello({ reset: true }), snapshot([[A, 5], [B, 1]], { reset: true }), changed(A, 6), changed(A, 7), changed(A, 8)],
  ]);
  assert.deepEqual(seen.shown, [[A, 6], [A, 7], [A, 8]]);
  assert.deepEqual([seen.duplicates, seen.regressions, seen.missed, seen.holds], [2, 0, 0, true]);
});

test("a reset snapshot below what the same connection sent is a regression", () => {
  const seen = play([[...START, changed(A, 6), snapshot([[A, 5]], { reset: true })]]);
  assert.deepEqual([seen.regressions, seen.holds], [1, false]);
});

test("without a cursor to continue at, a snapshot may jump", () => {
  const first = [hello(), snapshot([[A, 5]], { last: false })];
  const seen = play([first, [hello(), snapshot([[A, 9], [B, 1]]), changed(A, 10)]]);
  assert.deepEqual(seen.shown, [[A, 9], [A, 10]]);
  assert.equal(seen.holds, true);
});

test("a gap frame excuses one break of the product that it names, and of no other", () => {
  const seen = play([[...START, gap(A), changed(A, 7), changed(A, 9)]]);
  assert.equal(seen.missed, 1, "7 was excused, 9 was not");
  assert.equal(play([[...START, gap(A), changed(B, 3)]]).missed, 1);
  assert.equal(play([[...START, gap(), changed(A, 7)]]).missed, 1, "a gap without a name excuses nothing");
});

test("a gap still counts after a reconnect", () => {
  assert.equal(play([[...START, gap(A)], [RESUMED, changed(A, 7)]]).missed, 0);
});

test("with only a cursor to go on, each product's first frame is where it begins", () => {
  const seen = play([[RESUMED, changed(A, 40), changed(A, 41), changed(A, 43)]], new Shelf({ cursor: "e1:7" }));
  assert.deepEqual([seen.missed, seen.resumes], [1, 1]);
});

test("a checkpoint carries floors and completeness into a later run", () => {
  const first = new Shelf();
  play([[...START, changed(A, 6, { cursor: "e1:9" })]], first);
  const checkpoint = JSON.parse(JSON.stringify(first.checkpoint()));
  assert.equal(checkpoint.cursor, "e1:9");
  const good = play([[RESUMED, changed(A, 6), changed(A, 7), changed(C, 1)]], new Shelf({ checkpoint }));
  assert.deepEqual(good.shown, [[A, 7], [C, 1]]);
  assert.equal(good.holds, true);
  assert.equal(play([[RESUMED, changed(A, 8)]], new Shelf({ checkpoint })).missed, 1);
  assert.equal(play([[RESUMED, changed(C, 2)]], new Shelf({ checkpoint })).missed, 1);
});
