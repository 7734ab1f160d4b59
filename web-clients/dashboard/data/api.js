/** Questions to the gateway that answers this page; a problem (RFC 9457) becomes an error in the server's own words. */

/** The server said no, or nothing. */
export class ApiError extends Error {
  /**
   * @param {string} message for people
   * @param {number} status 0: no answer
   */
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** No answer is waited for longer, in ms. */
const PATIENCE_MS = 10_000;

/**
 * @param {string} path relative to the page
 * @param {{method?: string, token?: string, body?: unknown, headers?: Record<string, string>}} [how]
 * @returns {Promise<any>} the answer's JSON, undefined where it has none
 */
export async function ask(path, { method = "GET", token, body, headers = {} } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...headers,
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new ApiError("no answer from the server", 0);
  }
  const isJson = answer.headers.get("content-type")?.includes("json");
  const told = isJson ? await answer.json().catch(() => undefined) : undefined;
  // The server's own words are for whoever sent none.
  if (answer.status === 401 && token) throw new ApiError("the admin token is not the right one", answer.status);
  if (!answer.ok) throw new ApiError(told?.detail ?? `the server answered ${answer.status}`, answer.status);
  return told;
}
