/** echo.js from outside, as far as it goes without a server. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { readOptions } from "../../echo/options.js";
import { loadState, saveState } from "../../echo/state-file.js";
import { A, product } from "./helpers.js";

const ECHO = fileURLToPath(new URL("../../echo.js", import.meta.url));
/** Nothing listens on it: the discard port. */
const NOBODY = "http://127.0.0.1:9";

/**
 * @param {string[]} args
 * @returns {Promise<{code: number, stdout: string, stderr: string}>}
 */
function echo(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [ECHO, ...args], { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("wrong usage is one clear line on stderr and exit code 2", async () => {
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [["--bogus"], /Unknown option '--bogus'/],
    [["--ws", "--sse"], /--ws and --sse exclude each other/],
    [["--count", "0"], /--count takes a whole number from 1, not 0/],
    [["--count"], /--count/],
    [["--every", "fast"], /--every takes a whole number/],
    [["--every", "60001"], /--every takes a whole number from 0 to 60000, not 60001/],
    [["--for", "0"], /--for takes a time longer than 0/],
    [["--for", "3 weeks"], /--for takes a time like/],
    [["--for", "1000h"], /at most 24 days/],
    [["--timeout", "-1"], /--timeout/],
    [["--product", "7"], /--product takes a product's id/],
    [["--cursor", "x", "--state", "y"], /exclude each other/],
    [["ftp://host"], /not an http address: ftp/],
    [["http://a", "http://b"], /one URL, not 2/],
    [["--say", " "], /--say: a word has 1 to 280 characters and no control characters/],
    [["--say", "hello", "--sse"], /--say and --chat need a WebSocket/],
    [["--chat", "--say", "hello"], /--say and --chat exclude each other/],
  ])) {
    const { code, stdout, stderr } = await echo(...args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, said);
    assert.deepEqual(stderr.trimEnd().split("\n").length, 2, stderr);
  }
});

test("help and version go to stdout and exit with 0", async () => {
  const help = await echo("--help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Usage: node echo\.js \[URL\]/);
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.deepEqual(await echo("--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("no connection within the timeout is exit code 3, over both transports", async () => {
  for (const transport of ["--ws", "--sse"]) {
    const { code, stdout, stderr } = await echo(NOBODY, transport, "--timeout", "0.6");
    assert.equal(code, 3, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /not live within 0\.6 s/);
    assert.doesNotMatch(stderr, /no version was missed/, "nothing was proven");
  }
});

test("a signal to the outer process ends the inner one, whose exit code it keeps", async () => {
  const child = spawn(process.execPath, [ECHO, NOBODY, "--timeout", "0"], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise((resolve) => child.stderr.once("data", resolve));
  child.kill("SIGINT");
  const code = await new Promise((resolve) => child.on("exit", resolve));
  assert.equal(code, 3);
});

test("killing the outer process leaves no inner one behind", { skip: process.platform !== "linux" && "reads /proc" }, async (t) => {
  if (Number(process.versions.node.split(".")[0]) >= 22) return t.diagnostic("this Node needs no inner process");
  const child = spawn(process.execPath, [ECHO, NOBODY, "--timeout", "0"], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise((resolve) => child.stderr.once("data", resolve));
  const inner = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  assert.match(inner, /^\d+$/);
  const gone = new Promise((resolve) => child.stderr.once("close", resolve));
  child.kill("SIGKILL");
  await gone;
});

test("options: address from argument, environment, default", () => {
  /** @param {string[]} args @param {Record<string, string>} [env] */
  const url = (args, env = {}) => readOptions(args, env, false).url.href;
  assert.equal(url([]), "http://localhost:8080/");
  assert.equal(url([], { SHELFWIRE_URL: "https://shelf.example" }), "https://shelf.example/");
  assert.equal(url(["localhost:8081"], { SHELFWIRE_URL: "https://shelf.example" }), "http://localhost:8081/");
});

test("options: times, colour, products", () => {
  const { forMs, products, everyMs, color } = readOptions(["--for", "1.5m", "--product", A.toUpperCase(), "--product", A, "--every", "250"], {}, true);
  assert.deepEqual([forMs, products, everyMs, color], [90_000, [A, A], 250, true]);
  assert.equal(readOptions(["--for", "30"], {}, true).forMs, 30_000);
  assert.equal(readOptions([], { NO_COLOR: "1" }, true).color, false);
  assert.equal(readOptions(["--no-color"], {}, true).color, false);
  assert.equal(readOptions([], {}, undefined).color, false);
});

test("a state is read back as it was written; something else is refused and left alone", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "shelfwire-state-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "state.json");
  assert.equal(loadState(path), undefined);
  const checkpoint = { cursor: "e1:5-0", complete: true, scope: /** @type {const} */ ("all"), products: [product(A, 3)] };
  saveState(path, checkpoint);
  assert.deepEqual(loadState(path), checkpoint);
  writeFileSync(path, "my shopping list");
  const { code, stderr } = await echo(NOBODY, "--sse", "--state", path);
  assert.equal(code, 2);
  assert.match(stderr, /is not a state file/);
  assert.equal(readFileSync(path, "utf8"), "my shopping list");
  assert.equal((await echo(NOBODY, "--sse", "--state", join(folder, "no", "such"))).code, 2);
});
