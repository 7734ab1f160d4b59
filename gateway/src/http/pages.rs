//! The few pages for people: what is served here and what to try, and one page for each kind of problem.
//!
//! No script and no style stands in a page, so the content policy can forbid all of it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Problem, State};
use crate::problem::kinds;

const INDEX: &str = include_str!("pages/index.html");
const PROBLEM: &str = include_str!("pages/problem.html");
const STYLE: &str = include_str!("pages/style.css");
/// What the pages may load: the style sheet, and the icon that browsers ask for.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// `GET /`
pub(super) async fn index(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let connection = request.connection_info();
    let base = base(connection.scheme(), connection.host());
    page(INDEX.replace("{replica}", state.replicas.name()).replace("{base}", &base))
}

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

/// Where the reader came to, for commands to copy. Both parts come from the client: whatever is no host is left out.
fn base(scheme: &str, host: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'[' | b']');
    let scheme = if scheme == "https" { "https" } else { "http" };
    let host = if !host.is_empty() && host.bytes().all(plain) { host } else { "localhost:8080" };
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_can_put_nothing_into_the_page() {
        assert_eq!(base("https", "shop.example"), "https://shop.example");
        assert_eq!(base("javascript", "[::1]:8080"), "http://[::1]:8080");
        assert_eq!(base("http", "<script>"), "http://localhost:8080");
    }
}
