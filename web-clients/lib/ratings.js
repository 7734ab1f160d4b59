/**
 * The newest rating of each subject. Pure: of two, the one with the higher count is newer, whatever way it came.
 *
 * Frames of a product and snapshots tell its rating, too; one that was made earlier than what is held must not bring the
 * older rating back.
 */

/** @typedef {import("./frames.js").Rating} Rating */

export class Ratings {
  /** @type {Map<string, Rating>} by product id, or `site` */
  held = new Map();

  /**
   * @param {string} subject
   * @param {Rating} told
   * @returns {boolean} whether it is news
   */
  take(subject, { average, window, count, sum }) {
    const isNews = count > (this.held.get(subject)?.count ?? 0);
    if (isNews) this.held.set(subject, { average, window, count, sum });
    return isNews;
  }

  /**
   * A product as it was told, with the newest rating that is known of it.
   * @template {import("./frames.js").Product} P
   * @param {P} product
   * @returns {P}
   */
  onto(product) {
    if (product.rating) this.take(product.product_id, product.rating);
    const rating = this.held.get(product.product_id);
    return rating === undefined ? product : { ...product, rating };
  }
}
