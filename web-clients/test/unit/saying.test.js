import assert from "node:assert/strict";
import test from "node:test";
import { saidLine } from "../../echo/lines.js";
import { MAX_SAYING, sayable } from "../../lib/saying.js";

test("any character but control characters can be said", () => {
  for (const word of ["a", "«Grüße» 你好 مرحبا", "👩\u200d👩\u200d👧", "e\u0301\ufffd\u{10ffff}", "\u{1f469}".repeat(MAX_SAYING)]) {
    assert.equal(sayable(`  ${word}\n`), word);
  }
  for (const wrong of ["", " \u3000\t", "a\nb", "a\0", "\x1b[31m", "\x7f.", "a\x85b", "\ud800", "x".repeat(MAX_SAYING + 1)]) {
    assert.throws(() => sayable(wrong), TypeError, JSON.stringify(wrong));
  }
});

test("a line shows a word as it is, but for marks that would make it another line", () => {
  const at = new Date(2026, 0, 2, 3, 4, 5, 6);
  const line = (/** @type {string} */ text) => saidLine({ from: "gw1-7", text, at: "" }, at);
  assert.equal(line("👩\u200d👧 «é»"), "03:04:05.006  gw1-7: 👩\u200d👧 «é»\n");
  assert.equal(line("a\u202eb\u2028c\u2066"), "03:04:05.006  gw1-7: a\ufffdb\ufffdc\ufffd\n");
});
