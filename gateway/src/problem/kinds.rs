//! The kinds of problems: one row each, with the sentence that its page shows.

use actix_web::http::StatusCode;

/// What all problems of one kind have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The end of `/problems/<slug>`; empty for what the status code says by itself.
    pub(crate) slug: &'static str,
    /// A few words.
    pub(crate) title: &'static str,
    /// The answer's status.
    pub(crate) status: StatusCode,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
    /// For its page: what it means and what to do.
    pub(crate) about: &'static str,
}

/// Every kind that has a page.
pub(crate) const ALL: [Kind; 24] = [
    INVALID_PARAMETER,
    UNKNOWN_PARAMETER,
    UNPROCESSABLE,
    UNSUPPORTED_MEDIA_TYPE,
    UNAUTHORIZED,
    ADMIN_DISABLED,
    ORIGIN_NOT_ALLOWED,
    NOT_FOUND,
    PRODUCT_NOT_FOUND,
    NOT_RATED,
    PHOTO_NOT_FOUND,
    PHOTO_TOO_LARGE,
    PHOTO_UNSUPPORTED,
    PHOTO_BROKEN,
    PRECONDITION_FAILED,
    REPLICA_NOT_FOUND,
    LETTER_NOT_FOUND,
    NOT_REDRIVABLE,
    METHOD_NOT_ALLOWED,
    VERSION_NOT_REACHED,
    URI_TOO_LONG,
    UPGRADE_REQUIRED,
    SERVICE_AWAY,
    BUSY,
];

