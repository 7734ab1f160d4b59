/** The declarations in types/ are those that lib/ has now. Needs `npm ci`. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { writeTypes } from "./write.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @param {string} folder */
function contents(folder) {
  return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

test("the kept declarations are not stale", (t) => {
  assert.ok(existsSync(join(root, "node_modules/typescript")), "TypeScript is missing: run `npm ci` in web-clients, or `make test` at the top");
  const fresh = mkdtempSync(join(tmpdir(), "shelfwire-types-"));
  t.after(() => rmSync(fresh, { recursive: true }));
  writeTypes(fresh);
  assert.deepEqual(contents(join(root, "types")), contents(fresh), "run `npm run types` in web-clients and commit types/");
});
