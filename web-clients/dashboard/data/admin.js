/** The admin token, kept as long as this page is open and nowhere else. */

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
