/**
 * The dashboard in a real browser without a server: its files as they lie here, answers and frames in the hands of a test.
 * For what only a browser knows (focus, clicks, what a live region is told), at moments that a real server would not keep to.
 */

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { frames, Visit } from "./browser.js";
import { until } from "./servers.js";

const CLIENTS = new URL("../../", import.meta.url);
/** Nobody listens there: every request is answered here. */
const ORIGIN = "http://localhost:9";
/** @type {Record<string, string>} */
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** @typedef {{method: string, path: string, body: string | null}} Asked */

export class Stage {
  /** What is answered under each address, as JSON: a value, or what a function makes of the question. @type {Record<string, any>} */
  answers = { "/healthz": "ok", "/products": { products: [] }, "/replicas": { replicas: [] }, "/replicas/log": { entries: [] }, "/dead-letters": { letters: [] } };
  /** @type {Asked[]} all that was asked for and answered, but for files */
  asked = [];
  /** @type {import("playwright-core").WebSocketRoute | undefined} */
  #line;
  /** Whether somebody answers on a line. */
  #up = true;
  /** @type {Visit | undefined} */
  #visit;

  /** @param {Record<string, any>} answers */
  constructor(answers) {
    Object.assign(this.answers, answers);
  }

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} view
   * @param {Record<string, any>} [answers]
   */
  static async open(browser, view, answers = {}) {
    const stage = new Stage(answers);
    const prepare = async (/** @type {import("playwright-core").Page} */ page) => {
      await page.route("**/*", (route) => stage.#answer(route));
      await page.routeWebSocket(/\/ws\?/, (line) => {
        stage.#line = line;
        if (!stage.#up) return;
        stage.tell("hello", { replica: "gw1", viewer: "me", epoch: "e1", heartbeat_ms: 60_000 });
        stage.tell("snapshot", { products: [], last: true }, "e1:0-1");
      });
    };
    stage.#visit = await Visit.open(browser, ORIGIN, { view, prepare, reducedMotion: "reduce" });
    await stage.#visit.live();
    return stage;
  }

  get page() {
    if (this.#visit === undefined) throw new Error("nobody visits yet");
    return this.#visit.page;
  }

  /** Ends the visit; nothing may have gone wrong. */
  async close() {
    await this.#visit?.close();
  }

  /** A frame for the page. @param {string} type @param {object} data @param {string} [cursor] */
  tell(type, data, cursor = "") {
    this.#line?.send(JSON.stringify({ type, cursor, data }));
  }

  /** Ends the line; who comes again is not answered. */
  async hangUp() {
    this.#up = false;
    await this.#line?.close();
  }

  /** How often a path was asked for. @param {string} path */
  count(path) {
    return this.asked.filter((one) => one.path === path).length;
  }

  /** Waits until a look at the replicas has been drawn since this was asked for. */
  async look() {
    const before = this.count("/replicas");
    await until("the replicas were looked at, and again", () => this.count("/replicas") > before + 1);
    await frames(this.page);
  }

  /** @param {import("playwright-core").Route} route */
  async #answer(route) {
    const request = route.request(), path = new URL(request.url()).pathname;
    if (path === "/" || /^\/(dashboard|lib)\//.test(path)) {
      const file = path === "/" ? "dashboard/index.html" : path.slice(1);
      return route.fulfill({ body: readFileSync(new URL(file, CLIENTS)), contentType: KINDS[extname(file)] });
    }
    const asked = { method: request.method(), path, body: request.postData() };
    const answer = this.answers[path];
    const json = typeof answer === "function" ? await answer(asked) : answer;
    await route.fulfill(json === undefined ? { status: 404, json: { detail: `nothing is at ${path}` } } : { json }).catch(() => {});
    if (json === undefined) this.#visit?.wrong.push(`asked for ${path}, where nothing is`);
    this.asked.push(asked);
  }
}
