/** The dashboard runs as it lies there: own files by relative address, nothing inline, no markup from texts. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const CLIENTS = new URL("../../", import.meta.url);
const page = readFileSync(new URL("dashboard/index.html", CLIENTS), "utf8");

/** @param {string} path from the folder of the clients */
const read = (path) => readFileSync(new URL(path, CLIENTS), "utf8");

/** Every module that `start` needs, itself included. @param {string} start @param {Set<string>} [seen] */
function reachable(start, seen = new Set()) {
  if (seen.has(start)) return seen;
  seen.add(start);
  for (const [, from] of read(start).matchAll(/^(?:import\s[^;"]*|export\s[^;"(=]*\sfrom\s)"([^"]+)";/gm)) {
    assert.match(from ?? "", /^\.\.?\//, `${start} imports ${from}`);
    reachable(new URL(from ?? "", new URL(start, CLIENTS)).pathname.slice(CLIENTS.pathname.length), seen);
  }
  return seen;
}

test("no file of the dashboard is left out of the page", () => {
  const files = readdirSync(new URL("dashboard/", CLIENTS), { recursive: true, encoding: "utf8" });
  const modules = reachable("dashboard/main.js");
  for (const file of files.filter((name) => name.endsWith(".js"))) assert.ok(modules.has(`dashboard/${file}`), `${file} is imported by nobody`);
  for (const file of files.filter((name) => name.endsWith(".css"))) assert.ok(page.includes(`href="/dashboard/${file}"`), `${file} is not in the page`);
});

test("nothing stands inline, and no text becomes markup", () => {
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?:|javascript:/);
  for (const path of reachable("dashboard/main.js")) {
    if (!path.startsWith("dashboard/")) continue;
    assert.doesNotMatch(read(path), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"|\bstyle: /, path);
  }
});
