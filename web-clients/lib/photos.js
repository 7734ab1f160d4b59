/**
 * The newest photo of each product. Pure: of two, the one with the higher revision is newer, whatever way it came.
 *
 * Frames of a product and snapshots tell its photo, too; one that was made earlier than what is held must not bring the
 * older photo back.
 */

/** @typedef {{photo: string | null, photo_revision: number}} Mark */

export class Photos {
  /** @type {Map<string, Mark>} by product id; who never had a photo is left out */
  held = new Map();

  /**
   * @param {string} id
   * @param {string | null} photo its hash
   * @param {number} revision
   * @returns {boolean} whether it is news
   */
  take(id, photo, revision) {
    const isNews = revision > (this.held.get(id)?.photo_revision ?? 0);
    if (isNews) this.held.set(id, { photo, photo_revision: revision });
    return isNews;
  }

  /**
   * A product as it was told, with the newest photo that is known of it.
   * @template {import("./frames.js").Product} P
   * @param {P} product
   * @returns {P}
   */
  onto(product) {
    if (product.photo_revision) this.take(product.product_id, product.photo ?? null, product.photo_revision);
    const mark = this.held.get(product.product_id);
    return mark === undefined ? product : { ...product, ...mark };
  }
}
