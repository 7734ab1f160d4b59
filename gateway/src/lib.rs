//! The gateway: writes each change to the database and pushes it to every viewer, on every replica.
//!
//! Lanes meet only in data: [`ingest`] brings a change from Kafka into Postgres and onto the relay, [`live`] brings it
//! from the relay to viewers; [`photos`] and [`ratings`] are lanes of their own beside them. Under them lies the platform (`kafka`, `db`, `redis`, `epoch` and what every service
//! needs), above them `http` and [`app`], which puts all together.
//!
//! **Invariant:** lanes never import each other; each library has one home (rdkafka in `kafka`, diesel in `db`).

pub mod app;
pub mod aside;
pub mod audit;
pub mod backoff;
pub mod config;
pub mod db;
pub mod dead_letters;
pub mod drill;
pub mod epoch;
pub mod health;
pub mod healthcheck;
pub mod http;
pub mod ingest;
pub mod kafka;
pub mod live;
pub mod metrics;
mod params;
pub mod photos;
pub mod picture;
pub mod problem;
pub mod ratings;
pub mod redis;
pub mod relay;
pub mod replicas;
