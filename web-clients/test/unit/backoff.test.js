import assert from "node:assert/strict";
import test from "node:test";
import { Backoff, CEILING_MS, FIRST_MS, RESET_AFTER_MS, SERVER_CEILING_MS } from "../../lib/backoff.js";

const most = () => 1 - Number.EPSILON;

test("waits are drawn from zero to a ceiling that doubles from 0.5 s to 20 s", () => {
  const high = new Backoff(most);
  const ceilings = Array.from({ length: 8 }, () => high.next() + 1);
  assert.deepEqual(ceilings, [500, 1000, 2000, 4000, 8000, 16_000, CEILING_MS, CEILING_MS]);
  const low = new Backoff(() => 0);
  assert.deepEqual(Array.from({ length: 8 }, () => low.next()), Array(8).fill(0));
});

test("the jitter is spread over the whole range", () => {
  const draws = Array.from({ length: 2000 }, () => new Backoff().next());
  const mean = draws.reduce((sum, ms) => sum + ms, 0) / draws.length;
  assert.ok(mean > 0.4 * FIRST_MS && mean < 0.6 * FIRST_MS, `mean ${mean}`);
});

test("a server's delay replaces the draw, within a bound, and counts as a try", () => {
  const backoff = new Backoff(most);
  assert.equal(backoff.next(3210), 3210);
  assert.equal(backoff.next(0), 0);
  assert.equal(backoff.next(1e9), SERVER_CEILING_MS);
  assert.equal(backoff.next(), 3999);
  assert.equal(backoff.next(-1), 7999);
});

test("only a connection that was live for long starts the row anew", () => {
  const backoff = new Backoff(most);
  backoff.next();
  backoff.next();
  backoff.wasLive(RESET_AFTER_MS - 1);
  assert.equal(backoff.next(), 1999);
  backoff.wasLive(RESET_AFTER_MS);
  assert.equal(backoff.next(), 499);
});
