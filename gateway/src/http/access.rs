//! Who may use the admin addresses: whoever has the token.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::{Problem, State};

/// Proof that the request came with the admin token.
#[derive(Debug)]
pub(super) struct Admin;

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request
            .app_data::<web::Data<State>>()
            .and_then(|state| state.admin_token.as_ref())
            .map(|token| token.expose().as_bytes());
        let given = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        ready(check(token, given))
    }
}

fn check(token: Option<&[u8]>, authorization: Option<&[u8]>) -> Result<Admin, Problem> {
    let token = token.ok_or(Problem::AdminDisabled)?;
    let given = authorization.and_then(bearer).ok_or(Problem::Unauthorized)?;
    if same(token, given) { Ok(Admin) } else { Err(Problem::Unauthorized) }
}

/// The token of `Bearer TOKEN`; the scheme in either case (RFC 9110 §11.1).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Whether both are equal, in a time that tells their lengths at most.
fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    a.len() == b.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let token = Some(b"0123456789abcdef".as_slice());
        for right in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef"] {
            assert!(check(token, Some(right.as_bytes())).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
        ] {
            assert_eq!(check(token, Some(wrong.as_bytes())).unwrap_err(), Problem::Unauthorized, "{wrong}");
        }
        assert_eq!(check(token, None).unwrap_err(), Problem::Unauthorized);
    }

    #[test]
    fn without_a_token_nobody_is_admin() {
        assert_eq!(check(None, Some(b"Bearer ")).unwrap_err(), Problem::AdminDisabled);
    }
}
