/** The dashboard's catalogue: whoever brings a change, it is told. */

import assert from "node:assert/strict";
import test from "node:test";
import { Catalogue } from "../../dashboard/data/catalogue.js";
import { A, B, product } from "./helpers.js";

/** @typedef {import("../../dashboard/data/catalogue.js").Item} Item */

/** What the list answers. @type {Item[]} */
let listed = [];
let away = false;
Object.assign(globalThis, { fetch: async () => (away ? Response.json({ detail: "the database is away" }, { status: 503 }) : Response.json({ products: listed })) });

/** A catalogue that was read once, and what it tells of. @param {...Item} products */
async function catalogue(...products) {
  const shop = new Catalogue();
  /** @type {string[]} */
  const told = [];
  shop.addEventListener("item", (event) => told.push(/** @type {CustomEvent} */ (event).detail));
  const read = async (/** @type {Item[]} */ ...products) => {
    listed = products;
    await shop.load();
    return told.splice(0);
  };
  await read(...products);
  return { shop, told, read };
}

test("a version that the list brings first is told, with its move and trail", async () => {
  const { shop, told, read } = await catalogue(product(A, 1), product(B, 1));
  shop.recall(A, [product(A, 1)]);
  told.length = 0;
  assert.deepEqual(await read(product(A, 2), product(B, 1)), [A]);
  assert.deepEqual(shop.moves.get(A)?.by, { price: 1, stock: 1 });
  assert.deepEqual(shop.trails.get(A)?.map(({ price }) => price), [101, 102]);
  shop.take(product(A, 2));
  shop.take(product(A, 1));
  assert.deepEqual([told, shop.items.get(A)?.version], [[], 2], "and not again");
});

test("the list begins no trail, since the whole of it would be asked for no more", async () => {
  const { shop, read } = await catalogue(product(A, 1));
  await read(product(A, 2));
  assert.equal(shop.trails.has(A), false);
  shop.take(product(A, 3));
  assert.equal(shop.trails.get(A)?.length, 2);
});

test("a rating or a photo of a version that is known is told, too", async () => {
  const { read } = await catalogue(product(A, 1));
  const rated = { ...product(A, 1), rating: { average: 9, window: 10, count: 1, sum: 9 } };
  assert.deepEqual(await read(rated), [A]);
  assert.deepEqual(await read({ ...rated, photo: "p1", photo_revision: 1 }), [A]);
  assert.deepEqual(await read(rated), []);
});

test("a list that could not be read says why, and no more once it could", async (t) => {
  t.after(() => { away = false; });
  const { shop, read } = await catalogue();
  let lists = 0;
  shop.addEventListener("list", () => lists++);
  away = true;
  await shop.load();
  assert.deepEqual([shop.problem, lists], ["the database is away", 1]);
  away = false;
  await read(product(A, 1));
  assert.deepEqual([shop.problem, shop.items.size], ["", 1]);
});

/** Products by number, in the order of a list. @param {import("../../dashboard/data/catalogue.js").Order} order @param {Partial<Item>[]} products @param {number[]} pinned */
async function ordered(order, products, pinned = []) {
  const id = (/** @type {number} */ n) => `${String(n).padStart(8, "0")}-0000-7000-8000-000000000000`;
  const { shop } = await catalogue(...products.map((more, n) => ({ ...product(id(n), 1), ...more })));
  const wanted = { search: "", order, pinned: new Set(pinned.map(id)) };
  const ids = shop.list(wanted);
  return { shop, wanted, ids, order: ids.map((found) => Number(found.slice(0, 8))) };
}

test("prices of two currencies are not compared: the most frequent one comes first, then by code", async () => {
  const products = [["SEK", 123_600], ["EUR", 9500], ["JPY", 100], ["EUR", 300], ["HUF", 5]]
    .map(([currency, price_minor]) => ({ currency: String(currency), price_minor: Number(price_minor) }));
  assert.deepEqual((await ordered("dear", products)).order, [1, 3, 4, 2, 0]);
  assert.deepEqual((await ordered("cheap", products)).order, [3, 1, 4, 2, 0]);
  assert.deepEqual((await ordered("cheap", products, [0])).order, [0, 3, 1, 4, 2]);
});

test("what nobody rated comes after what is rated, by its changes", async () => {
  const rating = (/** @type {number | null} */ average) => ({ average, window: 10, count: 1, sum: 1 });
  const products = [{ version: 3 }, { version: 5, rating: rating(null) }, { rating: rating(2) }, { version: 4 }, { rating: rating(9) }];
  assert.deepEqual((await ordered("rated", products)).order, [4, 2, 1, 3, 0]);
});

test("whether the ids that are shown are in order still is known without sorting them", async () => {
  const { shop, wanted, ids } = await ordered("active", [{ version: 3 }, { version: 2 }, { version: 1 }], [2]);
  assert.equal(shop.inOrder(ids, wanted), true);
  assert.equal(shop.inOrder([], wanted), true);
  shop.take({ ...product(ids[2] ?? "", 9) });
  assert.equal(shop.inOrder(ids, wanted), false);
  assert.equal(shop.inOrder(shop.list(wanted), wanted), true);
});
