/** The shelf: all products; those in view live. */

import { h, text } from "../dom.js";
import { count, quoted } from "../format.js";
import { paint } from "../paint.js";
import { Grid } from "../parts/grid.js";
import { askForRating } from "../parts/rate.js";
import { History } from "../data/history.js";

/** @typedef {import("../data/catalogue.js").Order} Order */

/** @type {[Order, string][]} */
const ORDERS = [["active", "Most changes"], ["name", "Name"], ["cheap", "Price, low first"], ["dear", "Price, high first"], ["low", "Stock, low first"], ["rated", "Best rated"]];
/** What is chosen, also while another view is shown: its links lead back to that. */
const chosen = { search: "", order: /** @type {Order} */ ("active"), y: 0 };
/** How old a change is, is told anew so often, in ms. */
const TICK_MS = 1000;
/** What one types is in the address when no key came for so long, in ms: browsers refuse to have it changed all the time. */
const REST_MS = 200;

/**
 * @param {import("../main.js").World} world
 * @param {string} _rest
 * @param {string} query what the address asks for: nothing, and all are shown
 * @returns {import("../main.js").View}
 */
export function shelf({ live, catalogue }, _rest, query) {
  choose(query);
  writeAddress();
  const pinned = new Set(/** @type {string[]} */ (JSON.parse(localStorage.getItem("pinned") ?? "[]")));
  const history = new History(catalogue);
  const search = h("input", { id: "search", type: "search", placeholder: "Search products  ( / )", "aria-label": "Search products", value: chosen.search, autocomplete: "off", spellcheck: "false" });
  const order = h("select", { "aria-label": "Sort by" }, ...ORDERS.map(([value, name]) => h("option", { value, selected: value === chosen.order }, name)));
  const again = h("button", { type: "button", class: "quiet sort-again", title: "Cards stay where they are while their products change" }, "Sort again");
  const told = h("p", { class: "told", role: "status" });
  const empty = h("p", { class: "empty" });
  const grid = new Grid({
    draw(card, id, at) {
      const item = catalogue.items.get(id);
      if (!item) return;
      card.show(item, { move: catalogue.moves.get(id), trail: catalogue.trails.get(id), pinned: pinned.has(id), place: at + 1, of: grid.ids.length });
    },
    seen(ids) {
      live.want("shelf", ids);
      history.want(ids);
    },
  });
  const element = h("div", { class: "shelf" }, h("h1", { class: "unseen" }, "Shelf"), h("div", { class: "tools" }, search, order, again, told), empty, grid.element);

  const tell = () => {
    const n = grid.ids.length;
    const priced = chosen.order === "cheap" || chosen.order === "dear";
    const mixed = priced && new Set(grid.ids.map((id) => catalogue.items.get(id)?.currency)).size > 1;
    text(told, n === 0 ? "" : `${count(n)} ${n === 1 ? "product" : "products"} · following the ${count(grid.cards.size)} in view${mixed ? " · each currency by itself" : ""}`);
  };
  const offer = () => again.classList.toggle("on", !catalogue.inOrder(grid.ids, { ...chosen, pinned }));
  const list = () => {
    const before = grid.ids;
    const ids = catalogue.list({ ...chosen, pinned });
    // What is added comes in at its place; what is there stays where one looks, until one sorts again.
    const added = ids.length !== before.length || before.length === 0;
    if (added || forced) {
      grid.show(ids);
      again.classList.remove("on");
    }
    forced = false;
    text(empty, ids.length > 0 ? "" : whyEmpty(catalogue));
    empty.hidden = ids.length > 0;
    paint("told", tell);
  };
  let forced = true;
  const sort = () => {
    forced = true;
    chosen.search = search.value;
    chosen.order = /** @type {Order} */ (order.value);
    list();
    clearTimeout(writing);
    // elsewhere already, though this view is not told yet: that address stays
    const at = location.hash;
    writing = setTimeout(() => {
      if (location.hash === at) writeAddress();
    }, REST_MS);
  };
  let writing = 0;

  search.addEventListener("input", sort);
  order.addEventListener("change", sort);
  again.addEventListener("click", (event) => {
    sort();
    // the button is gone now: keys go on beside it
    if (event.detail === 0) order.focus({ preventScroll: true });
  });
  /** @type {Set<string>} */
  const dirty = new Set();
  const item = (/** @type {Event} */ event) => {
    dirty.add(/** @type {CustomEvent} */ (event).detail);
    paint("cards", () => {
      for (const id of dirty) grid.touch(id);
      dirty.clear();
    });
  };
  const scope = () => paint("told", tell);
  catalogue.addEventListener("list", list);
  catalogue.addEventListener("item", item);
  live.addEventListener("scope", scope);
  grid.element.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const id = button?.closest(".card")?.getAttribute("data-id");
    if (!button || !id) return;
    const product = catalogue.items.get(id);
    if (button.dataset.do === "rate" && product) askForRating(product, button);
    if (button.dataset.do === "pin") {
      if (!pinned.delete(id)) pinned.add(id);
      localStorage.setItem("pinned", JSON.stringify([...pinned]));
      sort();
      // After the frame that moves its card, which takes the focus away. Keys go with the card; a pointer stays where it is.
      const byKey = event.detail === 0;
      paint("pin", () => {
        if (byKey) grid.focus(grid.ids.indexOf(id), ".pin");
        else grid.cards.get(id)?.element.querySelector("button")?.focus({ preventScroll: true });
      });
    }
  });
  const ticking = setInterval(() => paint("tick", () => {
    for (const [id, card] of grid.cards) card.tick(catalogue.moves.get(id));
    offer();
  }), TICK_MS);
  list();
  if (chosen.y > 0) paint("back", () => scrollTo({ top: chosen.y }));

  return {
    title: "Shelf", element,
    close() {
      chosen.y = scrollY;
      clearInterval(ticking);
      clearTimeout(writing);
      grid.close();
      history.close();
      live.want("shelf", []);
      catalogue.removeEventListener("list", list);
      catalogue.removeEventListener("item", item);
      live.removeEventListener("scope", scope);
    },
  };
}

/** @param {string} query of an address that anybody may have written */
function choose(query) {
  const said = new URLSearchParams(query);
  const search = said.get("search") ?? "";
  const order = ORDERS.find(([value]) => value === said.get("sort"))?.[0] ?? "active";
  // the place on the shelf is that of what was chosen
  if (search === chosen.search && order === chosen.order) return;
  Object.assign(chosen, { search, order, y: 0 });
  scrollTo({ top: 0 });
}

/** @returns {string} where the shelf is as it was left */
export function shelfAddress() {
  const { search, order } = chosen;
  const query = new URLSearchParams({ ...(search && { search }), ...(order !== "active" && { sort: order }) }).toString();
  return query ? `#shelf?${query}` : "#shelf";
}

/** Puts what is chosen into the address, for a reload, a bookmark and a link; whatever else led here is put right. */
function writeAddress() {
  const address = shelfAddress();
  // a page that was opened without a view needs none
  if (address !== (location.hash || "#shelf")) globalThis.history.replaceState(null, "", address);
}

/** @param {import("../data/catalogue.js").Catalogue} catalogue of which nothing is shown */
function whyEmpty({ items, loaded, problem }) {
  if (items.size > 0) return `No product is called ${quoted(chosen.search)}.`;
  if (problem) return `Products can't be read now: ${problem}. Trying again.`;
  return loaded ? "No product yet: the generator is about to send the first ones." : "The shelf is being filled …";
}
