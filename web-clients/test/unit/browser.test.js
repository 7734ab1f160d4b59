/** The library runs in a browser as it lies there: relative imports of its own files, and nothing of Node. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const LIB = new URL("../../lib/", import.meta.url);
const files = readdirSync(LIB).filter((name) => name.endsWith(".js"));

test("lib imports only its own files, by relative address", () => {
  for (const file of files) {
    const text = readFileSync(new URL(file, LIB), "utf8");
    for (const [, from] of text.matchAll(/^(?:import\s|export\s[^;"]*?\sfrom\s)[^;"]*"([^"]+)"/gm)) {
      assert.match(from ?? "", /^\.\/[a-z-]+\.js$/, `${file} imports ${from}`);
      assert.ok(files.includes((from ?? "").slice(2)), `${file} imports ${from}`);
    }
    assert.doesNotMatch(text, /\b(?:process|Buffer|require|__dirname)\b[.(]/, file);
  }
});

test("the package has no dependency to install, and its lock names no registry", () => {
  const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal(own.dependencies, undefined);
  assert.doesNotMatch(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"), /https?:|"resolved"/);
});
