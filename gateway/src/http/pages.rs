//! One page for each kind of problem, for people who follow a problem's `type`.
//!
//! No script and no style stands in a page, so the content policy can forbid all of it.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::Problem;
use crate::problem::kinds;

const PROBLEM: &str = include_str!("pages/problem.html");
const STYLE: &str = include_str!("pages/style.css");
/// What the pages may load: the style sheet, and the icon that browsers ask for.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// `GET /problems/{slug}`
pub(super) async fn problem(slug: web::Path<String>) -> Result<HttpResponse, Problem> {
    let kind = kinds::ALL.into_iter().find(|kind| kind.slug == *slug).ok_or(Problem::NotFound)?;
    let retry = if kind.retryable { "may succeed later" } else { "will be refused again" };
    let filled = PROBLEM
        .replace("{title}", kind.title)
        .replace("{slug}", kind.slug)
        .replace("{status}", kind.status.as_str())
        .replace("{retry}", retry)
        .replace("{about}", kind.about);
    Ok(page(filled))
}

/// `GET /style.css`
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

/// `GET /favicon.ico`: there is none, which is no error.
pub(super) async fn favicon() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn page(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(text)
}
