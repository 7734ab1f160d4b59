/** The dashboard's catalogue: whoever brings a change, it is told. */

import assert from "node:assert/strict";
import test from "node:test";
import { Catalogue } from "../../dashboard/data/catalogue.js";
import { A, B, product } from "./helpers.js";

/** @typedef {import("../../dashboard/data/catalogue.js").Item} Item */

/** What the list answers. @type {Item[]} */
let listed = [];
Object.assign(globalThis, { fetch: async () => Response.json({ products: listed }) });

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
