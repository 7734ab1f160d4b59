/** Viewers that watch all products, each with the checker of `web-clients/lib`. */

import { connect } from "../../../web-clients/lib/feed.js";

export class Fleet {
  #viewers;

  /** @param {string} base @param {number} count */
  constructor(base, count) {
    this.#viewers = Array.from({ length: count }, (_, at) => {
      const feed = connect(base, { transport: at % 2 === 0 ? "ws" : "sse" });
      const viewer = { feed, changes: 0, folded: 0, at: performance.now(), pause: 0 };
      feed.addEventListener("change", ({ detail: { version, previous } }) => {
        const now = performance.now();
        viewer.changes++;
        viewer.folded += version - (previous?.version ?? 0);
        viewer.pause = Math.max(viewer.pause, now - viewer.at);
        viewer.at = now;
      });
      return viewer;
    });
  }

  /** Whether all of them have what the server has. */
  get live() {
    return this.#viewers.every(({ feed }) => feed.state.state === "live");
  }

  /** A step begins: pauses count from here. */
  mark() {
    for (const viewer of this.#viewers) Object.assign(viewer, { pause: 0, at: performance.now() });
  }

  /** The longest time since the mark that one viewer saw no change, in ms. */
  get pause() {
    const now = performance.now();
    return Math.max(...this.#viewers.map(({ pause, at }) => Math.max(pause, now - at)));
  }

  /** Whether each shows these versions, or newer ones. @param {Map<string, number>} versions */
  shows(versions) {
    return this.#viewers.every(({ feed }) => [...versions].every(([id, version]) => (feed.products.get(id)?.version ?? 0) >= version));
  }

  /** What the checkers say. */
  verdict() {
    const proofs = this.#viewers.map(({ feed }) => feed.proof);
    const all = (/** @type {(proof: any) => number} */ of) => proofs.reduce((sum, proof) => sum + of(proof), 0);
    return {
      missed: all(({ missed, regressions }) => missed + regressions), resumes: all(({ resumes }) => resumes),
      changes: this.#viewers.reduce((sum, { changes }) => sum + changes, 0), shown: this.#viewers.reduce((sum, { folded }) => sum + folded, 0),
    };
  }

  async close() {
    await Promise.all(this.#viewers.map(({ feed }) => feed.close()));
  }
}
