/** What is under somebody's hand stays there while the page goes on, and what is read aloud is read once. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frames, launch } from "./browser.js";
import { giveToken, letter, OUTCOMES, product, replica, SINCE, TOKEN } from "./props.js";
import { until } from "./servers.js";
import { Stage } from "./stage.js";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const LOW = [0, 1, 2, 3, 4, 5], HIGH = [6, 7, 8, 9, 10, 11];

/** Counts what is put in or changed below an element from now on. @param {import("playwright-core").Locator} locator */
const watch = (locator) => locator.evaluate((element) => {
  const told = Object.assign(globalThis, { told: { added: 0, changed: 0 } }).told;
  new MutationObserver((records) => records.forEach(({ addedNodes, removedNodes, type }) => {
    told.added += addedNodes.length;
    told.changed += addedNodes.length + removedNodes.length + Number(type === "characterData");
  })).observe(element, { subtree: true, childList: true, characterData: true });
});
/** @param {Stage} stage @returns {Promise<{added: number, changed: number}>} */
const told = ({ page }) => page.evaluate(() => /** @type {any} */ (globalThis).told);

test("a button of a replica keeps the focus and takes a slow click, while the figures change", async () => {
  const stage = await Stage.open(browser, "#replicas", { "/replicas": { replicas: [replica("gw1", LOW), replica("gw2", HIGH)] }, "/replicas/gw2/drain": {} });
  const { page } = stage;
  await giveToken(stage, TOKEN);
  const drain = page.getByRole("row", { name: /gw2/ }).getByRole("button");
  // the token comes with the next frame, and what is disabled takes no focus
  await until("it can be pressed", () => drain.isEnabled());
  await drain.focus();
  stage.answers["/replicas"] = { replicas: [replica("gw1", LOW, { viewers: 7 }), replica("gw2", HIGH, { viewers: 8 })] };
  const viewers = page.locator(".figures tr", { hasText: "gw2" }).locator("td").nth(3);
  await until("the figures are new", async () => (await viewers.textContent()) === "8");
  assert.ok(await drain.evaluate((button) => button === document.activeElement), "the focus is lost");
  // one is gone and its partitions are free: waits are counted ten times a second
  stage.answers["/replicas"] = { replicas: [replica("gw2", HIGH)] };
  stage.tell("replicas_changed", { replicas: [replica("gw2", HIGH)], moved: LOW.map((partition) => ({ partition, from: "gw1", idle_ms: 3000 })) });
  const wait = page.locator(".chip .wait").first();
  const waited = async () => Number.parseFloat(await wait.textContent() || "0");
  const first = await until("the wait is counted", waited);
  assert.ok(first >= 3, `it is counted from the last beat, not from ${first} s ago`);
  await until("the hint is there", async () => /make up/.test(await page.locator(".hints").textContent() ?? ""));
  const box = await drain.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await stage.look();
  await until("the wait goes on", async () => await waited() > first);
  await page.mouse.up();
  await until("it was asked to drain", () => stage.count("/replicas/gw2/drain") === 1);
  await stage.close();
});

test("nothing is said of partitions before the first answer; one without an owner is told wherever it was seen", async () => {
  let answer = () => {};
  const first = new Promise((resolve) => { answer = () => resolve({ replicas: [replica("gw1", LOW)] }); });
  const stage = await Stage.open(browser, "#replicas", { "/replicas": () => first });
  const { page } = stage;
  await page.locator(".chip").first().waitFor({ state: "attached" });
  assert.equal(await page.locator(".replicas > .told").textContent(), "");
  answer();
  await until("it says so", async () => (await page.locator(".replicas > .told").textContent()) === "6 of 12 partitions wait for an owner.");
  await page.goto(`${page.url().split("#")[0]}#flow`);
  await until("it says so here, too", async () => /6 partitions have no owner/.test(await page.locator(".degraded [role=status]").textContent() ?? ""));
  await stage.close();
});

test("whoever corrects a dead letter keeps the field, the caret and the words, however many others come", async () => {
  const stage = await Stage.open(browser, "#letters", {
    "/replicas": { replicas: [replica("gw1", LOW)] }, "/dead-letters": { letters: [letter(1, "one"), letter(0, "zero")] }, "/dead-letters/0/1": letter(1, "one"),
  });
  const { page } = stage;
  await page.locator("summary", { hasText: "product-changes/0/1" }).click();
  const field = page.locator(".letters-list textarea:enabled");
  await field.focus();
  await page.keyboard.press("Home");
  await page.keyboard.type("number ");
  stage.answers["/dead-letters"] = { letters: [letter(2, "two"), letter(1, "one"), letter(0, "zero")] };
  stage.answers["/replicas"] = { replicas: [replica("gw1", LOW, { outcomes: { ...OUTCOMES, poison: 1 } })] };
  await until("the other one is there", async () => (await page.locator(".letters-list > li").count()) === 3);
  await page.keyboard.type("plus ");
  stage.answers["/dead-letters"] = { letters: [letter(4, "four"), letter(3, "three")] };
  stage.answers["/replicas"] = { replicas: [replica("gw1", LOW, { outcomes: { ...OUTCOMES, poison: 3 } })] };
  await until("newer ones have pushed the others off the list", async () => (await page.locator(".letters-list summary").allTextContents())
    .map((words) => words.match(/product-changes\/0\/\d/)?.[0].slice(-1)).join() === "4,3,1");
  await page.keyboard.type("more ");
  assert.equal(await field.inputValue(), "number plus more one");
  await stage.close();
});

