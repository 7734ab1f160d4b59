/** The library against real gateways: the same changes everywhere, and none missed whatever happens to a replica. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "../../lib/feed.js";
import { Shop, until } from "./servers.js";

/** @typedef {import("../../lib/feed.js").Feed} Feed */

/** @type {Shop} */
let shop;
/** @type {string} */
let balanced;
before(async () => {
  assert.ok(typeof WebSocket === "function", "Node 20 needs a flag here: node --experimental-websocket --test …");
  shop = await Shop.open({ replicas: 2, products: 40 });
  balanced = await shop.balance();
  await shop.generate({ count: 20 });
  // what the database has comes to each replica's view a moment later, and snapshots are made of that
  for (const n of [1, 2]) {
    const { feed } = await follow(shop.url(n));
    await converged(n, feed);
    await feed.close();
  }
});
after(async () => {
  for (const feed of followed) await feed.close();
  await shop?.close();
});

/** @type {Feed[]} all that were made, so that a test that fails leaves none running */
const followed = [];

/** @type {("ws" | "sse")[]} */
const TRANSPORTS = ["ws", "sse"];

/**
 * @param {string} url
 * @param {import("../../lib/feed.js").FeedOptions} [options]
 */
async function follow(url, options) {
  const feed = connect(url, options);
  followed.push(feed);
  /** @type {{opens: import("../../lib/feed.js").OpenDetail[], changes: import("../../lib/feed.js").Change[], errors: Error[]}} */
  const seen = { opens: [], changes: [], errors: [] };
  feed.addEventListener("open", ({ detail }) => seen.opens.push(detail));
  feed.addEventListener("change", ({ detail }) => seen.changes.push(detail));
  feed.addEventListener("error", ({ detail }) => seen.errors.push(detail));
  await until("the feed is live", () => feed.state.state === "live");
  return { feed, seen };
}

/**
 * What came above what was stored before: where exactly a snapshot ends and the changes begin may differ by viewer.
 * @param {import("../../lib/feed.js").Change[]} changes
 * @param {Map<string, {version: number}>} stored
 */
function news(changes, stored) {
  return changes.filter(({ product_id, version }) => version > (stored.get(product_id)?.version ?? 0))
    .map(({ product_id, version }) => `${product_id} ${version}`).sort();
}

/** @param {number} n @param {Feed[]} feeds */
async function converged(n, ...feeds) {
  await until("the feeds show what the database has", async () => {
    const stored = await shop.products(n);
    return stored.size > 0 && feeds.every((feed) => [...stored].every(([id, { version }]) => feed.products.get(id)?.version === version));
  });
}

for (const transport of TRANSPORTS) {
  test(`over ${transport} a snapshot fills the shelf, and it is what the database has`, async () => {
    const { feed, seen } = await follow(shop.url(1), { transport });
    assert.deepEqual([seen.opens[0]?.replica, seen.opens[0]?.resumed, seen.opens[0]?.reset], ["gw1", false, false]);
    const stored = await shop.products(2);
    assert.equal(stored.size, 40);
    for (const [id, product] of stored) {
      const shown = feed.products.get(id);
      assert.deepEqual([shown?.version, shown?.name, shown?.price_minor, shown?.stock], [product.version, product.name, product.price_minor, product.stock]);
    }
    await feed.close();
  });

  test(`over ${transport} a list of products brings these and no other`, async () => {
    const ids = [...(await shop.products(1)).keys()].slice(0, 3);
    const { feed, seen } = await follow(shop.url(1), { transport, products: ids.slice(0, 2) });
    assert.deepEqual([...feed.products.keys()].sort(), ids.slice(0, 2).sort());
    feed.subscribe(ids.slice(2));
    await until("the third product is there", () => feed.products.size === 3);
    await shop.generate({ count: 200 });
    await until("each of the three is as the database has it", async () => {
      const stored = await shop.products(2);
      return ids.every((id) => feed.products.get(id)?.version === stored.get(id)?.version);
    });
    assert.equal(feed.products.size, 3);
    assert.ok(seen.changes.every(({ product_id }) => ids.includes(product_id)));
    assert.equal(feed.proof.holds, true);
    await feed.close();
  });

  test(`over ${transport} a viewer that comes to another replica gets exactly what it missed`, async () => {
    const first = await follow(shop.url(1), { transport });
    await shop.generate({ count: 50 });
    await converged(1, first.feed);
    const checkpoint = first.feed.checkpoint();
    const stored = await shop.products(1);
    const reference = await follow(shop.url(1), { transport });
    await first.feed.close();
    await shop.generate({ count: 100 });
    await converged(1, reference.feed);
    const second = await follow(shop.url(2), { transport, checkpoint });
    assert.deepEqual([second.seen.opens[0]?.replica, second.seen.opens[0]?.resumed], ["gw2", true]);
    await converged(2, second.feed);
    assert.equal(new Set(news(second.seen.changes, stored)).size, second.seen.changes.length, "each once, and none that it had");
    assert.deepEqual(news(second.seen.changes, stored), news(reference.seen.changes, stored));
    assert.deepEqual([second.feed.proof.holds, second.feed.proof.resumes, second.feed.proof.resets], [true, 1, 0]);
    await Promise.all([second.feed.close(), reference.feed.close()]);
  });

  test(`over ${transport} a cursor of another epoch gets a reset and a snapshot`, async () => {
    const { feed, seen } = await follow(shop.url(1), { transport, cursor: "00000000000000000000000000000001.5-0" });
    assert.deepEqual([seen.opens[0]?.resumed, seen.opens[0]?.reset], [false, true]);
    assert.equal(feed.products.size, 40);
    assert.deepEqual([feed.proof.holds, feed.proof.resets], [true, 1]);
    await feed.close();
  });
}

