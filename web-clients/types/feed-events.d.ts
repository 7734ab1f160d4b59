/**
 * `cursor`: what was asked for
 */
export type OpenDetail = import("./frames.js").Hello & {
    cursor: string | undefined;
};
/**
 * What listeners get as `event.detail`.
 */
export type FeedEvents = {
    /**
     * a replica answered; what was missed, or a snapshot, follows
     */
    open: OpenDetail;
    /**
     * `feed.products` is filled
     */
    snapshot: import("./shelf.js").SnapshotTaken;
    change: import("./shelf.js").Change;
    /**
     * of a product (its id is the subject), or of the `site`
     */
    rating: import("./shelf.js").RatingNews;
    /**
     * a product has another photo, or none any more
     */
    photo: import("./frames.js").PhotoChanged;
    /**
     * a change that could not be read or written lies in the dead letters
     */
    gap: import("./frames.js").Gap;
    /**
     * a viewer's word to all, our own too; at most once
     */
    said: import("./frames.js").Said;
    /**
     * what is away behind the server
     */
    status: import("./frames.js").Status;
    replicas: import("./frames.js").ReplicasChanged;
    /**
     * lost connections are told here, not as errors
     */
    state: import("./standing.js").StateDetail;
    error: import("./errors.js").FeedError;
};
