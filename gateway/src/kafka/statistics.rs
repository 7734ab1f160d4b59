//! What a client tells of itself: once a second in numbers, at once in errors.

use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientContext, Statistics};

use super::rebalance::Context;
use super::record::Position;
use crate::health::Dependency;

/// How long after a commit was asked for the group must have it; else it is asked for again.
const COMMIT_TAKEN: Duration = Duration::from_secs(1);

impl Context {
    fn tell_health(&self, is_up: bool, quiet: Option<Duration>) {
        let reporter = &self.shared.reporter;
        match (is_up, quiet) {
            (false, _) => reporter.away(Dependency::Kafka, &"no broker answers"),
            (true, Some(quiet)) => {
                let group = &self.shared.group;
                let error = format!("group {group} has got nothing for {} s", quiet.as_secs());
                reporter.away(Dependency::Kafka, &error);
            }
            (true, None) => reporter.back(Dependency::Kafka),
        }
    }

    fn tell_lags(&self, lags: Vec<(Position, i64)>) {
        self.shared.metrics.lag.get_or_create(&self.label()).set(lags.iter().map(|(_, lag)| lag).sum());
        self.shared.status.set_lags(lags);
    }
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        if self.is_retired() {
            return;
        }
        let (mut owned, now) = (self.owned(), Instant::now());
        let quiet = {
            let mut pulse = self.pulse();
            pulse.look(&statistics, owned.positions().next().is_some(), now);
            pulse.quiet_for(now)
        };
        let is_up = statistics.brokers.values().any(|broker| broker.state == "UP");
        self.tell_health(is_up, quiet);
        let partition = |p: &Position| statistics.topics.get(&*p.topic)?.partitions.get(&p.partition);
        if let Some(asked_before) = now.checked_sub(COMMIT_TAKEN).filter(|_| is_up) {
            owned.check(|position| partition(position).map(|it| it.committed_offset), asked_before);
        }
        let lag = |own: &Position| {
            let it = partition(own).filter(|it| it.hi_offset >= 0)?;
            Some((own.clone(), (it.hi_offset - it.committed_offset.max(it.lo_offset).max(0)).max(0)))
        };
        let lags = owned.positions().filter_map(lag).collect();
        drop(owned);
        self.tell_lags(lags);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let all_down = matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::AllBrokersDown));
        if all_down && !self.is_retired() {
            self.shared.reporter.away(Dependency::Kafka, &reason);
        } else {
            tracing::debug!(group = self.shared.group, %error, reason, "kafka client");
        }
    }

    /// The library tells of every attempt to connect; [`crate::health`] says once that Kafka is away.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let group = &self.shared.group;
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(group, facility, message, "kafka client");
            }
            _ => tracing::debug!(group, facility, message, "kafka client"),
        }
    }
}
