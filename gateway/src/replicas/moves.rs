//! Which partitions changed hands between what was told last and what is seen now.
//!
//! What was told is kept by value, so that any replica can take the next step from where another one stopped, and a
//! partition that nobody has keeps the name of who had it last and since when it is free.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schema::frames::{Moved, Replica};
use serde::{Deserialize, Serialize};

use crate::redis::registry::ALIVE_S;

/// How long ago the last beat of a replica was whose key has just expired.
const ALIVE: TimeDelta = TimeDelta::seconds(ALIVE_S);

/// One line of the log: what was new at one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was seen.
    pub at: DateTime<Utc>,
    /// Replicas that came.
    pub joined: Vec<String>,
    /// Replicas that went.
    pub left: Vec<String>,
    /// Replicas that began to drain.
    pub draining: Vec<String>,
    /// Partitions that changed hands.
    pub moved: Vec<Moved>,
}

/// What viewers were told last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    replicas: BTreeMap<String, Known>,
    partitions: BTreeMap<i32, Held>,
}

/// What of a replica is worth telling; its lag and viewers change all the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    addr: String,
    draining: bool,
}

/// Who has a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// Its owner, or the last one that it had.
    by: String,
    /// Since when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    free_since: Option<DateTime<Utc>>,
}

impl Told {
    /// What is to be told once `replicas` are seen, and the partitions that moved; `None`: no news.
    pub(super) fn next(&self, replicas: &[Replica], now: DateTime<Utc>) -> Option<(Self, Vec<Moved>)> {
        let owners = owners(replicas);
        let mut next = Self { replicas: known(replicas), partitions: self.partitions.clone() };
        let mut moved = Vec::new();
        for (partition, held) in &mut next.partitions {
            // whoever vanished with its partitions has done nothing since its last beat
            let idle = if next.replicas.contains_key(&held.by) { TimeDelta::zero() } else { ALIVE };
            let free_since = held.free_since.unwrap_or(now - idle);
            let owner = owners.get(partition).map(|owner| owner.replica.as_str());
            moved.extend(step(*partition, held, owner, free_since, now));
        }
        for (partition, owner) in owners {
            next.partitions.entry(partition).or_insert_with(|| {
                let to = Some(owner.replica.clone());
                moved.push(Moved { partition, from: None, to, idle_ms: 0 });
                Held { by: owner.replica.clone(), free_since: None }
            });
        }
        moved.sort_by_key(|moved| moved.partition);
        (next != *self).then_some((next, moved))
    }
}

impl Line {
    /// What is new in `next`, seen `at`.
    pub(super) fn of(before: &Told, next: &Told, moved: &[Moved], at: DateTime<Utc>) -> Self {
        let absent = |these: &Told, of: &Told| {
            of.replicas.keys().filter(|name| !these.replicas.contains_key(*name)).cloned().collect()
        };
        let drains = |told: &Told, name: &str| told.replicas.get(name).is_some_and(|known| known.draining);
        let draining = next.replicas.keys().filter(|name| drains(next, name) && !drains(before, name));
        Self {
            at,
            joined: absent(before, next),
            left: absent(next, before),
            draining: draining.cloned().collect(),
            moved: moved.to_vec(),
        }
    }
}