test("a dead letter goes back whole: as it was without a word, and corrected without its layout", async () => {
  const long = JSON.stringify({ name: "x".repeat(5000), stock: -1 }), twice = '{"stock":1,"stock":2}';
  const stage = await Stage.open(browser, "#letters", {
    "/dead-letters": { letters: [letter(1, long.slice(0, 4096), { value_bytes: long.length }), letter(0, twice, { cut: 70_000, redrives: 1 })] },
    "/dead-letters/0/1": letter(1, long), "/dead-letters/0/0": letter(0, twice, { cut: 70_000, redrives: 1 }),
    "/dead-letters/0/1/redrive": { partition: 0, offset: 1, redrives: 1 }, "/dead-letters/0/0/redrive": { partition: 0, offset: 0, redrives: 2 },
  });
  const { page } = stage;
  const bodies = (/** @type {string} */ path) => stage.asked.filter((one) => one.path === `/dead-letters/${path}/redrive`).map(({ body }) => body && JSON.parse(body).value);
  await giveToken(stage, TOKEN);
  const cut = page.locator(".letters-list li").nth(1), whole = page.locator(".letters-list li").nth(0);
  await cut.locator("summary").click();
  await cut.locator("textarea:enabled").waitFor();
  assert.equal(await cut.locator("textarea").inputValue(), twice);
  await cut.getByRole("button").click();
  await until("it is sent as it was", () => bodies("0/0").length === 1);
  assert.deepEqual(bodies("0/0"), [null]);
  await page.locator(".toast", { hasText: "for the 2nd time" }).waitFor();
  await until("the letter counts it", async () => /Sent back2 times/.test(await cut.locator("dl").textContent() ?? ""));
  await whole.locator("summary").click();
  const field = whole.locator("textarea:enabled");
  await field.fill((await field.inputValue()).replace('"stock": -1', '"stock": 1'));
  await whole.getByRole("button").click();
  await page.locator(".toast", { hasText: "for the first time" }).waitFor();
  await whole.getByRole("button").click();
  await until("it is sent again", () => bodies("0/1").length === 2);
  const corrected = long.replace('"stock":-1', '"stock":1');
  assert.deepEqual(bodies("0/1"), [corrected, corrected]);
  await stage.close();
});

test("after pinning by key the focus is on the pin of the card, wherever that went", async () => {
  const products = Array.from({ length: 200 }, (_, n) => product(n));
  const changes = Object.fromEntries(products.map(({ product_id }) => [`/products/${product_id}/changes`, { changes: [] }]));
  const stage = await Stage.open(browser, "#shelf", { "/products": { products }, ...changes });
  const { page } = stage;
  const pinned = () => page.evaluate(() => document.activeElement?.closest(".card .pin") && document.activeElement.closest(".card")?.getAttribute("data-id"));
  await page.locator(".card").nth(6).locator(".pin").focus();
  const near = await pinned();
  await page.keyboard.press("Enter");
  await until("its card is the first", async () => (await page.locator(".card").first().getAttribute("data-id")) === near);
  assert.equal(await pinned(), near);
  // far down, where the first card is not in the page
  await page.evaluate(() => scrollTo(0, 4000));
  await until("other cards are there", async () => (await page.locator(`.card[data-id="${near}"]`).count()) === 0);
  // the page may still be drawing: one counts that is wholly in view and has kept the focus for two frames
  const far = await until("the pin of one of them has the focus", async () => {
    const id = await page.evaluate(() => [...document.querySelectorAll(".card")].find((card) => {
      const { top, bottom } = card.getBoundingClientRect();
      return top > 100 && bottom < innerHeight;
    })?.getAttribute("data-id"));
    if (!id) return;
    await page.locator(`.card[data-id="${id}"] .pin`).focus({ timeout: 1000 }).catch(() => {});
    await frames(page);
    return await pinned() === id && id;
  });
  assert.notEqual(far, near);
  await page.keyboard.press("Space");
  await until("its card is at the top", async () => Number(await page.locator(`.card[data-id="${far}"]`).getAttribute("aria-posinset")) <= 2);
  assert.equal(await pinned(), far);
  await stage.close();
});

