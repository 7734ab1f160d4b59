/** What stands on a stage: replicas, products and dead letters as the gateway tells them, and a visitor's admin token. */

export const SINCE = "2026-05-09T08:00:00Z";
export const OUTCOMES = { new: 0, stale: 0, replay: 0, conflict: 0, poison: 0, rejected: 0 };
export const TOKEN = "0123456789abcdef";

/** @param {string} name @param {number[]} partitions @param {object} [more] */
export const replica = (name, partitions, more = {}) =>
  ({ replica: name, addr: `${name}:1`, partitions, lag: 0, lags: partitions.map(() => 0), viewers: 1, rebalances: 1, since: SINCE, draining: false, outcomes: OUTCOMES, ...more });

/** @param {number} n @param {object} [more] */
export const product = (n, more = {}) =>
  ({ product_id: `0a000000-0000-7000-8000-${String(n).padStart(12, "0")}`, version: 1, name: `Product ${n}`, price_minor: 100, currency: "EUR", stock: 20, occurred_at: SINCE, ...more });

/** @param {number} offset @param {string | null} value @param {object} [more] */
export const letter = (offset, value, more = {}) =>
  ({ partition: 0, offset, source: `product-changes/0/${offset}`, reason: "not_json", error: "line 1", at: SINCE, replica: "gw1", recorded_ms: 1, redrives: 0, first: null, cut: null, key: "k", headers: {}, value_bytes: value?.length ?? null, value, ...more });

/** @param {import("./stage.js").Stage} stage @param {string} token */
export async function giveToken({ page }, token) {
  await page.locator("#token").fill(token);
  await page.locator(".token button").click();
}
