//! Dead letters: what could not be read or written, and sending one back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::access::Admin;
use super::{Problem, State};
use crate::health::Dependency;
use crate::kafka::{KafkaError, Letter, RedriveError};
use crate::params::Params;

/// Longest body, bytes: the largest value of a change, and what JSON adds to it.
pub(super) const MAX_BODY: usize = 2 * schema::topics::MAX_VALUE_BYTES + 1024;
/// Letters of one answer: by default, and at most.
const LISTED: (i64, i64) = (50, 200);

#[derive(Serialize)]
struct Listed {
    letters: Vec<Letter>,
}

/// What to send back in place of the letter's own value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corrected {
    value: String,
}

#[derive(Serialize)]
struct SentBack {
    partition: i32,
    offset: i64,
    redrives: u64,
}

/// `GET /dead-letters`: the newest first.
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let params = Params::read(&request, &["limit"])?;
    let limit = params.number("limit", 1..=LISTED.1)?.unwrap_or(LISTED.0);
    let letters = state
        .letters
        .newest(usize::try_from(limit).unwrap_or_default())
        .await
        .map_err(|error| away(&error))?;
    Ok(HttpResponse::Ok().json(Listed { letters }))
}

/// `GET /dead-letters/{partition}/{offset}`: one, with its whole value.
pub(super) async fn one(
    place: web::Path<(String, String)>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (partition, offset) = parse(&place)?;
    let letter = state.letters.one(partition, offset).await.map_err(|error| away(&error))?;
    Ok(HttpResponse::Ok().json(letter.ok_or(Problem::LetterNotFound)?))
}

/// `POST /dead-letters/{partition}/{offset}/redrive`: sends it back, as it was or with a corrected value.
pub(super) async fn redrive(
    _: Admin,
    place: web::Path<(String, String)>,
    body: web::Bytes,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (partition, offset) = parse(&place)?;
    let corrected = corrected(&body)?;
    let value = corrected.as_ref().map(|corrected| corrected.value.as_bytes());
    let letter = state.letters.one(partition, offset).await.map_err(|error| away(&error))?;
    let sent = state.redrive.send(&letter.ok_or(Problem::LetterNotFound)?, value).await;
    let redrives = sent.map_err(|error| match error {
        RedriveError::Impossible(why) => Problem::NotRedrivable(why),
        RedriveError::Kafka(error) => away(&error),
    })?;
    Ok(HttpResponse::Accepted().json(SentBack { partition, offset, redrives }))
}

/// What the body asks for; an empty one asks for the letter as it was.
fn corrected(body: &[u8]) -> Result<Option<Corrected>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    let wrong = |error: serde_json::Error| Problem::InvalidParameter {
        field: "value",
        rule: format!("must be a text, alone in a JSON object: {error}"),
    };
    serde_json::from_slice(body).map(Some).map_err(wrong)
}

fn parse((partition, offset): &(String, String)) -> Result<(i32, i64), Problem> {
    let wrong = |field| Problem::InvalidParameter { field, rule: "must be a whole number from 0".to_owned() };
    let partition = partition.parse().ok().filter(|number| *number >= 0).ok_or(wrong("partition"))?;
    let offset = offset.parse().ok().filter(|number| *number >= 0).ok_or(wrong("offset"))?;
    Ok((partition, offset))
}

fn away(error: &KafkaError) -> Problem {
    tracing::debug!(%error, "dead letters can't be reached");
    Problem::ServiceAway(Dependency::Kafka)
}
