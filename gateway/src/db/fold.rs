//! The fold of a batch of ratings into totals.
//!
//! One transaction: lock the progress rows (sorted), leave out what lies below them, lock the subjects (sorted), leave
//! out what came under a key that was counted, count the rest, write totals, keys and progress. So whatever is delivered
//! again, in whatever batches and by whomever, changes nothing. Keys are looked at under their subject's lock.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Double, Integer, Nullable, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use schema::{KeyHash, Rate, Rating, Subject, Tally};

use super::ratings::Row;
use super::tables::ratings;
use super::writer::{Writer, in_time};
use super::{DbError, epoch, progress};
use crate::drill::{self, Bug, Step};
use crate::epoch::Epoch;

/// One rating on its way into its total.
#[derive(Debug, Clone, Copy)]
pub struct IncomingRating {
    /// Where it stands in its topic.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// What is rated.
    pub subject: Subject,
    /// How good it is.
    pub rate: Rate,
    /// By which it counts once, however often it was sent.
    pub key: Option<KeyHash>,
}

/// What became of one rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It counts.
    New,
    /// Another one counted under its key.
    Repeat,
    /// It was folded before.
    Replay,
    /// Its partition belongs to another topic than what was folded.
    Refused,
}

/// The result of one batch.
#[derive(Debug)]
pub struct Folded {
    /// What became of each rating, in the order of the batch.
    pub counted: Vec<Counted>,
    /// What is stored now for each subject of the batch that was ever rated.
    pub ratings: Vec<(Subject, Rating)>,
    /// Partitions that belong to another topic than what was folded.
    pub refused: Vec<i32>,
    /// The relay's epoch, which can't have ended before this write was committed.
    pub epoch: Epoch,
}

impl Writer {
    /// Folds `incoming` (of each partition in its order) into totals whose averages look back on `window` ratings, and
    /// notes that everything of `topic` below `ends` (by partition, ascending) is done.
    ///
    /// # Errors
    /// Nothing was written, or (time-out, lost connection) it is not known; folding the batch again is always right.
    pub async fn fold_ratings(
        &mut self,
        topic: &str,
        ends: &[(i32, i64)],
        incoming: &[IncomingRating],
        window: u32,
    ) -> Result<Folded, DbError> {
        let mut connection = self.take().await?;
        let batch =
            connection.transaction(async |connection| fold(connection, topic, ends, incoming, window).await);
        let folded = in_time(batch).await?;
        self.keep(connection);
        Ok(folded)
    }
}

async fn fold(
    connection: &mut AsyncPgConnection,
    topic: &str,
    ends: &[(i32, i64)],
    incoming: &[IncomingRating],
    window: u32,
) -> QueryResult<Folded> {
    let partitions: Vec<i32> = ends.iter().map(|(partition, _)| *partition).collect();
    let held = progress::lock(connection, topic, &partitions).await?;
    let mut counted: Vec<Counted> = incoming
        .iter()
        .map(|rating| match held.get(&rating.partition) {
            Some(held) if held.refused => Counted::Refused,
            Some(held)
                if rating.offset < held.next_offset && !drill::planted(Bug::RatingsWithoutProgress) =>
            {
                Counted::Replay
            }
            _ => Counted::New,
        })
        .collect();
    let mut totals = lock_subjects(connection, incoming, &counted).await?;
    let mut keys = remember_keys(connection, incoming, &counted).await?;

    let mut changed = BTreeSet::new();
    for (rating, counted) in incoming.iter().zip(&mut counted).filter(|(_, c)| **c == Counted::New) {
        if rating.key.is_some_and(|key| !keys.remove(&(rating.subject, key))) {
            *counted = Counted::Repeat;
        } else if let Some(held) = totals.get_mut(&rating.subject) {
            held.tally.push(rating.rate, window);
            changed.insert(rating.subject);
        }
    }
    for subject in &changed {
        if let Some(held) = totals.get_mut(subject) {
            held.rating = held.tally.rating(window);
        }
    }
    store(connection, changed.iter().filter_map(|subject| Some((subject, totals.get(subject)?)))).await?;
    let (refused, folded): (Vec<(i32, i64)>, _) =
        ends.iter().partition(|(partition, _)| held.get(partition).is_some_and(|held| held.refused));
    progress::advance(connection, topic, folded).await?;
    let epoch = epoch::hold(connection).await?;
    drill::passes(Step::FoldBeforeCommit);
    let refused = refused.into_iter().map(|(partition, _)| partition).collect();
    let rated = totals.into_iter().filter(|(_, held)| held.rating.count > 0);
    Ok(Folded {
        counted,
        ratings: rated.map(|(subject, held)| (subject, held.rating)).collect(),
        refused,
        epoch,
    })
}

