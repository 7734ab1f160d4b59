/**
 * A real browser for a test: the distribution's Chromium, pages of it that notice whatever a visitor's console would say
 * (errors, broken content policy, requests that leave the server), and axe-core, which finds what keeps people out.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { until } from "./servers.js";

/** Where distributions put it; SHELFWIRE_TEST_CHROMIUM names another. */
const PATHS = [process.env.SHELFWIRE_TEST_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** What looks for barriers. */
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What the console says of an answer that the gateway gives by contract while something is away for a moment: the page asks again. */
const AWAY = /^console: Failed to load resource: the server responded with a status of 503 \([^()]*\)$/;

/** The niceness of what goes first. */
const FIRST = -15;

/** @returns {Promise<import("playwright-core").Browser>} */
export async function launch() {
  const path = PATHS.find((candidate) => candidate && existsSync(candidate));
  assert.ok(path, "these tests need Chromium: `make test` installs it, or SHELFWIRE_TEST_CHROMIUM names one");
  // As root, as in a container, its sandbox cannot start.
  return chromium.launch({ executablePath: path, chromiumSandbox: process.getuid?.() !== 0 });
}

/**
 * Lets a browser go before everything else on this machine, as if it had one of its own, as a viewer's has. Linux shares
 * processors among sessions first (its autogroups), and a browser is a session here.
 * @param {import("playwright-core").Browser} browser
 * @returns {Promise<boolean>} whether it does
 */
export async function goFirst(browser) {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  await devtools.detach();
  const first = (/** @type {number} */ id) => readFileSync(`/proc/${id}/autogroup`, "utf8").trim().endsWith(` nice ${FIRST}`);
  // where a group of its own limits what runs here, sessions are not looked at
  const free = (/** @type {number} */ id) => readFileSync(`/proc/${id}/cgroup`, "utf8").split("\n").every((line) => !/^\d+:(cpu|cpu,cpuacct|):./.test(line) || line.endsWith(":/"));
  try {
    for (const { id } of processInfo) if (!first(id)) writeFileSync(`/proc/${id}/autogroup`, `${FIRST}`);
    return readFileSync("/proc/sys/kernel/sched_autogroup_enabled", "utf8").trim() === "1" && processInfo.every(({ id }) => first(id) && free(id));
  } catch {
    return false;
  }
}

/** One page of the dashboard, in a context of its own, and what went wrong in it. */
export class Visit {
  /** @type {string[]} */
  wrong = [];
  /** @type {string[]} messages that this test causes on purpose */
  #expected = [];

  /**
   * @param {import("playwright-core").BrowserContext} context
   * @param {import("playwright-core").Page} page
   */
  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} url
   * @param {{view?: string, prepare?: (page: import("playwright-core").Page) => Promise<void>} & import("playwright-core").BrowserContextOptions} [options]
   *   `prepare`: what is done to the page before it goes there
   */
  static async open(browser, url, { view = "", prepare, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    const page = await context.newPage();
    const visit = new Visit(context, page);
    page.on("console", (message) => message.type() === "error" && visit.wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => visit.wrong.push(`uncaught: ${error.stack}`));
    page.on("request", (request) => {
      if (new URL(request.url()).host !== new URL(url).host) visit.wrong.push(`asked ${request.url()}`);
    });
    await page.exposeFunction("tellViolation", (/** @type {string} */ what) => visit.wrong.push(`policy: ${what}`));
    await page.addInitScript("addEventListener('securitypolicyviolation', (e) => tellViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))");
    await prepare?.(page);
    await page.goto(`${url}/${view}`);
    return visit;
  }

  /** @param {string} words part of a message that is no fault here: a replica is killed under the page */
  expect(words) {
    this.#expected.push(words);
  }

  /** Waits until the page says that it is live. */
  async live() {
    await until("the page is live", async () => (await this.page.locator("#standing").textContent()) === "live");
    return this;
  }

  /** @param {string} id the card of this product, or its place in the product's page */
  card(id) {
    return this.page.locator(`.card[data-id="${id}"]`);
  }

  /** What the proof says, by name. @returns {Promise<Record<string, string>>} */
  proof() {
    return this.page.evaluate(() => Object.fromEntries([...document.querySelectorAll("#proof dt")].map((dt) => [dt.textContent ?? "", dt.nextElementSibling?.textContent ?? ""])));
  }

  /** Ends the visit; nothing may have gone wrong. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.wrong.filter((what) => !AWAY.test(what) && !this.#expected.some((words) => what.includes(words))), []);
  }
}

/** Returns once all that was asked for is drawn. @param {import("playwright-core").Page} page */
export const frames = (page) => page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));

/** What axe finds that keeps people out. @param {import("playwright-core").Page} page */
export async function serious(page) {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const found = await page.evaluate(async () => {
    // @ts-expect-error axe was put there a moment ago
    const { violations } = await globalThis.axe.run(document);
    return violations.map((/** @type {any} */ { id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map((/** @type {any} */ node) => `${node.html.slice(0, 160)} ${node.failureSummary}`) }));
  });
  return found.filter((/** @type {any} */ { impact }) => impact === "serious" || impact === "critical");
}