pub(super) const INVALID_PARAMETER: Kind = Kind {
    slug: "invalid-parameter",
    title: "A parameter is not valid",
    status: StatusCode::BAD_REQUEST,
    retryable: false,
    about: "A part of the address, of the query or of the headers breaks a rule. The member `field` names it, `rule` says what it \
            must be.",
};
pub(super) const UNKNOWN_PARAMETER: Kind = Kind {
    slug: "unknown-parameter",
    title: "A parameter is not known",
    status: StatusCode::BAD_REQUEST,
    retryable: false,
    about: "The query holds a name that this address does not know. It is refused rather than ignored, so that a \
            misspelt one is noticed. The member `field` names it, `rule` lists the known ones.",
};
pub(super) const UNPROCESSABLE: Kind = Kind {
    slug: "unprocessable",
    title: "A value can't be taken",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    retryable: false,
    about: "The request is well formed, but a value in it breaks its rule. The member `field` names it, `rule` says what \
            it must be.",
};
pub(super) const UNSUPPORTED_MEDIA_TYPE: Kind = Kind {
    slug: "unsupported-media-type",
    title: "This address does not take a body of this type",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    retryable: false,
    about: "The header `Content-Type` of the request names another type than the address takes; the member `detail` says \
            which.",
};
pub(super) const UNAUTHORIZED: Kind = Kind {
    slug: "unauthorized",
    title: "The admin token is missing or wrong",
    status: StatusCode::UNAUTHORIZED,
    retryable: false,
    about: "Send the header `Authorization: Bearer TOKEN` with the token that the gateway was started with \
            (SHELFWIRE_ADMIN_TOKEN).",
};
pub(super) const ADMIN_DISABLED: Kind = Kind {
    slug: "admin-disabled",
    title: "Admin addresses are switched off",
    status: StatusCode::FORBIDDEN,
    retryable: false,
    about: "The gateway was started without an admin token. Set SHELFWIRE_ADMIN_TOKEN or SHELFWIRE_ADMIN_TOKEN_FILE \
            to switch these addresses on.",
};
pub(super) const ORIGIN_NOT_ALLOWED: Kind = Kind {
    slug: "origin-not-allowed",
    title: "Pages of this origin may not do that",
    status: StatusCode::FORBIDDEN,
    retryable: false,
    about: "A browser sent the request for a page of another origin. Name that origin in SHELFWIRE_ALLOWED_ORIGINS if \
            its pages may connect.",
};
pub(super) const NOT_FOUND: Kind = Kind {
    slug: "not-found",
    title: "There is nothing at this address",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "The page at /docs lists the addresses that are served.",
};
pub(super) const PRODUCT_NOT_FOUND: Kind = Kind {
    slug: "product-not-found",
    title: "The product is not known",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "No change of this product was stored. If one was just made, ask with `min_version=1` to wait for it.",
};
pub(super) const NOT_RATED: Kind = Kind {
    slug: "not-rated",
    title: "The product was never rated",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "The product is known, and nobody has rated it yet. A rating that was taken a moment ago is counted within a \
            second or so.",
};
pub(super) const PHOTO_NOT_FOUND: Kind = Kind {
    slug: "photo-not-found",
    title: "The product has no photo",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "The product is known, but nobody has uploaded a photo of it, or it was removed. PUT one to the same address.",
};
pub(super) const PHOTO_TOO_LARGE: Kind = Kind {
    slug: "photo-too-large",
    title: "The photo is too large",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    retryable: false,
    about: "A photo may have 5 MiB, 40 megapixels, and 192 MiB once it is decoded. The member `rule` says which of \
            them it breaks; nothing of it was decoded.",
};
pub(super) const PHOTO_UNSUPPORTED: Kind = Kind {
    slug: "photo-unsupported",
    title: "The photo is of no kind that is taken",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    retryable: false,
    about: "Send a JPEG, PNG or WebP as the body, and its kind as `Content-Type` (image/jpeg, image/png, image/webp). \
            The first bytes must be those of that kind.",
};
pub(super) const PHOTO_BROKEN: Kind = Kind {
    slug: "photo-broken",
    title: "The photo can't be decoded",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    retryable: false,
    about: "It begins like a picture and is none, or it ends too early. The member `rule` says what the decoder found.",
};
pub(super) const PRECONDITION_FAILED: Kind = Kind {
    slug: "precondition-failed",
    title: "The condition does not hold",
    status: StatusCode::PRECONDITION_FAILED,
    retryable: false,
    about: "The request was to be done only if what is there is what `If-Match` names, or is not what `If-None-Match` \
            names. It was not done. The member `rule` says what is there.",
};
pub(super) const REPLICA_NOT_FOUND: Kind = Kind {
    slug: "replica-not-found",
    title: "No replica of this name lives",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "The address /replicas lists those that do.",
};
pub(super) const LETTER_NOT_FOUND: Kind = Kind {
    slug: "letter-not-found",
    title: "There is no such dead letter",
    status: StatusCode::NOT_FOUND,
    retryable: false,
    about: "Partition and offset are those of the letter in its topic, as /dead-letters tells them. Kafka keeps dead letters \
            for 14 days.",
};
pub(super) const NOT_REDRIVABLE: Kind = Kind {
    slug: "not-redrivable",
    title: "The dead letter can't be sent back",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    retryable: false,
    about: "It lacks what a change needs: a key that is text, and its whole value. The body of the request may hold one as \
            the member `value`.",
};
pub(super) const METHOD_NOT_ALLOWED: Kind = Kind {
    slug: "method-not-allowed",
    title: "This address does not take the method",
    status: StatusCode::METHOD_NOT_ALLOWED,
    retryable: false,
    about: "The header `Allow` of the answer names the methods that it takes.",
};
pub(super) const VERSION_NOT_REACHED: Kind = Kind {
    slug: "version-not-reached",
    title: "The product has not reached the version yet",
    status: StatusCode::CONFLICT,
    retryable: true,
    about: "The product is known, but the version that was asked for by `min_version` did not arrive within `wait_ms`. \
            Ask again, or wait longer (up to 10000).",
};
pub(super) const URI_TOO_LONG: Kind = Kind {
    slug: "uri-too-long",
    title: "The address is too long",
    status: StatusCode::URI_TOO_LONG,
    retryable: false,
    about: "A path may have 512 bytes, a query 61440. Viewers of many products subscribe over the WebSocket.",
};
pub(super) const UPGRADE_REQUIRED: Kind = Kind {
    slug: "upgrade-required",
    title: "This address speaks WebSocket",
    status: StatusCode::UPGRADE_REQUIRED,
    retryable: false,
    about: "Connect with a WebSocket client (version 13, RFC 6455), such as `new WebSocket(…)` in a page. Without one, \
            /sse has the same frames over plain HTTP.",
};
pub(super) const SERVICE_AWAY: Kind = Kind {
    slug: "service-away",
    title: "A service that is needed does not answer",
    status: StatusCode::SERVICE_UNAVAILABLE,
    retryable: true,
    about: "The gateway waits for it and goes on by itself; /readyz says what is away and since when. Come again after \
            the seconds in the header `Retry-After`.",
};
pub(super) const BUSY: Kind = Kind {
    slug: "busy",
    title: "Too many requests of this kind are being worked on",
    status: StatusCode::SERVICE_UNAVAILABLE,
    retryable: true,
    about: "Some requests hold a place until they are answered (those with `min_version`, ratings on their way to \
            Kafka, uploads of photos, and photos that only the database has), and all places are taken. Come again after the seconds in the header `Retry-After`.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_an_address_of_its_own() {
        let mut slugs: Vec<_> = ALL.iter().map(|kind| kind.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), ALL.len());
        assert!(
            slugs.iter().all(|s| s.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !s.is_empty())
        );
    }
}