test("who asks for the WebSocket without being one is told so, through the load balancer too", async () => {
  for (const url of [shop.url(1), balanced]) {
    const answer = await fetch(`${url}/ws`);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [426, "application/problem+json"], url);
    const { type, detail } = await answer.json();
    assert.equal(type, "/problems/upgrade-required");
    assert.match(detail, /\/sse/);
  }
});

test("while Redis is away from every replica the load balancer still serves the page, and the word what is away", async () => {
  const lone = await Shop.open({ replicas: 1, products: 1 });
  try {
    const url = await lone.balance();
    await lone.end(1, "SIGKILL");
    await lone.start(1, { redis: "redis://127.0.0.1:9" });
    await until("the replica says what is away", async () => (await fetch(`${lone.url(1)}/readyz`)).status === 503);
    await until("the load balancer has no ready replica", async () =>
      (await (await fetch(lone.figures)).text()).includes('haproxy_backend_status{proxy="gateways",state="UP"} 0'));
    await until("the page is served", async () => (await fetch(url)).status === 200);
    const { away } = await (await fetch(`${url}/readyz`)).json();
    assert.deepEqual(away.map((/** @type {{what: string}} */ { what }) => what), ["redis"]);
  } finally {
    await lone.close();
  }
});

test("WebSocket and SSE on two replicas show the same changes", async () => {
  const stored = await shop.products(1);
  const viewers = await Promise.all([1, 2].flatMap((n) => TRANSPORTS.map((transport) => follow(shop.url(n), { transport }))));
  await shop.generate({ count: 600, rate: 400 });
  await converged(1, ...viewers.map(({ feed }) => feed));
  const [one, ...others] = viewers.map(({ seen }) => news(seen.changes, stored));
  assert.ok((one?.length ?? 0) > 0);
  for (const other of others) assert.deepEqual(other, one);
  for (const { feed, seen } of viewers) {
    assert.deepEqual([feed.proof.holds, feed.proof.resets, seen.errors], [true, 0, []]);
    await feed.close();
  }
});

for (const [how, signal] of /** @type {[string, NodeJS.Signals][]} */ ([["killed", "SIGKILL"], ["drained", "SIGTERM"]])) {
  test(`when its replica is ${how}, a viewer goes on at another one, and misses nothing`, async () => {
    const viewers = await Promise.all(TRANSPORTS.map((transport) => follow(balanced, { transport })));
    const running = shop.generate({ count: 1600, rate: 200 });
    for (const n of [1, 2]) {
      await until("changes flow", () => viewers.every(({ seen }) => seen.changes.length > 20));
      await shop.end(n, signal);
      const gone = `gw${n}`;
      await until(`nobody is on ${gone}`, () => viewers.every(({ feed, seen }) => feed.state.state === "live" && seen.opens.at(-1)?.replica !== gone));
      await shop.start(n);
    }
    await running;
    await converged(1, ...viewers.map(({ feed }) => feed));
    for (const { feed, seen } of viewers) {
      const { holds, missed, regressions, resumes } = feed.proof;
      assert.deepEqual({ holds, missed, regressions, errors: seen.errors }, { holds: true, missed: 0, regressions: 0, errors: [] });
      assert.equal(seen.opens.length, resumes + 1, "each time it was continued at its cursor");
      await feed.close();
    }
    const moves = viewers.reduce((sum, { feed }) => sum + feed.proof.resumes, 0);
    assert.ok(moves >= 2, `each viewer lost its replica at least once: ${moves}`);
  });
}

test("a feed lives through the time in which no replica is there", async () => {
  const viewers = await Promise.all(TRANSPORTS.map((transport) => follow(shop.url(2), { transport })));
  await shop.end(2, "SIGKILL");
  await until("both know", () => viewers.every(({ feed }) => feed.state.state === "stale" && feed.state.retryInMs !== undefined));
  await shop.generate({ count: 100 });
  await shop.start(2);
  await converged(1, ...viewers.map(({ feed }) => feed));
  for (const { feed } of viewers) {
    assert.deepEqual([feed.state.state, feed.proof.holds, feed.proof.resumes], ["live", true, 1]);
    await feed.close();
  }
});
