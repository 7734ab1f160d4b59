/**
 * Where a connection goes: the base address of a server and what is asked of it.
 *
 * The cursor travels in the query in both transports: a `Last-Event-ID` header of `fetch` would cost a preflight on each
 * connection from another origin. A token never does: it would end in logs and histories.
 */

/**
 * @typedef {object} Wanted
 * @property {Set<string> | "all"} products
 * @property {number} everyMs asks for at most one frame a product in so many ms; 0: each
 * @property {string | undefined} cursor
 */

/**
 * @param {string | URL | undefined} url the base, e.g. `http://localhost:8080`; in a page the page's own origin by default
 * @returns {URL} http or https, ending with a slash
 * @throws {TypeError}
 */
export function baseUrl(url) {
  const page = /** @type {{location?: {href: string}}} */ (globalThis).location?.href;
  const base = new URL(url ?? "/", page);
  base.protocol = base.protocol.replace(/^ws/, "http");
  if (base.protocol !== "http:" && base.protocol !== "https:") throw new TypeError(`not an http address: ${url}`);
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

/**
 * What to say when nothing answers. A page is not told why, and a server that refuses its origin looks the same.
 * @param {URL} base
 */
export function noAnswer(base) {
  const page = /** @type {{location?: {origin: string}}} */ (globalThis).location?.origin;
  const elsewhere = page !== undefined && page !== base.origin;
  return `no connection to ${base.origin}${elsewhere ? ` (or it does not allow pages of ${page})` : ""}`;
}

/** Names no product: asked for by who follows none at the moment, since an empty list would mean all. */
const NONE = "00000000-0000-0000-0000-000000000000";

/**
 * @param {URL} base
 * @param {"ws" | "sse"} path
 * @param {Wanted} wanted
 * @returns {URL}
 */
export function targetUrl(base, path, { products, everyMs, cursor }) {
  const url = new URL(path, base);
  if (path === "ws") url.protocol = url.protocol.replace(/^http/, "ws");
  if (products !== "all") url.searchParams.set("products", [...products].join(",") || NONE);
  if (everyMs > 0) url.searchParams.set("every_ms", String(everyMs));
  if (cursor !== undefined) url.searchParams.set("cursor", cursor);
  return url;
}
