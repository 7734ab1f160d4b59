//! The replicas that live, and sending one of them away.

use actix_web::{HttpRequest, HttpResponse, web};
use schema::frames::Replica;
use serde::Serialize;

use super::access::Admin;
use super::{Problem, State};
use crate::params::Params;
use crate::redis::registry::LOG_LINES;
use crate::replicas::Drain;
use crate::replicas::moves::Line;

/// Moves that are told when nobody says how many.
const LOG_SHOWN: u16 = 50;

#[derive(Serialize)]
struct Replicas {
    replicas: Vec<Replica>,
    complete: bool,
}

#[derive(Serialize)]
struct Log {
    entries: Vec<Line>,
}

#[derive(Serialize)]
struct Requested<'a> {
    replica: &'a str,
    requested: &'static str,
}

/// `GET /replicas`
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    Params::read(&request, &[])?;
    let (replicas, complete) = state.replicas.list();
    Ok(HttpResponse::Ok().json(Replicas { replicas, complete }))
}

/// `GET /replicas/log`: which partitions and replicas moved, newest first.
pub(super) async fn log(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let params = Params::read(&request, &["limit"])?;
    let count = params.number("limit", 1..=i64::from(LOG_LINES))?.and_then(|count| count.try_into().ok());
    Ok(HttpResponse::Ok().json(Log { entries: state.replicas.log(count.unwrap_or(LOG_SHOWN)).await? }))
}

/// `POST /replicas/{name}/drain`: the replica sends its viewers away, leaves the group and ends.
pub(super) async fn drain(
    _: Admin,
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    match state.replicas.drain(&name).await? {
        Drain::Requested => {
            tracing::info!(replica = %*name, "drain requested");
            // a connection that is kept open would only hold up the end
            let mut response = HttpResponse::Accepted();
            response.force_close();
            Ok(response.json(Requested { replica: &name, requested: "drain" }))
        }
        Drain::Unknown => Err(Problem::ReplicaNotFound(Problem::echo(&name))),
    }
}
