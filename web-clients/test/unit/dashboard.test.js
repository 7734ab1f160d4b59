/** The dashboard runs as it lies there: own files by relative address, nothing inline, no markup from texts. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const CLIENTS = new URL("../../", import.meta.url);

/** @param {string} path from the folder of the clients */
const read = (path) => readFileSync(new URL(path, CLIENTS), "utf8");

/** The dashboard and the page of addresses: what each is, and the module with which it starts. */
const PAGES = [["dashboard/index.html", "dashboard/main.js"], ["dashboard/docs.html", "dashboard/docs.js"]].map(([html, main]) => ({ html: read(html ?? ""), main: main ?? "" }));

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

/** Every module of all pages. */
function modules() {
  const seen = new Set();
  for (const { main } of PAGES) reachable(main, seen);
  return seen;
}

test("no file of the dashboard is left out of its pages", () => {
  const files = readdirSync(new URL("dashboard/", CLIENTS), { recursive: true, encoding: "utf8" });
  const used = modules();
  for (const file of files.filter((name) => name.endsWith(".js"))) assert.ok(used.has(`dashboard/${file}`), `${file} is imported by nobody`);
  for (const file of files.filter((name) => name.endsWith(".css"))) assert.ok(PAGES.some(({ html }) => html.includes(`href="/dashboard/${file}"`)), `${file} is in no page`);
  for (const { html, main } of PAGES) assert.ok(html.includes(`src="/${main}"`), `${main} starts no page`);
});

test("nothing stands inline, and no text becomes markup", () => {
  for (const { html } of PAGES) assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?:|javascript:/);
  for (const path of modules()) {
    if (!path.startsWith("dashboard/")) continue;
    assert.doesNotMatch(read(path), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"|\bstyle: /, path);
  }
});
