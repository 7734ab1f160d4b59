/** The shelf: all products; those in view live. */

import { h, text } from "../dom.js";
import { count } from "../format.js";
import { paint } from "../paint.js";
import { Grid } from "../parts/grid.js";
import { askForRating } from "../parts/rate.js";
import { History } from "../data/history.js";

/** @typedef {import("../data/catalogue.js").Order} Order */

/** @type {[Order, string][]} */
const ORDERS = [["active", "Most changes"], ["name", "Name"], ["cheap", "Price, low first"], ["dear", "Price, high first"], ["low", "Stock, low first"], ["rated", "Best rated"]];
/** What was chosen, for the way back from a product. */
const chosen = { search: "", order: /** @type {Order} */ ("active"), y: 0 };
/** How old a change is, is told anew so often, in ms. */
const TICK_MS = 1000;

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function shelf({ live, catalogue }) {
  const pinned = new Set(/** @type {string[]} */ (JSON.parse(localStorage.getItem("pinned") ?? "[]")));
  const history = new History(catalogue);
  const search = h("input", { id: "search", type: "search", placeholder: "Search products  ( / )", "aria-label": "Search products", value: chosen.search, autocomplete: "off", spellcheck: "false" });
  const order = h("select", { "aria-label": "Sort by" }, ...ORDERS.map(([value, name]) => h("option", { value, selected: value === chosen.order }, name)));
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
  const element = h("div", { class: "shelf" }, h("h1", { class: "unseen" }, "Shelf"), h("div", { class: "tools" }, search, order, told), empty, grid.element);

  const tell = () => text(told, grid.ids.length === 0 ? "" : `${count(grid.ids.length)} products · following the ${count(grid.cards.size)} in view`);
  const list = () => {
    const before = grid.ids;
    const ids = catalogue.list({ ...chosen, pinned });
    // What is added comes in at its place; what is there stays where one looks, until one sorts again.
    const added = ids.length !== before.length || before.length === 0;
    if (added || forced) grid.show(ids);
    forced = false;
    text(empty, ids.length > 0 ? "" : catalogue.items.size > 0 ? `No product is called “${chosen.search}”.` : catalogue.loaded ? "No product yet: the generator is about to send the first ones." : "The shelf is being filled …");
    empty.hidden = ids.length > 0;
    paint("told", tell);
  };
  let forced = true;
  const sort = () => {
    forced = true;
    chosen.search = search.value;
    chosen.order = /** @type {Order} */ (order.value);
    list();
  };

  search.addEventListener("input", sort);
  order.addEventListener("change", sort);
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
  }), TICK_MS);
  list();
  if (chosen.y > 0) paint("back", () => scrollTo({ top: chosen.y }));

  return {
    title: "Shelf", element,
    close() {
      chosen.y = scrollY;
      clearInterval(ticking);
      grid.close();
      history.close();
      live.want("shelf", []);
      catalogue.removeEventListener("list", list);
      catalogue.removeEventListener("item", item);
      live.removeEventListener("scope", scope);
    },
  };
}