/// A locked total.
struct Held {
    tally: Tally,
    rating: Rating,
}

/// Locks the totals of all subjects, made where they are missing and something counts.
async fn lock_subjects(
    connection: &mut AsyncPgConnection,
    incoming: &[IncomingRating],
    counted: &[Counted],
) -> QueryResult<HashMap<Subject, Held>> {
    let text = |(rating, _): (&IncomingRating, &Counted)| rating.subject.to_string();
    let all: BTreeSet<String> = incoming.iter().zip(counted).map(text).collect();
    let new = incoming.iter().zip(counted).filter(|(_, counted)| **counted == Counted::New);
    let new: Vec<String> = new.map(text).collect::<BTreeSet<_>>().into_iter().collect();
    if !new.is_empty() {
        diesel::sql_query(
            "INSERT INTO ratings (subject) SELECT subject FROM unnest($1) AS t (subject) ORDER BY 1 \
             ON CONFLICT DO NOTHING",
        )
        .bind::<Array<Text>, _>(new)
        .execute(connection)
        .await?;
    }
    let rows: Vec<Row> = ratings::table
        .filter(ratings::subject.eq_any(all.into_iter().collect::<Vec<_>>()))
        .order(ratings::subject)
        .select(ratings::all_columns)
        .for_update()
        .load(connection)
        .await?;
    let held = |row: &Row| Some((row.subject()?, Held { tally: row.tally(), rating: row.rating() }));
    Ok(rows.iter().filter_map(held).collect())
}

/// Remembers the keys of ratings that may count; returns those that were not known.
async fn remember_keys(
    connection: &mut AsyncPgConnection,
    incoming: &[IncomingRating],
    counted: &[Counted],
) -> QueryResult<HashSet<(Subject, KeyHash)>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Text)]
        subject: String,
        #[diesel(sql_type = Binary)]
        key_hash: Vec<u8>,
    }
    let new = incoming.iter().zip(counted).filter(|(_, counted)| **counted == Counted::New);
    let keys: BTreeSet<(Subject, KeyHash)> =
        new.filter_map(|(rating, _)| Some((rating.subject, rating.key?))).collect();
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let (subjects, hashes): (Vec<String>, Vec<Vec<u8>>) =
        keys.iter().map(|(subject, hash)| (subject.to_string(), hash.as_bytes().to_vec())).unzip();
    let new: Vec<Key> = diesel::sql_query(
        "INSERT INTO rating_keys (subject, key_hash) SELECT subject, key_hash \
         FROM unnest($1, $2) AS t (subject, key_hash) ON CONFLICT DO NOTHING RETURNING subject, key_hash",
    )
    .bind::<Array<Text>, _>(subjects)
    .bind::<Array<Binary>, _>(hashes)
    .load(connection)
    .await?;
    let read = |key: Key| Some((key.subject.parse().ok()?, KeyHash::try_from(key.key_hash.as_slice()).ok()?));
    Ok(new.into_iter().filter_map(read).collect())
}

async fn store<'a>(
    connection: &mut AsyncPgConnection,
    changed: impl Iterator<Item = (&'a Subject, &'a Held)>,
) -> QueryResult<()> {
    let (mut subjects, mut recents, mut averages) = (Vec::new(), Vec::new(), Vec::new());
    let (mut windows, mut counts, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for (subject, Held { tally, rating }) in changed {
        subjects.push(subject.to_string());
        // arrays of one statement must be of one length: each goes as its text
        let recent: Vec<String> = tally.recent.iter().map(ToString::to_string).collect();
        recents.push(format!("{{{}}}", recent.join(",")));
        averages.push(rating.average);
        windows.push(i32::try_from(rating.window).unwrap_or(i32::MAX));
        counts.push(rating.count);
        sums.push(rating.sum);
    }
    if subjects.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE ratings AS held SET recent = t.recent::smallint[], average = t.average, \
            window_size = t.window_size, count = t.count, sum = t.sum, updated_at = now() \
         FROM unnest($1, $2, $3, $4, $5, $6) AS t (subject, recent, average, window_size, count, sum) \
         WHERE held.subject = t.subject",
    )
    .bind::<Array<Text>, _>(subjects)
    .bind::<Array<Text>, _>(recents)
    .bind::<Array<Nullable<Double>>, _>(averages)
    .bind::<Array<Integer>, _>(windows)
    .bind::<Array<BigInt>, _>(counts)
    .bind::<Array<BigInt>, _>(sums)
    .execute(connection)
    .await?;
    Ok(())
}
