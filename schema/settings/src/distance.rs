//! The nearest of some names: what somebody most likely meant who wrote another.

/// Most letters that may differ, of names that are long enough for it.
const FARTHEST: usize = 3;

/// The one of `names` that takes the fewest changes to become `name`, unless that makes another word of it.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|other| (distance(name, other), other)).min()?;
    (near.0 <= FARTHEST).then_some(near.1)
}

/// Letters to put in, take out, change, or swap with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, wanted) in other.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&row, j) + usize::from(letter != wanted);
            let mut least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped =
                i > 0 && j > 0 && one.get(i - 1) == Some(wanted) && other.get(j - 1) == Some(letter);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_near_and_another_word_is_not() {
        for (one, other, far) in
            [("", "", 0), ("a", "", 1), ("GROPU", "GROUP", 1), ("RATES", "RATE", 1), ("abc", "xyz", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (far, far), "{one} {other}");
        }
        assert_eq!(nearest("RAET", ["RATE", "PRODUCTS"].into_iter()), Some("RATE"));
        assert_eq!(nearest("ENTIRELY", ["RATE", "PRODUCTS"].into_iter()), None);
    }
}