/// Moves one partition to its present owner; it was free since `free_since`, if it was.
fn step(
    partition: i32,
    held: &mut Held,
    owner: Option<&str>,
    free_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Moved> {
    let next = match (held.free_since, owner) {
        (Some(_), None) => return None,
        (None, Some(owner)) if owner == held.by => return None,
        (None, None) => Held { by: held.by.clone(), free_since: Some(free_since) },
        (_, Some(owner)) => Held { by: owner.to_owned(), free_since: None },
    };
    let from = std::mem::replace(held, next).by;
    // two machines' clocks may disagree a little
    let idle_ms = (now - free_since).num_milliseconds().max(0);
    Some(Moved { partition, from: Some(from), to: owner.map(str::to_owned), idle_ms })
}

/// The owner of each partition. A replica that died while it had some says so until its key is gone: of two that claim
/// one, the later has it.
fn owners(replicas: &[Replica]) -> BTreeMap<i32, &Replica> {
    let mut owners: BTreeMap<i32, &Replica> = BTreeMap::new();
    for replica in replicas {
        for partition in &replica.partitions {
            let owner = owners.entry(*partition).or_insert(replica);
            if replica.since > owner.since {
                *owner = replica;
            }
        }
    }
    owners
}

/// Takes from each replica the partitions that another one has: of a beat from before they moved nothing new is told later.
pub(super) fn settled(mut replicas: Vec<Replica>) -> Vec<Replica> {
    let owners: BTreeMap<i32, String> =
        owners(&replicas).into_iter().map(|(partition, owner)| (partition, owner.replica.clone())).collect();
    for Replica { replica, partitions, lag, lags, .. } in &mut replicas {
        let own: Vec<bool> = partitions.iter().map(|p| owners.get(p) == Some(replica)).collect();
        // one lag a partition, or none at all
        for at in (0..own.len()).rev().filter(|at| own.get(*at) == Some(&false)) {
            partitions.remove(at);
            if at < lags.len() {
                *lag -= lags.remove(at);
            }
        }
    }
    replicas
}

fn known(replicas: &[Replica]) -> BTreeMap<String, Known> {
    let known = |r: &Replica| (r.replica.clone(), Known { addr: r.addr.clone(), draining: r.draining });
    replicas.iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use schema::frames::Outcomes;

    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(s)
    }

    fn replica(name: &str, partitions: &[i32], since: i64) -> Replica {
        Replica {
            replica: name.to_owned(),
            addr: format!("{name}:1"),
            partitions: partitions.to_vec(),
            lag: 0,
            lags: Vec::new(),
            viewers: 0,
            rebalances: 0,
            since: at(since),
            draining: false,
            outcomes: Outcomes::default(),
        }
    }

    fn moved(partition: i32, from: Option<&str>, to: Option<&str>, idle_ms: i64) -> Moved {
        Moved { partition, from: from.map(str::to_owned), to: to.map(str::to_owned), idle_ms }
    }

    #[test]
    fn a_partition_that_is_let_go_and_taken_tells_how_long_it_was_idle() {
        let (told, news) = Told::default().next(&[replica("a", &[0, 1], 0)], at(0)).unwrap();
        assert_eq!(news, [moved(0, None, Some("a"), 0), moved(1, None, Some("a"), 0)]);

        let (told, news) = told.next(&[replica("a", &[0], 5), replica("b", &[], 5)], at(5)).unwrap();
        assert_eq!(news, [moved(1, Some("a"), None, 0)]);

        let (_, news) = told.next(&[replica("a", &[0], 5), replica("b", &[1], 7)], at(7)).unwrap();
        assert_eq!(news, [moved(1, Some("a"), Some("b"), 2_000)]);
    }

    #[test]
    fn whoever_vanished_did_nothing_since_its_last_beat() {
        let (told, _) = Told::default().next(&[replica("a", &[0], 0), replica("b", &[], 0)], at(0)).unwrap();
        let (told, news) = told.next(&[replica("b", &[], 0)], at(10)).unwrap();
        assert_eq!(news, [moved(0, Some("a"), None, 3_000)]);
        let (_, news) = told.next(&[replica("b", &[0], 12)], at(12)).unwrap();
        assert_eq!(news, [moved(0, Some("a"), Some("b"), 5_000)]);
    }

    #[test]
    fn a_partition_is_told_with_one_owner() {
        let late = Replica { lag: 24, lags: vec![7, 8, 9], ..replica("a", &[0, 1, 2], 0) };
        let all = settled(vec![late, replica("b", &[1], 5)]);
        assert_eq!((&*all[0].partitions, &*all[0].lags, all[0].lag), (&[0, 2][..], &[7, 9][..], 16));
        assert_eq!(all[1].partitions, [1]);
    }

    #[test]
    fn lag_and_viewers_are_no_news() {
        let (told, _) = Told::default().next(&[replica("a", &[0], 0)], at(0)).unwrap();
        let busy = Replica { lag: 9, viewers: 3, ..replica("a", &[0], 0) };
        assert_eq!(told.next(&[busy], at(1)), None);
    }

    #[test]
    fn coming_going_and_draining_are_news_without_a_move() {
        let (a, b) = (replica("a", &[0], 0), replica("b", &[], 0));
        let (one, _) = Told::default().next(std::slice::from_ref(&a), at(0)).unwrap();
        let (two, moves) = one.next(&[a.clone(), b.clone()], at(1)).unwrap();
        assert_eq!(moves, []);
        let drains = Replica { draining: true, ..b };
        let (two, moves) = two.next(&[a.clone(), drains], at(2)).unwrap();
        assert_eq!(moves, []);
        let (_, moves) = two.next(&[a], at(3)).unwrap();
        assert_eq!(moves, []);
    }

    #[test]
    fn the_log_names_who_came_went_and_drains() {
        let (a, b) = (replica("a", &[0], 0), replica("b", &[], 0));
        let (one, _) = Told::default().next(std::slice::from_ref(&a), at(0)).unwrap();
        let (two, moves) = one.next(&[Replica { draining: true, ..a.clone() }, b.clone()], at(1)).unwrap();
        let line = Line::of(&one, &two, &moves, at(1));
        assert_eq!(
            (line.joined, line.left, line.draining),
            (vec!["b".to_owned()], vec![], vec!["a".to_owned()])
        );
        let (three, moves) = two.next(&[b], at(2)).unwrap();
        let line = Line::of(&two, &three, &moves, at(2));
        assert_eq!((line.joined, line.left, line.draining), (vec![], vec!["a".to_owned()], vec![]));
        assert_eq!(line.moved, [moved(0, Some("a"), None, 3_000)]);
    }

    #[test]
    fn of_two_that_claim_a_partition_the_later_has_it() {
        let (told, _) = Told::default().next(&[replica("a", &[0], 0)], at(0)).unwrap();
        let both = [replica("a", &[0], 0), replica("b", &[0], 6)];
        let (told, news) = told.next(&both, at(6)).unwrap();
        assert_eq!(news, [moved(0, Some("a"), Some("b"), 0)]);
        let (_, news) = told.next(&both[1..], at(7)).unwrap();
        assert_eq!(news, []);
    }

    #[test]
    fn what_was_told_reads_back_as_it_was() {
        let (told, _) = Told::default().next(&[replica("a", &[0, 11], 0)], at(0)).unwrap();
        let (told, _) = told.next(&[], at(1)).unwrap();
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), told);
    }
}
