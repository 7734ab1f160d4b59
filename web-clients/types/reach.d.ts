/**
 * @param {URL} base
 * @param {unknown} error what `fetch` threw
 * @returns {ConnectionError}
 */
export function unreachable(base: URL, error: unknown): ConnectionError;
import { ConnectionError } from "./errors.js";
