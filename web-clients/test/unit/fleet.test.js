/** The replicas as the page knows them, whichever of them answers, and however old what that one knows of the others is. */

import assert from "node:assert/strict";
import test from "node:test";
import { Fleet } from "../../dashboard/data/fleet.js";

const SINCE = "2026-05-09T08:00:00.000001Z";

/**
 * @param {string} name
 * @param {{partitions?: number[], read?: number, dead?: number, since?: string}} [how] `read`: changes that it wrote; `dead`: records that it could not read
 */
function replica(name, { partitions = [], read = 0, dead = 0, since = SINCE } = {}) {
  return {
    replica: name, addr: `${name}:1`, partitions, lag: 0, lags: partitions.map(() => 0), viewers: 0, rebalances: 1, since, draining: false,
    outcomes: { new: read, stale: 0, replay: 0, conflict: 0, poison: dead, rejected: 0 },
  };
}

/**
 * A fleet whose answers and clocks are in the hands of the test.
 * @param {import("node:test").TestContext} t
 */
function held(t) {
  const fleet = new Fleet();
  /** @type {object[]} */
  let answer = [];
  let now = 1_000_000;
  t.mock.method(globalThis, "fetch", async () => Response.json({ replicas: answer }));
  t.mock.method(performance, "now", () => now);
  t.mock.method(Date, "now", () => now);
  let announced = 0;
  fleet.addEventListener("letters", (event) => { announced += /** @type {CustomEvent} */ (event).detail; });
  return {
    fleet,
    announced: () => announced,
    /** Time goes by, then it is asked. @param {number} ms @param {...object} replicas */
    async look(ms, ...replicas) {
      now += ms;
      answer = replicas;
      await fleet.look();
    },
    /** @param {number} ms */
    wait(ms) {
      now += ms;
    },
  };
}

test("the rate is steady, although answers are two seconds old now and then", async (t) => {
  const { fleet, look } = held(t);
  assert.equal(fleet.total.perSecond, undefined, "nothing was measured yet");
  /** @type {number[]} */
  const rates = [];
  for (let second = 10; second < 60; second++) {
    const age = second % 2 === 0 ? 0 : second % 3;
    await look(1000, replica("gw1", { read: (second - age) * 100 }));
    if (fleet.total.perSecond !== undefined) rates.push(fleet.total.perSecond);
  }
  assert.ok(rates.length > 40, "it is told soon");
  assert.deepEqual(rates.filter((rate) => rate < 60 || rate > 140), []);
  const settled = rates.slice(10);
  assert.deepEqual(settled.filter((rate) => rate < 80 || rate > 120), []);
});

test("a rate ends with what it counts", async (t) => {
  const { fleet, look } = held(t);
  for (let second = 0; second < 10; second++) await look(1000, replica("gw1", { read: second * 100 }));
  assert.equal(fleet.total.perSecond, 100);
  for (let second = 0; second < 12; second++) await look(1000, replica("gw1", { read: 900 }));
  assert.equal(fleet.total.perSecond, 0);
});

test("a replica that starts again is measured anew, and what it wrote before still counts", async (t) => {
  const { fleet, look } = held(t);
  for (let second = 0; second < 10; second++) await look(1000, replica("gw1", { read: second * 100 }));
  await look(1000, replica("gw1", { read: 3, since: "2026-05-09T09:00:00Z" }));
  assert.deepEqual([fleet.total.perSecond, fleet.total.written], [undefined, 903]);
  for (let second = 1; second < 8; second++) await look(1000, replica("gw1", { read: 3 + second * 10, since: "2026-05-09T09:00:00Z" }));
  assert.equal(fleet.total.perSecond, 10);
});

test("a replica whose clock and counters went back is believed after a while", async (t) => {
  const { fleet, look } = held(t);
  await look(1000, replica("gw1", { read: 500 }));
  for (let second = 0; second < 8; second++) await look(1000, replica("gw1", { read: second, since: "2026-05-09T07:00:00Z" }));
  assert.equal(fleet.total.written, 507);
});

test("what was written does not go back when a replica leaves, is forgotten, or comes back", async (t) => {
  const { fleet, look, wait } = held(t);
  await look(1000, replica("gw1", { read: 300 }), replica("gw2", { read: 200 }));
  fleet.told({ replicas: [replica("gw1", { read: 300 })] });
  assert.equal(fleet.total.written, 500, "as it leaves");
  wait(100_000);
  await look(1000, replica("gw1", { read: 310 }));
  await look(1000, replica("gw1", { read: 310 }));
  assert.equal(fleet.members.size, 1);
  assert.equal(fleet.total.written, 510, "once it is forgotten");
  await look(1000, replica("gw1", { read: 310 }), replica("gw2", { read: 200 }));
  assert.equal(fleet.total.written, 510, "the same one, which had only stopped");
  await look(1000, replica("gw1", { read: 310 }), replica("gw2", { read: 5, dead: 900, since: "2026-05-09T09:00:00Z" }));
  assert.equal(fleet.total.written, 515, "one that started again, and read much that it did not write");
});

