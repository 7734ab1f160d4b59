//! The edge: addresses, parameters, errors, and nothing else. What an answer holds is decided by whoever is asked.
//!
//! [`app`] is the whole of it, the viewers' addresses (`/ws`, `/sse`) included. A request meets, from outside in: `dress`
//! (headers, the form of errors, the request log), `origin` (whose pages may connect), its handler. Whatever goes wrong
//! is told as a [`Problem`] that names the field and the rule (RFC 9457).
//!
//! Failure: with Postgres away reads answer 503 and say when to come again; `/healthz` never looks at any service, so
//! that a short outage restarts nobody.

mod access;
mod dashboard;
mod documents;
mod dress;
mod health;
mod letters;
mod origin;
mod pages;
mod photos;
mod products;
mod ratings;
mod replicas;
#[cfg(test)]
mod tests;

pub use ratings::Ratings;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, Resource, guard, web};
use tokio::sync::Semaphore;

use crate::config::{Secret, Settings};
use crate::db::Db;
use crate::health::Health;
use crate::kafka::{Letters, Redrive};
use crate::metrics::Metrics;
use crate::photos::Photos;
use crate::problem::Problem;
use crate::replicas::Replicas;
use origin::Origins;

/// Longest body of a request, bytes. No address takes a large one.
const MAX_BODY: usize = 16 * 1024;
/// Requests that may wait for a version at the same time: each asks the database ten times a second.
const MOST_WAITING: usize = 256;

/// What handlers share.
pub struct State {
    db: Db,
    health: Health,
    metrics: Metrics,
    replicas: Replicas,
    ratings: Ratings,
    letters: Letters,
    redrive: Redrive,
    photos: Photos,
    admin_token: Option<Secret>,
    origins: Origins,
    /// This replica's place in the relay, as viewers name it.
    cursor: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// One permit for each request that waits for a version.
    waiting: Semaphore,
}

/// What handlers are given.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// What is away.
    pub health: Health,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// The replicas that live.
    pub replicas: Replicas,
    /// The door of ratings.
    pub ratings: Ratings,
    /// The dead letters of changes.
    pub letters: Letters,
    /// Their way back.
    pub redrive: Redrive,
    /// Photos.
    pub photos: Photos,
}

impl State {
    /// What handlers need, with `settings` on who may do what; `cursor` tells this replica's place in the relay.
    pub fn new(
        settings: &Settings,
        parts: Parts,
        cursor: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let Parts { db, health, metrics, replicas, ratings, letters, redrive, photos } = parts;
        Self {
            db,
            health,
            metrics,
            replicas,
            ratings,
            letters,
            redrive,
            photos,
            admin_token: settings.admin_token.clone(),
            origins: Origins::new(&settings.allowed_origins),
            cursor: Box::new(cursor),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }
}

/// Everything that is served; `viewers` adds the live lane's addresses.
pub fn app(
    state: web::Data<State>,
    viewers: impl FnOnce(&mut web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state)
        .app_data(web::PayloadConfig::new(MAX_BODY))
        .app_data(web::JsonConfig::default().limit(MAX_BODY))
        .configure(viewers)
        .configure(routes)
        .wrap(from_fn(origin::check))
        .wrap(from_fn(dress::dress))
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(read("/products", products::list))
        .service(read("/products/{id}", products::one))
        .service(read("/products/{id}/changes", products::changes))
        .service(web::resource("/products/{id}/rate").route(web::post().to(ratings::rate_product)))
        .service(read("/products/{id}/total", ratings::product_total))
        .service(web::resource("/rate").route(web::post().to(ratings::rate_site)))
        .service(read("/total", ratings::site_total))
        .service(
            read("/products/{id}/photo", photos::get)
                .route(web::put().to(photos::put))
                .route(web::delete().to(photos::delete)),
        )
        .service(read("/replicas", replicas::list))
        .service(read("/replicas/log", replicas::log))
        .service(web::resource("/replicas/{name}/drain").route(web::post().to(replicas::drain)))
        .service(read("/dead-letters", letters::list))
        .service(read("/dead-letters/{partition}/{offset}", letters::one))
        .service(
            web::resource("/dead-letters/{partition}/{offset}/redrive")
                .app_data(web::PayloadConfig::new(letters::MAX_BODY))
                .route(web::post().to(letters::redrive)),
        )
        .service(read("/healthz", health::alive))
        .service(read("/readyz", health::ready))
        .service(read("/metrics", health::metrics))
        .configure(dashboard::routes)
        .service(read("/openapi.json", documents::openapi))
        .service(read("/asyncapi.json", documents::asyncapi))
        .service(read("/events/{file}", documents::json_schema))
        .service(read("/style.css", pages::style))
        .service(read("/favicon.ico", pages::favicon))
        .service(read("/problems/{slug}", pages::problem));
}

/// An address that is read; HEAD is GET without the body.
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    let method = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path).route(web::route().guard(method).to(handler))
}
