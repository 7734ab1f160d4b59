import assert from "node:assert/strict";
import test from "node:test";
import { Inbox } from "../../lib/inbox.js";
import { A, B, product } from "./helpers.js";

/**
 * @param {string} id
 * @param {number} version
 */
function change(id, version, missed = 0) {
  return { ...product(id, version), from: version, previous: product(id, version - 1), missed, snapshot: false };
}

test("a slow loop gets the newest state of each product, folded", async () => {
  const inbox = new Inbox();
  for (const one of [change(A, 2), change(B, 2), change(A, 3, 1), change(A, 4)]) inbox.push(one);
  assert.equal(inbox.size, 2);
  const { value } = await inbox.next();
  assert.deepEqual([value.product_id, value.version, value.from, value.previous.version, value.missed], [A, 4, 2, 1, 1]);
  assert.equal((await inbox.next()).value.product_id, B);
});

test("it is bounded by the number of products", () => {
  const inbox = new Inbox();
  for (let version = 2; version < 10_000; version++) inbox.push(change(A, version));
  assert.equal(inbox.size, 1);
});

test("a loop that waits gets each change at once, and ends with the feed", async () => {
  const inbox = new Inbox();
  const waiting = inbox.next();
  inbox.push(change(A, 2));
  assert.equal((await waiting).value.version, 2);
  const last = inbox.next();
  inbox.end();
  assert.deepEqual(await last, { value: undefined, done: true });
});

test("what waits is read before the error that ended the feed, which is thrown once", async () => {
  const inbox = new Inbox();
  inbox.push(change(A, 2));
  inbox.end(new Error("refused"));
  assert.equal((await inbox.next()).value.version, 2);
  await assert.rejects(inbox.next(), /refused/);
  assert.equal((await inbox.next()).done, true);
});

test("leaving the loop lets go of it", async () => {
  let left = 0;
  const inbox = new Inbox(() => left++);
  inbox.push(change(A, 2));
  for await (const _ of inbox) break;
  assert.equal(left, 1);
  inbox.push(change(A, 3));
  assert.equal(inbox.size, 0);
});