test("replicas that can't be seen are not gone", async (t) => {
  const { fleet, look } = held(t);
  await look(1000, replica("gw1", { partitions: [0] }), replica("gw2", { partitions: [1] }));
  t.mock.method(globalThis, "fetch", async () => Response.json({ replicas: [replica("gw1", { partitions: [0] })], complete: false }));
  for (let n = 0; n < 5; n++) await fleet.look();
  assert.match(fleet.problem, /without Redis/);
  assert.deepEqual([fleet.alive.length, fleet.owners().size], [2, 2]);
});

test("a look that found nothing says why, and what is known stays", async (t) => {
  const { fleet, look } = held(t);
  await look(1000, replica("gw1", { read: 300 }));
  t.mock.method(globalThis, "fetch", async () => Response.json({ detail: "redis is away" }, { status: 503 }));
  let looks = 0;
  fleet.addEventListener("look", () => looks++);
  await fleet.look();
  assert.deepEqual([fleet.problem, looks, fleet.total.written], ["redis is away", 1, 300]);
  t.mock.method(globalThis, "fetch", async () => Response.json({ replicas: [replica("gw1", { read: 301 })] }));
  await fleet.look();
  assert.deepEqual([fleet.problem, fleet.total.written], ["", 301]);
});

test("a letter is announced once, whoever knows of it already", async (t) => {
  const { look, announced } = held(t);
  await look(1000, replica("gw1", { read: 9, dead: 4 }));
  assert.equal(announced(), 0, "those that were there before are no news");
  for (const dead of [5, 4, 5, 4, 5]) await look(1000, replica("gw1", { read: 9, dead }));
  assert.equal(announced(), 1);
});

test("a letter of a replica that started again is announced", async (t) => {
  const { look, announced } = held(t);
  await look(1000, replica("gw1", { read: 900, dead: 4 }));
  await look(1000, replica("gw1", { read: 2, dead: 1, since: "2026-05-09T09:00:00Z" }));
  assert.equal(announced(), 1);
});

test("a letter that came with a move is announced", async (t) => {
  const { fleet, look, announced } = held(t);
  await look(1000, replica("gw1", { dead: 4 }));
  fleet.told({ replicas: [replica("gw1", { dead: 5, since: "2026-05-09T09:00:00Z" })] });
  assert.equal(announced(), 1);
  await look(1000, replica("gw1", { dead: 5, since: "2026-05-09T09:00:00Z" }));
  assert.equal(announced(), 1);
});

test("what the feed brings late does not take a replica back", async (t) => {
  const { fleet, look, wait, announced } = held(t);
  await look(1000, replica("gw1", { read: 500, dead: 5, partitions: [0, 1], since: "2026-05-09T09:00:00Z" }));
  wait(60_000);
  fleet.told({ replicas: [replica("gw1", { read: 400, dead: 4, partitions: [0] })] });
  await look(1000, replica("gw1", { read: 500, dead: 5, partitions: [0, 1], since: "2026-05-09T09:00:00Z" }));
  assert.deepEqual([fleet.total.written, fleet.owners().size, announced()], [500, 2, 0]);
});

test("a partition of a replica that was killed waits since its last beat", async (t) => {
  const { fleet, look, wait } = held(t);
  await look(1000, replica("gw1", { partitions: [0] }), replica("gw2", { partitions: [1] }));
  const told = Date.now();
  fleet.told({ replicas: [replica("gw1", { partitions: [0] })], moved: [{ partition: 1, from: "gw2", idle_ms: 3000 }] });
  assert.deepEqual([...fleet.free], [[1, told - 3000]]);
  wait(2000);
  fleet.told({ replicas: [replica("gw1", { partitions: [0, 1], since: "2026-05-09T09:00:00Z" })], moved: [{ partition: 1, from: "gw2", to: "gw1", idle_ms: 5000 }] });
  assert.deepEqual([...fleet.free], []);
});

test("partitions that a look finds without an owner count, and before the first look none does", async (t) => {
  const { fleet, look } = held(t);
  assert.equal(fleet.ownerless, 0);
  await look(1000, replica("gw1", { partitions: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }));
  assert.deepEqual([fleet.ownerless, fleet.free.size], [2, 0]);
});
