/**
 * One run of echo.js: a feed, its lines, and the reasons to end.
 */

import { RefusedError } from "../lib/errors.js";
import { connect } from "../lib/feed.js";
import { changeJson, changeLine, gapLine, json, photoLine, ratingLine, saidLine, verdict } from "./lines.js";
import { EXIT } from "./options.js";
import { SAVE_EVERY_MS, loadState, saveState } from "./state-file.js";
import { Talk } from "./talk.js";

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
  /** Where the feed stands, as it was last told. */
  #said = "";
  /** Something was said that did not come back. */
  #unheard = false;
  /** The server said no before anything came: something on the command line is wrong. */
  #refused = false;
  /** @type {Set<string>} followed, and neither in a snapshot nor changed: there may be no such product */
  #unknown = new Set();
  #over = false;
  /** The time of --for has passed. */
  #timeIsOver = false;
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
    void this.#say(new Talk(feed, (text) => this.#complain(text)));
    this.#watchProcess();
    if (options.timeoutMs > 0) this.#timers.push(setTimeout(() => this.#notLiveInTime(), options.timeoutMs));
    if (options.forMs !== undefined) this.#timers.push(setTimeout(() => this.#endInTime(), options.forMs));
    if (options.state !== undefined) this.#timers.push(setInterval(() => this.#save(), SAVE_EVERY_MS));
  }

  #listen() {
    const feed = this.#feed;
    feed.addEventListener("open", ({ detail: { replica, resumed, reset, missed, cursor } }) => {
      if (this.#options.json) this.#out(json("open", { replica, resumed, reset, missed: missed ?? null, cursor: cursor ?? null }));
      const how = reset ? "what was held cannot be continued, a snapshot comes" : resumed ? `continued${missed === undefined ? "" : `, ${missed} pieces of news since then follow`}` : "a snapshot";
      this.#talk(`connected to ${replica}: ${how}`);
    });
    feed.addEventListener("snapshot", ({ detail: { products, behind } }) => {
      const kept = behind > 0 ? `, ${behind} of them older than seen before and kept back` : "";
      if (!this.#onlyTalks) this.#talk(`snapshot of ${products} products${kept}`);
      this.#lookForUnknown();
    });
    feed.addEventListener("change", ({ detail }) => this.#change(detail));
    feed.addEventListener("rating", ({ detail }) => this.#rating(detail));
    feed.addEventListener("photo", ({ detail }) => this.#photo(detail));
    feed.addEventListener("gap", ({ detail }) => this.#out(this.#options.json ? json("gap", detail) : gapLine(detail, new Date())));
    feed.addEventListener("said", ({ detail }) => {
      if (this.#options.json) this.#out(json("said", detail));
      else if (!this.#options.quiet) this.#out(saidLine(detail, new Date()));
    });
    feed.addEventListener("state", ({ detail: { state, reason, retryInMs } }) => {
      this.#wasLive ||= state === "live";
      const said = `${state}${reason && `: ${reason}`}`;
      // Each try that fails for the same reason is one line only.
      if (state === "closed" || said === this.#said) return;
      this.#said = said;
      this.#talk(`${said}${retryInMs === undefined ? "" : `; trying again, next in ${retryInMs} ms`}`);
    });
    feed.addEventListener("error", ({ detail }) => {
      this.#complain(detail.message);
      this.#refused ||= detail instanceof RefusedError && !this.#wasLive;
      if (!detail.temporary) this.#end();
    });
  }

  /** @param {import("../lib/feed.js").Change} change */
  #change(change) {
    if (this.#over) return;
    this.#changes++;
    this.#unknown.delete(change.product_id);
    const { json: asJson, quiet, color, count } = this.#options;
    if (!quiet) this.#out(asJson ? changeJson(change, new Date()) : changeLine(change, new Date(), { color }));
    if (this.#changes === count) this.#end();
  }

  /** @param {import("../lib/shelf.js").RatingNews} news */
  #rating({ previous, ...news }) {
    const { json: asJson, quiet, color } = this.#options;
    const name = this.#feed.products.get(news.subject)?.name;
    if (!quiet && !this.#over) this.#out(asJson ? json("rating", { at: new Date().toISOString(), ...news }) : ratingLine({ ...news, previous }, name, new Date(), { color }));
  }

  /** @param {import("../lib/frames.js").PhotoChanged} news */
  #photo(news) {
    const { json: asJson, quiet, color } = this.#options;
    const name = this.#feed.products.get(news.product_id)?.name;
    if (!quiet && !this.#over) this.#out(asJson ? json("photo", { at: new Date().toISOString(), ...news }) : photoLine(news, name, new Date(), { color }));
  }

  /** An id that nobody has is a slip of the hand, most often; it may also be of a product that comes later. */
  #lookForUnknown() {
    if (this.#options.products === "all") return;
    const unknown = this.#options.products.filter((id) => !this.#feed.products.has(id));
    if (unknown.length > 0 && this.#unknown.size === 0) this.#complain(`no product is known by ${unknown.join(", ")}; waiting for its first change`);
    this.#unknown = new Set(unknown);
  }

  /** Whether it follows no product. */
  get #onlyTalks() {
    return this.#options.products.length === 0;
  }

  /** @param {Talk} talk */
  async #say(talk) {
    const { say, chat, forMs } = this.#options;
    if (say === undefined && !chat) return;
    const heard = await (say !== undefined ? talk.say(say) : talk.chat(process.stdin));
    this.#unheard ||= !heard;
    if (chat || !heard || forMs === undefined) this.#end();
  }

  /** @param {string} text */
  #complain(text) {
    process.stderr.write(`echo.js: ${text}\n`);
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

  #endInTime() {
    this.#timeIsOver = true;
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
      if ((this.#wasLive && !this.#onlyTalks) || !proof.holds) process.stderr.write(verdict(proof, this.#changes));
      if (this.#unknown.size > 0) this.#complain(`no product was seen of ${[...this.#unknown].join(", ")}: is the id right?`);
      if (!wasLive && !this.#wasLive && this.#timeIsOver) process.stderr.write(`echo.js: not live when the time of --for was over: ${state.reason || "no answer yet"}\n`);
      if (!wasLive && this.#wasLive) process.stderr.write(`echo.js: ended while not live (${state.state}${state.reason && `: ${state.reason}`})\n`);
    }
    const isWrong = this.#refused || (wasLive && !this.#unheard && this.#unknown.size > 0);
    const ended = isWrong ? EXIT.usage : wasLive && !this.#unheard ? EXIT.ok : EXIT.notLive;
    const code = proof.holds ? ended : EXIT.broken;
    // A socket that is closing may hold the process for seconds: what was said is out, so go.
    process.stdout.write("", () => process.exit(code));
    this.#resolve(code);
  }

  #save() {
    if (this.#options.state === undefined) return;
    try {
      saveState(this.#options.state, this.#feed.checkpoint());
    } catch (error) {
      process.stderr.write(`echo.js: ${/** @type {Error} */ (error).message}\n`);
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
