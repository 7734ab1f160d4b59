/**
 * Where a feed stands: `connecting → live ⇄ stale → closed`. Pure.
 *
 * *Live* means that the shelf has all that the server has and that nothing behind the server is away. A feed that was
 * never live is `connecting`, however often it has tried; one that was, is `stale` until it is live again.
 */

/** @typedef {"connecting" | "live" | "stale" | "closed"} State */
/** @typedef {{state: State, reason: string, code: string, retryInMs?: number}} StateDetail `retryInMs`: when the next try comes */

export class Standing {
  /** @type {StateDetail} */
  now = { state: "connecting", reason: "", code: "start" };
  #wasLive = false;
  /** @type {string[]} services that the server cannot reach */
  #away = [];

  /** @param {{what: string}[]} away from a status frame */
  away(away) {
    this.#away = away.map(({ what }) => what);
  }

  /**
   * After a frame.
   * @param {boolean} caughtUp
   * @returns {StateDetail | undefined} the new state, if it is one
   */
  settle(caughtUp) {
    if (this.#away.length > 0) return this.#move({ state: "stale", reason: `${this.#away.join(", ")} away`, code: "away" });
    if (caughtUp) return this.#move({ state: "live", reason: "", code: "live" });
    if (this.now.state === "live") return this.#move({ state: "stale", reason: "a snapshot is on its way", code: "snapshot" });
    return undefined;
  }

  /**
   * The connection is gone; another try comes.
   * @param {{message: string, code: string}} error
   * @param {number} retryInMs
   */
  lost({ message: reason, code }, retryInMs) {
    this.#away = [];
    return this.#move({ state: this.#wasLive ? "stale" : "connecting", reason, code, retryInMs });
  }

  /** @param {{reason: string, code: string}} why */
  close(why) {
    return this.#move({ state: "closed", ...why });
  }

  /**
   * @param {StateDetail} next
   * @returns {StateDetail | undefined}
   */
  #move(next) {
    const { state, reason, retryInMs } = this.now;
    this.#wasLive ||= next.state === "live";
    this.now = next;
    return state === next.state && reason === next.reason && retryInMs === next.retryInMs ? undefined : next;
  }
}
