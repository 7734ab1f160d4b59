/**
 * One run of echo.js: a feed, its lines, and the reasons to end.
 */

import { connect } from "../lib/feed.js";
import { changeJson, changeLine, gapLine, json, verdict } from "./lines.js";
import { EXIT } from "./options.js";
import { SAVE_EVERY_MS, loadState, saveState } from "./state-file.js";

/**
 * @param {import("./options.js").Options} options
 * @returns {Promise<number>} the exit code
 */
export async function run(options) {
  let checkpoint;
  try {
    checkpoint = options.state === undefined ? undefined : loadState(options.state);
    // A state that cannot be written is better known now than at the end.
    if (options.state !== undefined && checkpoint === undefined) saveState(options.state, { complete: false, products: [], scope: "all" });
  } catch (error) {
    process.stderr.write(`echo.js: ${/** @type {Error} */ (error).message}\n`);
    return EXIT.usage;
  }
  const { url, products, everyMs, cursor, transport } = options;
  const feed = connect(url, { products, everyMs, cursor, transport, checkpoint });
  return new Echo(feed, options).ended;
}

class Echo {
  /** @type {Promise<number>} */
  ended;
  #feed;
  #options;
  #changes = 0;
  #wasLive = false;
  #over = false;
  /** @type {(code: number) => void} */
  #resolve = () => {};
  /** @type {ReturnType<typeof setTimeout>[]} */
  #timers = [];

  /**
   * @param {import("../lib/feed.js").Feed} feed
   * @param {import("./options.js").Options} options
   */
  constructor(feed, options) {
    this.#feed = feed;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
    this.#listen();
    this.#watchProcess();
    if (options.timeoutMs > 0) this.#timers.push(setTimeout(() => this.#notLiveInTime(), options.timeoutMs));
    if (options.forMs !== undefined) this.#timers.push(setTimeout(() => this.#end(), options.forMs));
    if (options.state !== undefined) this.#timers.push(setInterval(() => this.#save(), SAVE_EVERY_MS));
  }

  #listen() {
    const feed = this.#feed;
    feed.addEventListener("open", ({ detail: { replica, resumed, reset, missed, cursor } }) => {
      if (this.#options.json) this.#out(json("open", { replica, resumed, reset, missed: missed ?? null, cursor: cursor ?? null }));
      const how = reset ? "what was held cannot be continued, a snapshot comes" : resumed ? `continued${missed === undefined ? "" : `, ${missed} entries were missed meanwhile`}` : "a snapshot";
      this.#talk(`connected to ${replica}: ${how}`);
    });
    feed.addEventListener("snapshot", ({ detail: { products, behind } }) => {
      const kept = behind > 0 ? `, ${behind} of them older than seen before and kept back` : "";
      this.#talk(`snapshot of ${products} products${kept}`);
    });
    feed.addEventListener("change", ({ detail }) => this.#change(detail));
    feed.addEventListener("gap", ({ detail }) => this.#out(this.#options.json ? json("gap", detail) : gapLine(detail, new Date())));
    feed.addEventListener("state", ({ detail: { state, reason, retryInMs } }) => {
      this.#wasLive ||= state === "live";
      const next = retryInMs === undefined ? "" : `; next try in ${retryInMs} ms`;
      if (state !== "closed") this.#talk(`${state}${reason && `: ${reason}`}${next}`);
    });
    feed.addEventListener("error", ({ detail }) => {
      process.stderr.write(`echo.js: ${detail.message}\n`);
      if (!detail.temporary) this.#end();
    });
  }

  /** @param {import("../lib/feed.js").Change} change */
  #change(change) {
    if (this.#over) return;
    this.#changes++;
    const { json: asJson, quiet, color, count } = this.#options;
    if (!quiet) this.#out(asJson ? changeJson(change, new Date()) : changeLine(change, new Date(), { color }));
    if (this.#changes === count) this.#end();
  }

  #watchProcess() {
    // Ctrl-C in a terminal may come twice: to this process, and once more from the outer one.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => this.#end());
    if (process.channel) process.once("disconnect", () => this.#end()).channel?.unref();
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error) => {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EPIPE") throw error;
        this.#end({ silent: true });
      });
    }
  }

  #notLiveInTime() {
    if (this.#wasLive) return;
    process.stderr.write(`echo.js: not live within ${this.#options.timeoutMs / 1000} s at ${this.#options.url}: ${this.#feed.state.reason || "no answer"}\n`);
    this.#end();
  }

  /** @param {{silent?: boolean}} [how] silent: nobody reads any more */
  #end({ silent = false } = {}) {
    if (this.#over) return;
    this.#over = true;
    this.#timers.forEach(clearTimeout);
    const { proof, state } = this.#feed;
    const wasLive = state.state === "live";
    this.#save();
    void this.#feed.close();
    if (!silent) {
      if (this.#options.json) this.#out(json("proof", { ...proof, changes: this.#changes, state: state.state }), true);
      if (this.#wasLive || !proof.holds) process.stderr.write(verdict(proof, this.#changes));
      if (!wasLive && this.#wasLive) process.stderr.write(`echo.js: ended while not live (${state.state}${state.reason && `: ${state.reason}`})\n`);
    }
    const code = proof.holds ? (wasLive ? EXIT.ok : EXIT.notLive) : EXIT.broken;
    // A socket that is closing may hold the process for seconds: what was said is out, so go.
    process.stdout.write("", () => process.exit(code));
    this.#resolve(code);
  }

  #save() {
    if (this.#options.state === undefined) return;
    try {
      saveState(this.#options.state, this.#feed.checkpoint());
    } catch (error) {
      process.stderr.write(`echo.js: --state: ${/** @type {Error} */ (error).message}\n`);
    }
  }

  /**
   * @param {string} text
   * @param {boolean} [last]
   */
  #out(text, last = false) {
    if (!this.#over || last) process.stdout.write(text);
  }

  /** @param {string} text */
  #talk(text) {
    if (!this.#options.quiet && !this.#over) process.stderr.write(`· ${text}\n`);
  }
}
