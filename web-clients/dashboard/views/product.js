/** One product: all that is known of it, how old that is, and its price and stock over its history. */

import { ApiError, ask } from "../data/api.js";
import { Photo } from "../data/photo.js";
import { fill, h, text } from "../dom.js";
import { ago, count, dayTime, difference, duration, price } from "../format.js";
import { formatMoney } from "../../lib/money.js";
import { paint } from "../paint.js";
import { Plot } from "../parts/plot.js";
import { askForRating } from "../parts/rate.js";
import { shelfAddress } from "./shelf.js";

/** Versions that are plotted. */
const VERSIONS = 500;
const TICK_MS = 250;
/** A server that said something so recently has said it now, in ms. */
const NOW_MS = 2000;
/** A history that could not be had is asked for again so often, in ms. */
const AGAIN_MS = 2000;
/** A product's id: a UUID in lower case with hyphens. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * @param {import("../main.js").World} world
 * @param {string} id
 * @returns {import("../main.js").View}
 */
export function product({ live, catalogue, traces }, id) {
  const back = h("p", null, h("a", { href: shelfAddress(), class: "back" }, "‹ Shelf"));
  // Anybody can write an address: what is no id is neither asked for, since a path could lead elsewhere, nor followed, since
  // the server refuses a connection that names it.
  if (!ID.test(id)) {
    return { title: "No such product", element: h("div", { class: "product" }, back, h("h1", null, "No such product"), h("p", { class: "empty" }, "This address does not end with a product's id.")) };
  }
  /** @type {import("../data/catalogue.js").Item[]} oldest first */
  let history = [];
  let verifiedAt = 0, triedAt = 0, loading = false, loaded = false;
  /** @type {ApiError | undefined} why it could not be read the last time */
  let failed;
  const photo = new Photo();
  const name = h("h1");
  const [cost, delta, stock, rating, version, changed, age, verified] = Array.from({ length: 8 }, () => h("span"));
  if (!cost || !delta || !stock || !rating || !version || !changed || !age || !verified) throw new Error("unreachable");
  cost.className = "price";
  const rate = h("button", { type: "button", on: { click: () => { const item = catalogue.items.get(id); if (item) askForRating(item, rate); } } }, "Rate it");
  const prices = new Plot("Price", (value) => formatMoney(value, catalogue.items.get(id)?.currency ?? "EUR"));
  const stocks = new Plot("Stock", (value) => count(value));
  const log = h("ol", { class: "log" });
  const problem = h("p", { class: "empty", hidden: true });
  const body = h("div", { class: "detail" },
    h("div", { class: "facts" }, photo.element,
      h("div", null, name, h("p", { class: "row" }, cost, delta), h("p", null, stock), h("p", { class: "row" }, rating, rate),
        h("dl", null, ...[["Version", version], ["Changed", changed], ["Took from Kafka to here", age], ["Known to be current", verified]].flatMap(
          ([word, value]) => [h("dt", null, /** @type {string} */ (word)), h("dd", null, /** @type {HTMLElement} */ (value))]), h("dt", null, "Id"), h("dd", null, h("code", null, id))))),
    h("div", { class: "plots" }, prices.element, stocks.element), h("h2", null, "Last changes"), log);
  const element = h("div", { class: "product" }, back, problem, body);

  const draw = () => {
    const item = catalogue.items.get(id);
    body.hidden = !item;
    problem.hidden = failed === undefined;
    text(problem, failed === undefined ? "" : item ? `Its history can't be read now: ${failed.message}` : failed.status === 404 ? "No such product: nothing was ever stored under this id." : failed.message);
    if (!item) return;
    photo.show(item);
    text(name, item.name);
    text(cost, price(item));
    const by = catalogue.moves.get(id)?.by.price ?? 0;
    text(delta, by === 0 ? "" : `${by > 0 ? "▲" : "▼"} ${difference(by, item.currency)}`);
    delta.className = `delta ${by > 0 ? "up" : by < 0 ? "down" : ""}`;
    text(stock, item.stock === 0 ? "sold out" : `${count(item.stock)} in stock`);
    const { rating: told } = item;
    text(rating, told?.average == null ? "Not rated yet" : `★ ${told.average.toFixed(1)} of 10, the average of the last ${count(Math.min(told.window ?? told.count, told.count))} of ${count(told.count)} ratings`);
    text(version, `v${count(item.version)}`);
    const last = history.at(-1);
    if (last && item.version > last.version) history = [...history, item].slice(-VERSIONS);
    const readings = (/** @type {(item: import("../data/catalogue.js").Item) => number} */ of) =>
      history.map((state) => ({ at: Date.parse(state.occurred_at ?? ""), version: state.version, value: of(state) }));
    prices.show(readings((state) => state.price_minor));
    stocks.show(readings((state) => state.stock));
    fill(log, ...history.slice(-12).reverse().map((state, at, list) => line(state, list[at + 1])));
  };
  const tick = () => {
    const item = catalogue.items.get(id);
    if (!item) return;
    if (performance.now() - triedAt > AGAIN_MS) load();
    const changedAt = Date.parse(item.occurred_at ?? "");
    text(changed, Number.isNaN(changedAt) ? "–" : `${ago(Date.now() - changedAt)} (${dayTime(changedAt)})`);
    const trace = traces.kept.findLast((kept) => kept.item.product_id === id);
    text(age, trace ? duration(trace.ends.at(-1) ?? 0) : "–");
    // While the line lives every change comes: what is shown was current when the server last said anything.
    if (live.state.state === "live") verifiedAt = live.heardAt;
    const quiet = performance.now() - verifiedAt, lives = live.state.state === "live";
    text(verified, verifiedAt === 0 ? "–" : !lives ? `${duration(quiet)} ago: ${live.state.reason}` : quiet < NOW_MS ? "now" : ago(quiet));
  };
  const item = (/** @type {Event} */ event) => {
    if (/** @type {CustomEvent} */ (event).detail === id) paint("product", draw);
  };
  const load = async () => {
    if (loading || loaded) return;
    loading = true;
    try {
      catalogue.take(await ask(`products/${id}`));
      history = (await ask(`products/${id}/changes?limit=${VERSIONS}`)).changes.reverse();
      loaded = true;
      failed = undefined;
    } catch (error) {
      failed = error instanceof ApiError ? error : new ApiError(String(error), 0);
    }
    loading = false;
    triedAt = performance.now();
    draw();
  };
  // The server or its database was away: once they are back, what could not be had before can.
  const standing = () => {
    if (live.state.state === "live") load();
  };
  live.want("product", [id]);
  live.addEventListener("state", standing);
  catalogue.addEventListener("item", item);
  const ticking = setInterval(() => paint("product tick", tick), TICK_MS);
  draw();
  load();
  return {
    title: catalogue.items.get(id)?.name ?? "Product", element,
    close() {
      clearInterval(ticking);
      catalogue.removeEventListener("item", item);
      live.removeEventListener("state", standing);
      live.want("product", []);
    },
  };
}

/**
 * @param {import("../data/catalogue.js").Item} state
 * @param {import("../data/catalogue.js").Item | undefined} before
 */
function line(state, before) {
  const by = before ? state.price_minor - before.price_minor : 0;
  const more = before ? state.stock - before.stock : 0;
  return h("li", null, h("span", { class: "when" }, dayTime(Date.parse(state.occurred_at ?? ""))), h("span", null, `v${state.version}`), h("b", null, price(state)),
    h("span", { class: `delta ${by > 0 ? "up" : by < 0 ? "down" : ""}` }, by === 0 ? "" : `${by > 0 ? "▲" : "▼"} ${difference(by, state.currency)}`),
    h("span", null, `${count(state.stock)} in stock`), h("span", { class: "when" }, more === 0 ? "" : `${more > 0 ? "+" : "−"}${count(Math.abs(more))}`));
}
