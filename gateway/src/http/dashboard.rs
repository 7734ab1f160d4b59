//! The dashboard: plain modules and styles that stand in the binary, so that `/` works without a network and without a file.
//!
//! Each file is held as it is and compressed, and is served with a tag of its content: a browser asks again on each visit,
//! and is told in a few bytes that nothing changed, or gets the new file.
//!
//! **Invariant:** no script and no style stands in a page, and none comes from elsewhere, so the policy forbids both; and
//! no text is ever made into markup by a script (`require-trusted-types-for`), so a hostile product name shows as text.

use actix_web::http::header::{self, ContentEncoding, EntityTag, HeaderMap};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};

use super::products::knows;
use super::{Problem, read};

/// One file of the dashboard.
struct File {
    /// Where it is served.
    address: &'static str,
    /// Its content type.
    kind: &'static str,
    /// Hash of its content.
    tag: &'static str,
    /// As it is.
    plain: &'static [u8],
    /// The same by gzip.
    packed: &'static [u8],
}

/// All of them, made by `build.rs`.
const FILES: &[File] = &include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// What the page may do: load what this server has, and talk to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// An address for each file.
pub(super) fn routes(config: &mut ServiceConfig) {
    for file in FILES {
        config.service(read(file.address, serve));
    }
}

async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let file = FILES.iter().find(|file| file.address == request.path()).ok_or(Problem::NotFound)?;
    let packed = takes_gzip(request.headers()) && file.packed.len() < file.plain.len();
    // two encodings are two representations
    let tag = EntityTag::new_strong(if packed { format!("{}-gz", file.tag) } else { file.tag.to_owned() });
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(header::ETag(tag.clone()));
    if knows(&request, &tag) {
        return Ok(answer.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    answer.content_type(file.kind);
    if packed {
        answer.insert_header(ContentEncoding::Gzip);
    }
    Ok(answer.body(if packed { file.packed } else { file.plain }))
}

/// Whether gzip is named among what the client takes, and not with the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn all_of_it_stays_small() {
        let packed: usize = FILES.iter().map(|file| file.packed.len()).sum();
        assert!(FILES.iter().any(|file| file.address == "/") && packed < 150 * 1024, "{packed} bytes");
    }

    #[test]
    fn the_policy_forbids_what_stands_in_the_page() {
        assert!(!POLICY.contains("unsafe") && !POLICY.contains("http"));
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        let takes = |value| {
            takes_gzip(
                TestRequest::default().insert_header(("Accept-Encoding", value)).to_http_request().headers(),
            )
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("xgzip"));
    }
}
