/**
 * The newest rating of each subject. Pure: of two, the one with the higher count is newer, whatever way it came.
 *
 * Frames of a product and snapshots tell its rating, too; one that was made earlier than what is held must not bring the
 * older rating back.
 */
/** @typedef {import("./frames.js").Rating} Rating */
export class Ratings {
    /** @type {Map<string, Rating>} by product id, or `site` */
    held: Map<string, Rating>;
    /**
     * @param {string} subject
     * @param {Rating} told
     * @returns {boolean} whether it is news
     */
    take(subject: string, { average, window, count, sum }: Rating): boolean;
    /**
     * A product as it was told, with the newest rating that is known of it.
     * @template {import("./frames.js").Product} P
     * @param {P} product
     * @returns {P}
     */
    onto<P extends import("./frames.js").Product>(product: P): P;
}
export type Rating = import("./frames.js").Rating;
