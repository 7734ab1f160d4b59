/**
 * The frames that a gateway sends, parsed once at the edge: behind this file their values are right.
 *
 * Both transports carry the same JSON. A frame of a type that is not known here passes unread (a newer gateway may say
 * more); a known one with a wrong field is a `ProtocolError`.
 */

import { ProtocolError } from "./errors.js";

/**
 * What a subject's ratings add up to; a higher count is newer.
 * @typedef {object} Rating
 * @property {number | null} average of the last `window` ratings, or of all while there are fewer; null before the first
 * @property {number} window how many of the newest the average looks back on, at most
 * @property {number} count ratings ever counted
 * @property {number} sum of all of them
 */
/** @typedef {{subject: string} & Rating} RatingChanged `subject`: a product id, or `site` */
/**
 * A product's whole state at one version.
 * @typedef {object} Product
 * @property {string} product_id UUID
 * @property {number} version 1, 2, 3 … without a gap
 * @property {string} name
 * @property {number} price_minor in minor units of `currency`
 * @property {string} currency ISO 4217
 * @property {number} stock
 * @property {string | null} [photo] the photo's hash, null when it has none
 * @property {number} [photo_revision] of two photos of a product the one with the higher revision is newer
 * @property {Rating | null} [rating] null while it was never rated
 * @property {string} [occurred_at] RFC 3339, UTC
 */
/**
 * @typedef {object} FrameOnly
 * @property {number} from the first version that this frame folds in
 * @property {number} [age_ms] from Kafka to the replica's encoder
 * @property {number[]} [path_ms] when it was consumed, written and relayed, after the Kafka record's timestamp
 */
/** @typedef {Product & FrameOnly} ProductChanged */
/** @typedef {{replica: string, viewer?: string, epoch: string, resumed: boolean, reset: boolean, missed?: number, heartbeat_ms: number, limits: Record<string, unknown>}} Hello `missed`: relay entries since the cursor, where they were counted; `viewer`: how others see this one */
/** @typedef {{products: Product[], reset: boolean, last: boolean}} SnapshotPage */
/** @typedef {{topic: string, partition: number, offset: number, reason: string, product_id?: string}} Gap a position that went to dead letters */
/** @typedef {{product_id: string, photo: string | null, revision: number}} PhotoChanged a product's photo was stored or removed */
/** @typedef {{from: string, text: string, at: string}} Said a word of a viewer to all; at most once */
/** @typedef {{away: {what: string, since?: string}[], stale_ms?: number}} Status */
/** @typedef {{reconnect_after_ms: number, reason: string}} GoingAway */
/** @typedef {{replicas: Record<string, unknown>[], moved?: Record<string, unknown>[]}} ReplicasChanged */
/** @typedef {{code: string, message: string, field?: string}} ErrorData */
/**
 * @typedef {{type: "hello", data: Hello} | {type: "snapshot", data: SnapshotPage} | {type: "product_changed", data: ProductChanged}
 *   | {type: "rating_changed", data: RatingChanged} | {type: "photo_changed", data: PhotoChanged} | {type: "said", data: Said} | {type: "gap", data: Gap} | {type: "status", data: Status} | {type: "going_away", data: GoingAway}
 *   | {type: "replicas_changed", data: ReplicasChanged} | {type: "error", data: ErrorData} | {type: "heartbeat", data: object}
 *   | {type: "unknown", data: unknown}} TypedFrame
 */
/** @typedef {TypedFrame & {cursor: string | undefined}} Frame */

/** @typedef {(data: any) => boolean} Check */
/** @type {Check} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @type {Check} */
const isText = (value) => typeof value === "string" && value !== "";
/** @type {Check} */
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
/** @type {Check} */
const isVersion = (value) => Number.isSafeInteger(value) && value >= 1;
/** @type {Check} */
const isFlag = (value) => value === undefined || typeof value === "boolean";
/** @type {Check} */
const isRating = (r) => isObject(r) && (r.average === null || Number.isFinite(r.average)) && isCount(r.window) && isCount(r.count) && isCount(r.sum);
/** @type {Check} */
const isProduct = (p) =>
  isObject(p) && isText(p.product_id) && isVersion(p.version) && isText(p.name)
  && isCount(p.price_minor) && /^[A-Z]{3}$/.test(p.currency) && isCount(p.stock)
  && (p.photo === undefined || p.photo === null || isText(p.photo)) && (p.photo_revision === undefined || isCount(p.photo_revision))
  && (p.rating === undefined || p.rating === null || isRating(p.rating));

/** What must hold for each type. @type {Record<string, Check>} */
const CHECKS = {
  hello: (d) => isText(d.replica) && isText(d.epoch) && isFlag(d.resumed) && isFlag(d.reset) && d.heartbeat_ms > 0,
  snapshot: (d) => Array.isArray(d.products) && d.products.every(isProduct) && isFlag(d.reset) && isFlag(d.last),
  product_changed: (d) => isProduct(d) && isVersion(d.from) && d.from <= d.version,
  rating_changed: (d) => isText(d.subject) && isRating(d),
  photo_changed: (d) => isText(d.product_id) && (d.photo === null || isText(d.photo)) && isCount(d.revision),
  gap: (d) => isText(d.topic) && isCount(d.partition) && isCount(d.offset) && isText(d.reason),
  said: (d) => isText(d.from) && isText(d.text) && isText(d.at),
  status: (d) => Array.isArray(d.away),
  going_away: (d) => isCount(d.reconnect_after_ms),
  replicas_changed: (d) => Array.isArray(d.replicas),
  error: (d) => isText(d.code),
  heartbeat: () => true,
};

/**
 * @param {string} type
 * @param {unknown} data parsed JSON
 * @param {unknown} cursor opaque; empty or missing where the frame moves none
 * @returns {Frame}
 * @throws {ProtocolError}
 */
export function readFrame(type, data, cursor) {
  const place = typeof cursor === "string" && cursor !== "" ? cursor : undefined;
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  if (check === undefined) return { type: "unknown", data, cursor: place };
  if (!isObject(data) || !check(data)) {
    throw new ProtocolError(`a ${type} frame is not as agreed: ${JSON.stringify(data)?.slice(0, 200)}`);
  }
  return /** @type {Frame} */ ({ type, data: withDefaults(type, data), cursor: place });
}

/**
 * Flags and counts that a server may leave out, so that nobody behind this file has to think of them.
 * @param {string} type
 * @param {any} data
 */
function withDefaults(type, data) {
  if (type === "hello") return { resumed: false, reset: false, limits: {}, ...data, missed: data.missed ?? undefined };
  if (type === "snapshot") return { reset: false, last: false, ...data };
  return data;
}
