/** The admin token, kept as long as this page is open and nowhere else. */

import { ordinal } from "../format.js";

/** The gateway takes no shorter one, in characters. */
const SHORTEST = 16;

export class Admin extends EventTarget {
  #token = "";

  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token.trim();
    this.dispatchEvent(new Event("token"));
  }
}

/**
 * Why this can't be the token: no gateway has a shorter one, and no browser sends other characters in a header as they are.
 * @param {string} typed
 * @returns {string} empty when it can be
 */
export function whyNot(typed) {
  const characters = [...typed.trim()], other = characters.findIndex((character) => !/[\x20-\x7e]/.test(character));
  if (other >= 0) return `a token is printable ASCII, which its ${ordinal(other + 1)} character is not`;
  return characters.length < SHORTEST ? `a token has at least ${SHORTEST} characters, this one has ${characters.length}` : "";
}
