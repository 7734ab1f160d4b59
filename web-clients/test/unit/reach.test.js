import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import test from "node:test";
import { unreachable } from "../../lib/reach.js";
import { baseUrl } from "../../lib/target.js";
import { whyRefused } from "../../lib/transport-sse.js";

/**
 * @param {string} url
 * @returns {Promise<string[]>} code and message
 */
async function told(url) {
  const wanted = { products: /** @type {const} */ ("all"), everyMs: 0, cursor: undefined };
  const abort = new AbortController();
  const error = await whyRefused({ base: baseUrl(url), wanted }, abort.signal);
  abort.abort();
  return error === undefined ? [] : [error.code, error.message, String(error.temporary)];
}

/**
 * @param {import("node:test").TestContext} t
 * @param {net.Server} server
 * @returns {Promise<number>} its port
 */
async function listen(t, server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => server.close());
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

test("a wrong name, nobody there, no TLS, no HTTP: each is told apart, and may pass", async (t) => {
  const closed = net.createServer();
  const free = await listen(t, closed);
  const shouter = await listen(t, net.createServer((socket) => socket.end("220 mail.example ESMTP\r\n")));
  const mute = await listen(t, net.createServer((socket) => socket.destroy()));
  const web = await listen(t, http.createServer((_, answer) => answer.end("hello")));
  // not before, or one of the others could be given its port
  closed.close();
  for (const [url, code, words] of /** @type {const} */ ([
    ["http://nobody.invalid", "dns", /nobody\.invalid/],
    [`http://127.0.0.1:${free}`, "refused_connection", /nothing listens at http:\/\/127\.0\.0\.1:\d+, the connection was refused \(ECONNREFUSED\)/],
    [`http://127.0.0.1:${shouter}`, "not_http", /does not speak HTTP/],
    [`http://127.0.0.1:${mute}`, "unreachable", /without an answer/],
    [`https://127.0.0.1:${web}`, "tls", /no TLS with https/],
  ])) {
    const [kind, message = "", temporary] = await told(url);
    assert.deepEqual([kind, temporary], [code, "true"], message);
    assert.match(message, words);
  }
});

test("what answers and is not Shelfwire is told by what it answered, and does not become it", async (t) => {
  const port = await listen(t, http.createServer((request, answer) => {
    if (request.url?.startsWith("/page/")) answer.setHeader("content-type", "text/html; charset=utf-8");
    else answer.statusCode = 404;
    answer.end("<p>welcome");
  }));
  const origin = `http://127.0.0.1:${port}`;
  assert.deepEqual(await told(origin), ["http_404", `${origin} answers, but it is not Shelfwire: 404 Not Found, no content`, "false"]);
  assert.deepEqual(await told(`${origin}/page`), ["not_a_stream", `${origin} answers, but it is not Shelfwire: 200 OK, text/html`, "false"]);
});

test("what Shelfwire refuses is told in its own words, a proxy's 503 may pass", async (t) => {
  const port = await listen(t, http.createServer((request, answer) => {
    answer.statusCode = request.url?.startsWith("/proxy/") ? 503 : 400;
    answer.end(answer.statusCode === 400 ? JSON.stringify({ status: 400, detail: "`cursor` must be better" }) : "<h1>no server");
  }));
  const origin = `http://127.0.0.1:${port}`;
  assert.deepEqual(await told(origin), ["http_400", "the server answered 400: `cursor` must be better", "false"]);
  assert.deepEqual(await told(`${origin}/proxy`), ["http_503", "the server answered 503: Service Unavailable", "true"]);
});

test("without a cause, as in a page, there are words all the same", () => {
  assert.equal(unreachable(baseUrl("http://h:1"), new TypeError("Failed to fetch")).message, "no connection to http://h:1");
});
