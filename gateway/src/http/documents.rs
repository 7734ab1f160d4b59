//! The documents that describe what is served here: one of HTTP, one of topics and frames, and the JSON Schemas that both
//! refer to. They stand in the binary, so they are those of this release.

use actix_web::{HttpResponse, web};
use schema::documents;

use super::Problem;

/// `GET /openapi.json`
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(documents::OPENAPI)
}

/// `GET /asyncapi.json`
pub(super) async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(documents::ASYNCAPI)
}

/// `GET /events/{file}`: where the documents look for a schema.
pub(super) async fn json_schema(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (_, text) =
        documents::SCHEMAS.into_iter().find(|(name, _)| *name == *file).ok_or(Problem::NotFound)?;
    Ok(HttpResponse::Ok().content_type("application/schema+json").body(text))
}