test("a word is put into the live list once, and 200 stay", async () => {
  const stage = await Stage.open(browser, "#talk");
  await watch(stage.page.locator(".words"));
  for (let n = 1; n <= 203; n++) stage.tell("said", { from: "them", text: `word ${n}`, at: SINCE });
  const last = stage.page.locator(".words li").last();
  await until("the last one is there", async () => /word 203/.test(await last.textContent() ?? ""));
  stage.tell("said", { from: "them", text: "one more", at: SINCE });
  await until("one more is there", async () => /one more/.test(await last.textContent() ?? ""));
  assert.equal(await stage.page.locator(".words li").count(), 200);
  assert.ok((await told(stage)).added <= 204, `${(await told(stage)).added} were put in`);
  await stage.close();
});

test("how long something is away runs on beside what is read aloud", async () => {
  const stage = await Stage.open(browser, "#flow", { "/replicas": { replicas: [replica("gw1", [...LOW, ...HIGH], { lag: 5000 })] } });
  const { page } = stage;
  const status = page.locator(".degraded [role=status]"), box = page.locator(".degraded");
  stage.tell("status", { away: [{ what: "redis", since: new Date().toISOString() }] });
  await until("it is told", async () => /redis is away.*wait in Kafka/s.test(await status.textContent() ?? ""));
  await watch(status);
  const seen = new Set();
  await until("its time runs", async () => seen.add(await box.textContent()).size > 3);
  assert.equal((await told(stage)).changed, 0, "it is read aloud again and again");
  await stage.close();
});

test("figures of a plot are no live region, and a wait of three seconds is in a histogram's last bar", async () => {
  const stage = await Stage.open(browser, "#try");
  const found = await stage.page.evaluate(async () => {
    // @ts-expect-error addresses of the page, not of this file
    const [{ Plot }, { Histogram }] = await Promise.all([import("/dashboard/parts/plot.js"), import("/dashboard/parts/histogram.js")]);
    const plot = new Plot("Price", String), histogram = new Histogram("Stage", "");
    histogram.show([3000]);
    const bars = [...histogram.element.querySelectorAll(".bars i")].map((bar) => bar.style.getPropertyValue("--share"));
    return { live: plot.element.querySelectorAll("output, [aria-live], [role=status]").length, last: bars.at(-1) };
  });
  assert.deepEqual(found, { live: 0, last: "1" });
  await stage.close();
});

test("what needs the admin token waits for one and says so; a wrong one is named as what it is", async () => {
  const stage = await Stage.open(browser, "#letters", {
    "/replicas": { replicas: [replica("gw1", LOW), replica("gw2", HIGH)] }, "/dead-letters": { letters: [letter(1, "one"), letter(0, "zero")] }, "/dead-letters/0/1": letter(1, "one"),
  });
  const { page } = stage;
  await until("they are counted", async () => /^2 letters\. New ones/.test(await page.locator(".letters > .told").textContent() ?? ""));
  await page.locator("summary", { hasText: "product-changes/0/1" }).click();
  const back = page.locator(".letters-list button").first(), note = page.locator(".letters-list .note").first();
  assert.ok(await back.isDisabled(), "it can be pressed without a token");
  assert.match(await note.textContent() ?? "", /needs the admin token/);
  const told = page.locator(".token [role=status]");
  for (const [typed, why] of /** @type {[string, RegExp][]} */ ([["tök€n-of-16-chars", /its 2nd character/], ["short", /at least 16 characters.*this one has 5/]])) {
    await giveToken(stage, typed);
    assert.match(await told.textContent() ?? "", why);
    assert.equal(await page.locator("#token").inputValue(), typed, "what was typed stays");
    assert.ok(await back.isDisabled());
  }
  await giveToken(stage, TOKEN);
  assert.match(await told.textContent() ?? "", /not known yet/);
  assert.ok(await back.isEnabled());
  // without a line on the console, which is for faults
  await page.evaluate(() => {
    const { fetch } = globalThis;
    const posted = Object.assign(globalThis, { posts: 0 });
    globalThis.fetch = async (path, how) => {
      if (how?.method !== "POST") return fetch(path, how);
      posted.posts++;
      return Response.json({ status: 401, detail: "send the admin token as `Authorization: Bearer TOKEN`" }, { status: 401 });
    };
  });
  await back.click();
  const toast = page.locator(".toast");
  await toast.waitFor();
  assert.equal(await toast.textContent(), "Not sent back: the admin token is not the right one");
  await back.click();
  await until("it was refused again", () => page.evaluate(() => /** @type {any} */ (globalThis).posts === 2));
  await frames(page);
  assert.equal(await toast.count(), 1, "the same message stands there twice");
  const away = await toast.boundingBox(), [button, field] = [await back.boundingBox(), await page.locator("#token").boundingBox()];
  assert.ok(away && button && field && away.y + away.height < Math.min(button.y, field.y), "it covers what is used next");
  await toast.click();
  assert.equal(await toast.count(), 0, "a click does not close it");
  await giveToken(stage, "");
  assert.ok(await back.isDisabled(), "the token is taken back");
  await page.goto(`${page.url().split("#")[0]}#replicas`);
  assert.ok(await page.getByRole("row", { name: /gw2/ }).getByRole("button").isDisabled());
  await stage.close();
});

