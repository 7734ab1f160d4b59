/**
 * The newest photo of each product. Pure: of two, the one with the higher revision is newer, whatever way it came.
 *
 * Frames of a product and snapshots tell its photo, too; one that was made earlier than what is held must not bring the
 * older photo back.
 */
/** @typedef {{photo: string | null, photo_revision: number}} Mark */
export class Photos {
    /** @type {Map<string, Mark>} by product id; who never had a photo is left out */
    held: Map<string, Mark>;
    /**
     * @param {string} id
     * @param {string | null} photo its hash
     * @param {number} revision
     * @returns {boolean} whether it is news
     */
    take(id: string, photo: string | null, revision: number): boolean;
    /**
     * A product as it was told, with the newest photo that is known of it.
     * @template {import("./frames.js").Product} P
     * @param {P} product
     * @returns {P}
     */
    onto<P extends import("./frames.js").Product>(product: P): P;
}
export type Mark = {
    photo: string | null;
    photo_revision: number;
};
