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
export function baseUrl(url: string | URL | undefined): URL;
/**
 * What to say when nothing answers. A page is not told why, and a server that refuses its origin looks the same.
 * @param {URL} base
 */
export function noAnswer(base: URL): string;
/**
 * @param {URL} base
 * @param {"ws" | "sse"} path
 * @param {Wanted} wanted
 * @returns {URL}
 */
export function targetUrl(base: URL, path: "ws" | "sse", { products, everyMs, cursor }: Wanted): URL;
export type Wanted = {
    products: Set<string> | "all";
    /**
     * asks for at most one frame a product in so many ms; 0: each
     */
    everyMs: number;
    cursor: string | undefined;
};