/**
 * What the page says is heard as by the gateway: five words within any second, and none while Redis is away.
 * @param {Stage} stage
 */
async function hear(stage) {
  /** @type {{words: string[], away: boolean, held: (() => void)[] | undefined}} `held`: refusals wait there, where it is set */
  const heard = { words: [], away: false, held: undefined };
  /** @type {number[]} */
  const times = [];
  await stage.page.exposeFunction("hear", (/** @type {string} */ frame) => {
    const { type, data } = JSON.parse(frame);
    if (type !== "say") return;
    const now = performance.now();
    const refuse = () => stage.tell("error", { code: "unavailable", message: "talk is away" });
    if (heard.away && heard.held) return void heard.held.push(refuse);
    if (heard.away) return refuse();
    if (times.filter((at) => now - at < 1000).length >= 5) return stage.tell("error", { code: "too_fast", message: "a viewer must say at most 5 words a second" });
    times.push(now);
    heard.words.push(data.text);
    stage.tell("said", { from: "me", text: data.text, at: SINCE });
  });
  await stage.page.evaluate(() => {
    WebSocket.prototype.send = (/** @type {any} */ frame) => /** @type {any} */ (globalThis).hear(frame);
  });
  return heard;
}

test("words that come faster than one may speak are all heard, in their order", async () => {
  const stage = await Stage.open(browser, "#talk");
  const { page } = stage, heard = await hear(stage);
  const words = Array.from({ length: 12 }, (_, n) => `word ${n + 1}`);
  // at one moment, for nobody knows how fast a test can type
  await page.locator("#word").evaluate((element, words) => {
    const field = /** @type {HTMLInputElement} */ (element);
    for (const word of words) {
      field.value = word;
      field.form?.requestSubmit();
    }
  }, words);
  await until("those that wait are told", async () => /One moment: \d+ of your words wait/.test(await page.locator(".talk > .note").textContent() ?? ""));
  await until("all are heard", () => heard.words.length === 12);
  assert.deepEqual(heard.words, words);
  assert.equal(await page.locator(".toast").count(), 0);
  await stage.close();
});

test("a word that is refused comes back into the field, or waits beside it while another is typed", async () => {
  const stage = await Stage.open(browser, "#talk");
  const { page } = stage, heard = await hear(stage);
  const field = page.locator("#word"), note = page.locator(".talk > .note");
  heard.away = true;
  await field.fill("hello");
  await page.keyboard.press("Enter");
  await until("it is back", async () => (await field.inputValue()) === "hello");
  await page.locator(".toast", { hasText: "Not said: talk is away" }).waitFor();
  const held = heard.held = /** @type {(() => void)[]} */ ([]);
  await page.keyboard.press("Enter");
  await page.keyboard.type("next");
  await until("it is on its way", () => held.length === 1);
  held[0]?.();
  await until("it is told", async () => /Not said yet: “hello”\./.test(await note.textContent() ?? ""));
  assert.equal(await field.inputValue(), "next");
  assert.equal(await page.locator(".toast").count(), 1);
  heard.away = false;
  await page.keyboard.press("Enter");
  assert.equal(await field.inputValue(), "hello", "it has its turn now");
  await page.keyboard.press("Enter");
  await until("both are heard", () => heard.words.length === 2);
  assert.deepEqual([heard.words, await field.inputValue()], [["next", "hello"], ""]);
  await stage.close();
});

test("the button that drains a replica is in sight at 360 px, and a command changes a product that there is", async () => {
  const kettle = product(1);
  const stage = await Stage.open(browser, "#replicas", { "/replicas": { replicas: [replica("gw1", LOW), replica("gw2", HIGH)] }, "/products": { products: [kettle] } });
  const { page } = stage;
  await page.setViewportSize({ width: 360, height: 740 });
  const drain = page.getByRole("row", { name: /gw2/ }).getByRole("button");
  await drain.waitFor();
  const box = await drain.boundingBox();
  assert.ok(box && box.x + box.width <= 360, `it ends at ${box && box.x + box.width} px`);
  await page.goto(`${page.url().split("#")[0]}#try`);
  await page.locator("code", { hasText: `make change ID=${kettle.product_id} PRICE=499 STOCK=3` }).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, "it is wider than the screen");
  await stage.close();
});
