//! The documents that describe the interfaces to people and tools, and the JSON Schemas that they refer to.
//!
//! They are kept as files and stand in here, so that a gateway serves those of its own release. Tests hold them: those of
//! this crate that each reference leads somewhere and each example fits, those of the gateway that nothing is missing.

/// `OpenAPI` 3.1: what a gateway serves over HTTP.
pub const OPENAPI: &str = include_str!("../openapi.json");
/// `AsyncAPI` 3.0: the topics, and the frames of viewers.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");
/// JSON Schemas by their names in the folder `events/`.
pub const SCHEMAS: [(&str, &str); 4] = [
    ("answers.schema.json", include_str!("../events/answers.schema.json")),
    ("frames.schema.json", include_str!("../events/frames.schema.json")),
    ("product-changed.v1.schema.json", include_str!("../events/product-changed.v1.schema.json")),
    ("product-rated.v1.schema.json", include_str!("../events/product-rated.v1.schema.json")),
];
