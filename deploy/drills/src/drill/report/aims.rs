//! What is promised of time, and what came of it. For information: a machine that has other work breaks no promise.

use std::collections::HashMap;

use serde::Serialize;

use super::numbers::{Numbers, percentile};

/// One promise, measured over the rows that show it.
#[derive(Debug, Serialize)]
pub(crate) struct Aim {
    pub(crate) what: &'static str,
    pub(crate) rows: &'static [&'static str],
    pub(crate) at_most_ms: i64,
    /// Which percentile is promised.
    pub(crate) percent: usize,
    pub(crate) measured_ms: Option<i64>,
    /// How many values there were.
    pub(crate) of: usize,
}

type Values = fn(&Numbers) -> Vec<i64>;

const STAYED: Values = |numbers| numbers.stayed_ms.clone();
const MOVED: Values = |numbers| numbers.moved_ms.clone();
const BACK: Values = |numbers| numbers.back_ms.iter().filter_map(|ms| i64::try_from(*ms).ok()).collect();

const AIMS: [(&str, &[&str], Values, usize, i64); 5] = [
    ("pause of partitions that stay", &["gateway-kill", "gateway-leave", "gateway-storm"], STAYED, 99, 250),
    ("pause of partitions that move on a clean leave", &["gateway-leave"], MOVED, 100, 1_500),
    // the session, 6 s, and a second
    ("pause of partitions that move after SIGKILL", &["gateway-kill"], MOVED, 100, 7_000),
    ("end of lag after Postgres is back", &["postgres-kill", "postgres-stop"], BACK, 100, 3_000),
    ("end of lag after Redis is back", &["redis-kill"], BACK, 100, 3_000),
];

/// The promises whose rows were played.
pub(crate) fn aims(numbers: &HashMap<&'static str, Numbers>) -> Vec<Aim> {
    let played = AIMS.into_iter().filter(|(_, rows, ..)| rows.iter().any(|row| numbers.contains_key(row)));
    let measured = played.map(|(what, rows, values, percent, at_most_ms)| {
        let found = rows.iter().filter_map(|row| numbers.get(row)).flat_map(values);
        let values: Vec<i64> = found.collect();
        let measured_ms = percentile(&values, percent);
        Aim { what, rows, at_most_ms, percent, measured_ms, of: values.len() }
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_measured_over_its_rows_and_left_out_where_none_was_played() {
        let row = |stayed_ms| Numbers { faults: 1, stayed_ms, ..Numbers::default() };
        let numbers = HashMap::from([("gateway-kill", row(vec![10])), ("gateway-storm", row(vec![40, 20]))]);
        let aims = aims(&numbers);
        let found: Vec<_> = aims.iter().map(|aim| (aim.of, aim.measured_ms)).collect();
        // nothing moved where a replica was killed: that is told, too
        assert_eq!(found, [(3, Some(40)), (0, None)]);
    }
}
