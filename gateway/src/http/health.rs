//! What load balancers, orchestrators and Prometheus ask.
//!
//! `/healthz` says that the process lives, and looks at nothing else: a service that is away for a moment must not
//! restart the fleet. `/readyz` says whether new viewers and requests should come here, and what keeps them away.

use actix_web::{HttpResponse, web};
use schema::frames::Away;
use serde::Serialize;

use super::State;

/// The text format that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    away: Vec<Away>,
    view_loaded: bool,
    draining: bool,
}

/// `GET /healthz`
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    let state = state.health.state();
    let ready = state.is_ready();
    let away = state.away.iter().map(|(what, since)| Away { what: what.as_str().to_owned(), since: *since });
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(Readiness {
        ready,
        away: away.collect(),
        view_loaded: state.view_loaded,
        draining: state.draining,
    })
}

/// `GET /metrics`
pub(super) async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type(OPEN_METRICS).body(state.metrics.text())
}
