/**
 * A checkpoint of other products keeps its floors, but its cursor would leave holes.
 * @param {Checkpoint & {scope: "all" | string[]}} checkpoint
 * @param {Set<string> | "all"} scope
 * @returns {Checkpoint}
 */
export function inScope(checkpoint: Checkpoint & {
    scope: "all" | string[];
}, scope: Set<string> | "all"): Checkpoint;
/** @typedef {import("./frames.js").Product} Product */
/** @typedef {import("./frames.js").Frame} Frame */
/**
 * @typedef {object} ChangeExtras
 * @property {number} from the first version that this change folds in
 * @property {Product | undefined} previous what was held before, if anything
 * @property {number} missed versions that should have come before this one and did not
 * @property {boolean} snapshot true when a snapshot after a reset brought it
 * @property {number} [age_ms] from Kafka to the replica's encoder
 * @property {number[]} [path_ms] when it was consumed, written and relayed, after the Kafka record's timestamp
 */
/** @typedef {Product & ChangeExtras} Change */
/** @typedef {{products: number, changed: number, behind: number, reset: boolean}} SnapshotTaken `behind`: rows older than what is held, kept back */
/**
 * What a later run needs to go on where this one is; plain JSON.
 * @typedef {object} Checkpoint
 * @property {string} [cursor]
 * @property {boolean} complete
 * @property {Product[]} products the newest of each, so also the version floors
 * @property {string[]} [excused] products whose next break was announced
 * @property {import("./frames.js").Rating} [site] the site's rating
 */
/** @typedef {import("./frames.js").RatingChanged & {previous: import("./frames.js").Rating | undefined}} RatingNews */
/** @typedef {["change", Change] | ["rating", RatingNews] | ["photo", import("./frames.js").PhotoChanged] | ["snapshot", SnapshotTaken] | ["error", BrokenPromiseError]} Happening */
/** The state of one feed. */
export class Shelf {
    /** @param {{cursor?: string, checkpoint?: Checkpoint}} [from] */
    constructor({ cursor, checkpoint }?: {
        cursor?: string;
        checkpoint?: Checkpoint;
    });
    /** @type {Map<string, Product>} */
    products: Map<string, Product>;
    proof: Proof;
    ratings: Ratings;
    photos: Photos;
    /** @type {string | undefined} the place after all that was taken; opaque */
    cursor: string | undefined;
    /** True while the shelf has all that the server has: continued at the cursor, or the last snapshot page taken. */
    caughtUp: boolean;
    /**
     * While a product's first state is awaited, the cursor does not stand for it: who went on there would never get it.
     * @param {{awaits?: boolean}} [how]
     * @returns {Checkpoint}
     */
    checkpoint({ awaits }?: {
        awaits?: boolean;
    }): Checkpoint;
    /**
     * Products that are followed no more are not kept: they would grow old unseen. Their floors stay.
     * @param {Set<string>} scope
     */
    narrow(scope: Set<string>): void;
    /** A connection is about to be made, with `cursor` if there is one. */
    connecting(): void;
    /** The connection is gone. */
    lost(): void;
    /**
     * @param {Frame} frame
     * @returns {Happening[]} in order
     */
    take(frame: Frame): Happening[];
    #private;
}
export type Product = import("./frames.js").Product;
export type Frame = import("./frames.js").Frame;
export type ChangeExtras = {
    /**
     * the first version that this change folds in
     */
    from: number;
    /**
     * what was held before, if anything
     */
    previous: Product | undefined;
    /**
     * versions that should have come before this one and did not
     */
    missed: number;
    /**
     * true when a snapshot after a reset brought it
     */
    snapshot: boolean;
    /**
     * from Kafka to the replica's encoder
     */
    age_ms?: number | undefined;
    /**
     * when it was consumed, written and relayed, after the Kafka record's timestamp
     */
    path_ms?: number[] | undefined;
};
export type Change = Product & ChangeExtras;
/**
 * `behind`: rows older than what is held, kept back
 */
export type SnapshotTaken = {
    products: number;
    changed: number;
    behind: number;
    reset: boolean;
};
/**
 * What a later run needs to go on where this one is; plain JSON.
 */
export type Checkpoint = {
    cursor?: string | undefined;
    complete: boolean;
    /**
     * the newest of each, so also the version floors
     */
    products: Product[];
    /**
     * products whose next break was announced
     */
    excused?: string[] | undefined;
    /**
     * the site's rating
     */
    site?: import("./frames.js").Rating | undefined;
};
export type RatingNews = import("./frames.js").RatingChanged & {
    previous: import("./frames.js").Rating | undefined;
};
export type Happening = ["change", Change] | ["rating", RatingNews] | ["photo", import("./frames.js").PhotoChanged] | ["snapshot", SnapshotTaken] | ["error", BrokenPromiseError];
import { Proof } from "./proof.js";
import { Ratings } from "./ratings.js";
import { Photos } from "./photos.js";
import { BrokenPromiseError } from "./errors.js";
