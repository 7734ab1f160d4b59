/**
 * What a feed tells its listeners: names and types only, no code.
 */

/** @typedef {import("./frames.js").Hello & {cursor: string | undefined}} OpenDetail `cursor`: what was asked for */
/**
 * What listeners get as `event.detail`.
 * @typedef {object} FeedEvents
 * @property {OpenDetail} open a replica answered; what was missed, or a snapshot, follows
 * @property {import("./shelf.js").SnapshotTaken} snapshot `feed.products` is filled
 * @property {import("./shelf.js").Change} change
 * @property {import("./shelf.js").RatingNews} rating of a product (its id is the subject), or of the `site`
 * @property {import("./frames.js").PhotoChanged} photo a product has another photo, or none any more
 * @property {import("./frames.js").Gap} gap a change that could not be read or written lies in the dead letters
 * @property {import("./frames.js").Said} said a viewer's word to all, our own too; at most once
 * @property {import("./frames.js").Status} status what is away behind the server
 * @property {import("./frames.js").ReplicasChanged} replicas
 * @property {import("./standing.js").StateDetail} state lost connections are told here, not as errors
 * @property {import("./errors.js").FeedError} error
 */

export {};
