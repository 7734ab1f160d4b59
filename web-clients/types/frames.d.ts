/**
 * @param {string} type
 * @param {unknown} data parsed JSON
 * @param {unknown} cursor opaque; empty or missing where the frame moves none
 * @returns {Frame}
 * @throws {ProtocolError}
 */
export function readFrame(type: string, data: unknown, cursor: unknown): Frame;
/**
 * What a subject's ratings add up to; a higher count is newer.
 */
export type Rating = {
    /**
     * of the last `window` ratings, or of all while there are fewer; null before the first
     */
    average: number | null;
    /**
     * how many of the newest the average looks back on, at most
     */
    window: number;
    /**
     * ratings ever counted
     */
    count: number;
    /**
     * of all of them
     */
    sum: number;
};
/**
 * `subject`: a product id, or `site`
 */
export type RatingChanged = {
    subject: string;
} & Rating;
/**
 * A product's whole state at one version.
 */
export type Product = {
    /**
     * UUID
     */
    product_id: string;
    /**
     * 1, 2, 3 … without a gap
     */
    version: number;
    name: string;
    /**
     * in minor units of `currency`
     */
    price_minor: number;
    /**
     * ISO 4217
     */
    currency: string;
    stock: number;
    /**
     * the photo's hash, null when it has none
     */
    photo?: string | null | undefined;
    /**
     * of two photos of a product the one with the higher revision is newer
     */
    photo_revision?: number | undefined;
    /**
     * null while it was never rated
     */
    rating?: Rating | null | undefined;
    /**
     * RFC 3339, UTC
     */
    occurred_at?: string | undefined;
};
export type FrameOnly = {
    /**
     * the first version that this frame folds in
     */
    from: number;
    /**
     * from Kafka to the replica's encoder
     */
    age_ms?: number | undefined;
    /**
     * when it was consumed, written and relayed, after the Kafka record's timestamp
     */
    path_ms?: number[] | undefined;
};
export type ProductChanged = Product & FrameOnly;
/**
 * `missed`: relay entries since the cursor, where they were counted; `viewer`: how others see this one
 */
export type Hello = {
    replica: string;
    viewer?: string;
    epoch: string;
    resumed: boolean;
    reset: boolean;
    missed?: number;
    heartbeat_ms: number;
    limits: Record<string, unknown>;
};
export type SnapshotPage = {
    products: Product[];
    reset: boolean;
    last: boolean;
};
/**
 * a position that went to dead letters
 */
export type Gap = {
    topic: string;
    partition: number;
    offset: number;
    reason: string;
    product_id?: string;
};
/**
 * a product's photo was stored or removed
 */
export type PhotoChanged = {
    product_id: string;
    photo: string | null;
    revision: number;
};
/**
 * a word of a viewer to all; at most once
 */
export type Said = {
    from: string;
    text: string;
    at: string;
};
export type Status = {
    away: {
        what: string;
        since?: string;
    }[];
    stale_ms?: number;
};
export type GoingAway = {
    reconnect_after_ms: number;
    reason: string;
};
export type ReplicasChanged = {
    replicas: Record<string, unknown>[];
    moved?: Record<string, unknown>[];
};
export type ErrorData = {
    code: string;
    message: string;
    field?: string;
};
export type TypedFrame = {
    type: "hello";
    data: Hello;
} | {
    type: "snapshot";
    data: SnapshotPage;
} | {
    type: "product_changed";
    data: ProductChanged;
} | {
    type: "rating_changed";
    data: RatingChanged;
} | {
    type: "photo_changed";
    data: PhotoChanged;
} | {
    type: "said";
    data: Said;
} | {
    type: "gap";
    data: Gap;
} | {
    type: "status";
    data: Status;
} | {
    type: "going_away";
    data: GoingAway;
} | {
    type: "replicas_changed";
    data: ReplicasChanged;
} | {
    type: "error";
    data: ErrorData;
} | {
    type: "heartbeat";
    data: object;
} | {
    type: "unknown";
    data: unknown;
};
export type Frame = TypedFrame & {
    cursor: string | undefined;
};
export type Check = (data: any) => boolean;
