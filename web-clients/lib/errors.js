/**
 * What can go wrong with a feed, split by what the reader of it does.
 *
 * Every error carries a `code` (a stable word for programs) and `temporary`: true means that the feed goes on by itself
 * (it reconnects, or has dropped one bad frame), false means that it has closed and will not come back.
 */

/** The root of all errors that a feed reports or throws. */
export class FeedError extends Error {
  /**
   * @param {string} message for people
   * @param {{code: string, temporary: boolean, cause?: unknown}} details
   */
  constructor(message, { code, temporary, cause }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    /** A stable word for programs, e.g. `closed`, `dead`, `refused`, `hole`. */
    this.code = code;
    /** True when the feed goes on by itself. */
    this.temporary = temporary;
  }
}

/** The connection ended or could not be made; the feed tries again. */
export class ConnectionError extends FeedError {
  /**
   * @param {string} message
   * @param {{code?: string, retryInMs?: number, cause?: unknown}} [details] `retryInMs`: the delay that the server asked for
   */
  constructor(message, { code = "closed", retryInMs, cause } = {}) {
    super(message, { code, temporary: true, cause });
    /** The delay before the next try that the server asked for, in ms. */
    this.retryInMs = retryInMs;
  }
}

/** The server answered and said no (a wrong parameter, a missing right): trying again would not help. */
export class RefusedError extends FeedError {
  /**
   * @param {string} message
   * @param {{code?: string, status?: number}} [details]
   */
  constructor(message, { code = "refused", status } = {}) {
    super(message, { code, temporary: false });
    /** The HTTP status, where one was seen. */
    this.status = status;
  }
}

/** A frame that breaks the contract. It is dropped, its cursor with it, and the feed goes on. */
export class ProtocolError extends FeedError {
  /**
   * @param {string} message
   * @param {{code?: string, cause?: unknown}} [details]
   */
  constructor(message, { code = "bad_frame", cause } = {}) {
    super(message, { code, temporary: true, cause });
  }
}

/** An `error` frame: the server did not accept something that this client sent. */
export class ServerError extends FeedError {
  /**
   * @param {string} message
   * @param {{code: string, field?: string}} details
   */
  constructor(message, { code, field }) {
    super(message, { code, temporary: true });
    /** The field that was wrong, where there is one. */
    this.field = field;
  }
}

/** A broken promise of the server: versions are missing, or one went back on one connection. */
export class BrokenPromiseError extends FeedError {
  /**
   * @param {string} message
   * @param {{code: "hole" | "regression", productId: string}} details
   */
  constructor(message, { code, productId }) {
    super(message, { code, temporary: true });
    /** The product it happened to. */
    this.productId = productId;
  }
}

/** A listener of the page or program threw. The feed does not stop for that. */
export class ListenerError extends FeedError {
  /**
   * @param {string} type the event it listened to
   * @param {unknown} cause what it threw
   */
  constructor(type, cause) {
    super(`a listener of "${type}" threw: ${cause instanceof Error ? cause.message : String(cause)}`, {
      code: "listener", temporary: true, cause,
    });
  }
}
