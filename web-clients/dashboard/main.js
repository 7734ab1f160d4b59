/**
 * The dashboard: one connection, one catalogue, one look at the replicas; views that show them; the address's hash says
 * which (`#replicas`, `#product/ID`, `#shelf?search=tea&sort=name`), so that Back, a bookmark and a link work.
 */

import { Admin } from "./data/admin.js";
import { Catalogue } from "./data/catalogue.js";
import { Fleet } from "./data/fleet.js";
import { Live } from "./data/live.js";
import { Traces } from "./data/traces.js";
import { Words } from "./data/words.js";
import { byId, fill, text } from "./dom.js";
import { paint } from "./paint.js";
import { ProofDock } from "./parts/proof-dock.js";
import { showStanding } from "./parts/standing.js";
import { startTheme } from "./parts/theme.js";
import { showWire } from "./parts/wire.js";
import { flow } from "./views/flow.js";
import { letters } from "./views/letters.js";
import { product } from "./views/product.js";
import { replicas } from "./views/replicas.js";
import { shelf, shelfAddress } from "./views/shelf.js";
import { talk } from "./views/talk.js";
import { tryIt } from "./views/try.js";

/**
 * What every view is given.
 * @typedef {object} World
 * @property {Live} live
 * @property {Catalogue} catalogue
 * @property {Fleet} fleet
 * @property {Traces} traces
 * @property {Admin} admin
 * @property {Words} words
 */
/** @typedef {{title: string, element: HTMLElement, close?: () => void}} View */

/** Products that the wire follows where no view does. */
const SAMPLED = 12;
/** How often the catalogue is read again for what was added, in ms: at once while it is empty. */
const LIST_MS = { empty: 1000, full: 30_000 };

/** @type {Record<string, (world: World, rest: string, query: string) => View>} */
const VIEWS = { shelf, product, replicas, flow, letters, talk, try: tryIt };

const catalogue = new Catalogue();
const live = new Live(sessionStorage.getItem("transport") === "sse" ? "sse" : "ws");
const fleet = new Fleet();
const traces = new Traces();
/** @type {World} */
const world = { live, catalogue, fleet, traces, admin: new Admin(), words: new Words(live) };

live.addEventListener("change", (event) => {
  const { from, previous, missed, snapshot, age_ms, path_ms, ...item } = /** @type {CustomEvent} */ (event).detail;
  if (!snapshot) traces.take({ item, age_ms, path_ms, arrivedAt: performance.now() });
  catalogue.take(item);
});
live.addEventListener("snapshot", () => {
  for (const item of live.products.values()) catalogue.take(item);
});
live.addEventListener("rating", (event) => {
  const { subject, previous: _, ...rating } = /** @type {CustomEvent} */ (event).detail;
  catalogue.know(subject, { rating });
});
live.addEventListener("photo", (event) => {
  const { product_id, photo, revision } = /** @type {CustomEvent} */ (event).detail;
  catalogue.know(product_id, { photo, photo_revision: revision });
});
catalogue.addEventListener("list", () => sample());
live.addEventListener("replicas", (event) => fleet.told(/** @type {CustomEvent} */ (event).detail));

/** What came while nobody looked, beside the names of the views. @param {string} id @param {number} n */
function badge(id, n) {
  const element = byId(id);
  element.hidden = n === 0;
  text(element, n > 99 ? "99+" : n);
}
let letterCount = 0;
world.words.addEventListener("words", () => badge("talk-count", world.words.unseen));
fleet.addEventListener("letters", (event) => {
  letterCount = shown?.title === "Dead letters" ? 0 : letterCount + /** @type {CustomEvent} */ (event).detail;
  badge("letters-count", letterCount);
});

/** @type {View | undefined} */
let shown;

function route() {
  const [path = "", ...query] = location.hash.slice(1).split("?");
  const [name = "", ...rest] = path.split("/");
  // no view's name: the shelf, which puts the address right
  const make = (Object.hasOwn(VIEWS, name) && VIEWS[name]) || shelf;
  shown?.close?.();
  shown = make(world, rest.join("/"), query.join("?"));
  fill(byId("main"), shown.element);
  document.title = `${shown.title} · Shelfwire`;
  const current = name === "product" ? "shelf" : make === shelf ? "shelf" : name;
  for (const link of byId("views").querySelectorAll("a")) {
    // from elsewhere the shelf is as one left it, from itself all of it
    if (link.hash.startsWith("#shelf")) link.setAttribute("href", make === shelf ? "#shelf" : shelfAddress());
    if (link.hash.split("?")[0] === `#${current}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (make !== shelf) scrollTo({ top: 0 });
  if (shown.title === "Dead letters") badge("letters-count", letterCount = 0);
  sample();
}

/** The wire below the head lives in every view: where none follows products of its own, it follows some that change often. */
function sample() {
  const idle = shown !== undefined && ["Replicas", "Dead letters", "Talk", "Try it"].includes(shown.title);
  live.want("wire", idle ? catalogue.list({ search: "", order: "active", pinned: new Set() }).slice(0, SAMPLED) : []);
}

async function list() {
  if (!document.hidden || !catalogue.loaded) await catalogue.load();
  const pages = Math.max(1, catalogue.items.size / 1000);
  setTimeout(list, catalogue.items.size === 0 ? LIST_MS.empty : LIST_MS.full * pages);
}

startTheme();
showStanding(live);
showWire(world);
byId("proof").append(new ProofDock(live).element);
addEventListener("hashchange", route);
const head = document.querySelector(".top");
if (head) new ResizeObserver(() => document.documentElement.style.setProperty("--head-now", `${head.getBoundingClientRect().height}px`)).observe(head);
document.querySelector(".skip")?.addEventListener("click", (event) => {
  // The address keeps the view.
  event.preventDefault();
  byId("main").focus();
});
addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const search = document.getElementById("search");
    // at once: what is typed before the next frame belongs in it
    if (search) return search.focus();
    // once it is there, and at the place where one left it
    addEventListener("hashchange", () => paint("search", () => document.getElementById("search")?.focus()), { once: true });
    location.hash = shelfAddress();
  }
});
route();
fleet.start();
list();
