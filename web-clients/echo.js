#!/usr/bin/env node
/**
 * Prints every price and stock change as it comes, and proves on exit that none was missed. `--help` says how.
 *
 * Node 20 has a WebSocket only behind a flag: then this program runs itself once more with that flag, and passes on
 * signals and the exit code. So it needs nothing but Node: no install.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { EXIT, HELP, UsageError, VERSION, readOptions } from "./echo/options.js";
import { run } from "./echo/run.js";

const FLAG = "--experimental-websocket";
const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
  let options;
  try {
    options = readOptions(args, process.env, process.stdout.isTTY);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`echo.js: ${error.message}\nTry: node echo.js --help\n`);
    return EXIT.usage;
  }
  if (options.show) {
    process.stdout.write(options.show === "help" ? HELP : `${VERSION}\n`);
    return EXIT.ok;
  }
  if (options.transport === "sse" || typeof WebSocket === "function") return run(options);
  if (process.execArgv.includes(FLAG)) {
    process.stderr.write(`echo.js: this Node (${process.version}) has no WebSocket even with ${FLAG}: use --sse, or Node 20.10 or newer\n`);
    return EXIT.usage;
  }
  return again(args);
}

/**
 * Runs this program with the flag. Ctrl-C reaches both processes; the inner one decides when to end.
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
function again(args) {
  const argv = [...process.execArgv, FLAG, "--no-warnings", fileURLToPath(import.meta.url), ...args];
  // The channel tells the inner one when this one is killed.
  const inner = spawn(process.execPath, argv, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  for (const signal of SIGNALS) process.on(signal, () => inner.kill(signal));
  return new Promise((resolve, reject) => {
    inner.on("error", reject);
    inner.on("exit", (code, signal) => {
      if (signal === null) return resolve(code ?? EXIT.ok);
      for (const name of SIGNALS) process.removeAllListeners(name);
      process.kill(process.pid, signal);
    });
  });
}
