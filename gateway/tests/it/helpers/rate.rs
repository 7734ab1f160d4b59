//! Ratings: sending them, and what they must add up to.

use std::collections::{HashMap, HashSet};

use schema::headers::IDEMPOTENCY_KEY;
use schema::topics;
use schema::{ProductRated, Rating, Tally};

use super::client::{Answer, Client};
use super::kafka::Stored;
use super::{World, until};

/// The window of a replica that is not told otherwise.
pub(crate) const WINDOW: u32 = 10;

impl Client {
    /// Sends a rating until it is taken: the door waits a second for Kafka, which on a busy machine may be too short. With a
    /// key among `headers` it counts once, whatever became of the tries before.
    pub(crate) async fn until_taken(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        until("a rating is taken", async || {
            let answer = self.ask("POST", path, headers, body).await.unwrap();
            assert!([202, 503].contains(&answer.status), "{answer:?}");
            Some(answer).filter(|answer| answer.status == 202)
        })
        .await
    }
}

impl World {
    /// The topic of ratings.
    pub(crate) fn ratings_topic(&self) -> String {
        format!("{}-ratings", self.topic)
    }

    /// Where poison ratings go.
    pub(crate) fn rating_letters(&self) -> Vec<Stored> {
        self.records(&topics::dead_letters(&self.ratings_topic()).name)
    }

    /// Every total that is stored: average, count and sum by subject.
    pub(crate) async fn totals(&self) -> HashMap<String, Rating> {
        let rows = self.sql.rows("SELECT subject, average, window_size, count, sum FROM ratings").await;
        let rating = |row: &Vec<String>| Rating {
            average: row[1].parse().ok(),
            window: row[2].parse().unwrap(),
            count: row[3].parse().unwrap(),
            sum: row[4].parse().unwrap(),
        };
        rows.iter().map(|row| (row[0].clone(), rating(row))).collect()
    }

    /// What a fold of the topic adds up to, by the contract's rules: in the order of each partition, each key once.
    pub(crate) fn fold_of_topic(&self) -> HashMap<String, Rating> {
        let mut tallies: HashMap<String, Tally> = HashMap::new();
        let mut keys = HashSet::new();
        for record in self.records(&self.ratings_topic()) {
            let rated = ProductRated::decode(record.key.as_deref(), record.value.as_deref(), None, None);
            let Ok(rated) = rated else { continue };
            let key = record.header(IDEMPOTENCY_KEY);
            if key.is_none_or(|key| keys.insert((rated.subject, key))) {
                tallies.entry(rated.subject.to_string()).or_default().push(rated.rate, WINDOW);
            }
        }
        tallies.into_iter().map(|(subject, tally)| (subject, tally.rating(WINDOW))).collect()
    }

    /// Waits until `subject` has `count` ratings counted.
    pub(crate) async fn until_counted(&self, subject: &str, count: i64) {
        let what = format!("{count} ratings of {subject} are counted");
        until(&what, async || {
            let totals = self.totals().await;
            (totals.get(subject).map_or(0, |total| total.count) >= count).then_some(())
        })
        .await;
    }

    /// Waits until every rating in Kafka is folded or a dead letter, and committed.
    pub(crate) async fn until_all_folded(&self) {
        let (topic, group) = (self.ratings_topic(), format!("{}-ratings", self.group));
        until("all ratings are folded", async || {
            (self.committed_by(&group, &topic) == self.ends(&topic)).then_some(())
        })
        .await;
    }
}
