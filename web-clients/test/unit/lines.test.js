import assert from "node:assert/strict";
import test from "node:test";
import { changeJson, changeLine, gapLine, photoLine, ratingLine, verdict } from "../../echo/lines.js";
import { formatMoney } from "../../lib/money.js";
import { A, product } from "./helpers.js";

const AT = new Date(2026, 0, 2, 3, 4, 5, 6);
const CHANGE = { ...product(A, 18), name: "Oat Milk 1 l", price_minor: 219, stock: 13, from: 18, age_ms: 12, missed: 0, snapshot: false,
  previous: { ...product(A, 17), price_minor: 199, stock: 14 } };
const PLAIN = { color: false, locale: "en" };

test("a line has time, name, short id, old and new price and stock, version and age", () => {
  assert.equal(changeLine(CHANGE, AT, PLAIN), "03:04:05.006  Oat Milk 1 l (0a000000)  €1.99 ▶ €2.19  stock 14 ▶ 13  v18  12 ms\n");
});

test("what did not move is written once, what was not known has no old value", () => {
  const same = { ...CHANGE, previous: { ...CHANGE.previous, price_minor: 219 } };
  assert.match(changeLine(same, AT, PLAIN), /\)  €2\.19  stock 14 ▶ 13 /);
  assert.match(changeLine({ ...CHANGE, previous: undefined, age_ms: undefined }, AT, PLAIN), /\)  ▶ €2\.19  stock ▶ 13  v18\n$/);
});

test("a name cannot steer the terminal", () => {
  const line = changeLine({ ...CHANGE, name: "a\x1b[2J\r\nb\u202ec" }, AT, PLAIN);
  assert.ok(line.includes("a\ufffd[2J\ufffd\ufffdb\ufffdc"), line);
});

test("colours mark rise and fall, and only on request", () => {
  assert.match(changeLine(CHANGE, AT, { ...PLAIN, color: true }), /\x1b\[32m€2\.19\x1b\[0m.*\x1b\[31m13\x1b\[0m/);
  assert.doesNotMatch(changeLine(CHANGE, AT, PLAIN), /\x1b/);
});

test("JSON lines carry every field and what was before", () => {
  const line = JSON.parse(changeJson(CHANGE, AT));
  assert.deepEqual([line.type, line.version, line.from, line.age_ms, line.old], ["change", 18, 18, 12, { version: 17, price_minor: 199, currency: "EUR", stock: 14 }]);
  assert.equal(JSON.parse(changeJson({ ...CHANGE, previous: undefined }, AT)).old, null);
});

test("a rating is told with its average and how many there are", () => {
  const rating = { subject: A, average: 7.125, window: 10, count: 512, sum: 3000 };
  assert.equal(ratingLine({ ...rating, previous: { ...rating, average: 6.8 } }, "Oat\u0007 Milk", AT, { color: false }),
    "03:04:05.006  Oat\ufffd Milk (0a000000)  rated 6.8 ▶ 7.1  the last 10 of 512 ratings\n");
  assert.equal(ratingLine({ ...rating, subject: "site", count: 1, previous: undefined }, undefined, AT, { color: false }),
    "03:04:05.006  site  rated ▶ 7.1  1 rating\n");
});

test("a photo is told by the first digits of its hash, or that there is none", () => {
  const news = { product_id: A, photo: "4be1f02a97c3".padEnd(64, "0"), revision: 2 };
  assert.equal(photoLine(news, "Oat\u0007 Milk", AT, { color: false }),
    "03:04:05.006  Oat\ufffd Milk (0a000000)  photo_changed ▶ 4be1f02a97c3  revision 2\n");
  assert.equal(photoLine({ ...news, photo: null }, undefined, AT, { color: false }), "03:04:05.006  0a000000  photo_changed ▶ none  revision 2\n");
});

test("a gap is told with its place", () => {
  assert.equal(gapLine({ topic: "product-changes", partition: 3, offset: 17, reason: "empty", product_id: A }, AT),
    `03:04:05.006  gap: a change of product ${A} lies in the dead letters (empty, product-changes partition 3, offset 17)\n`);
});

test("the last words say whether the proof holds", () => {
  const proof = { frames: 9, missed: 0, regressions: 0, duplicates: 3, resets: 0, resumes: 1, holds: true };
  assert.equal(verdict(proof, 6), "6 changes: no version was missed, none went back (1 resume, 3 repeats dropped)\n");
  assert.equal(verdict({ ...proof, missed: 1, holds: false, resumes: 0, duplicates: 0 }, 1), "1 change: BROKEN: 1 version missed, 0 went back\n");
});

test("money has the decimals of ISO 4217, also where daily use has fewer", () => {
  assert.equal(formatMoney(123456, "EUR", "en"), "€1,234.56");
  assert.equal(formatMoney(1234, "JPY", "en"), "¥1,234");
  assert.equal(formatMoney(1234, "KWD", "en"), "KWD 1.234".replace(" ", "\u00a0"));
  assert.equal(formatMoney(123456, "HUF", "en"), "HUF 1,234.56".replace(" ", "\u00a0"));
});
