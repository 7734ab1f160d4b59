//! What viewers were told, held against the contract's two rules and against the database.
//!
//! *Held* is the highest version that a viewer ever took of a product: it survives reconnects and resets. *Sent* is the
//! highest one on the present connection, and no lower one may follow there.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Case, Findings};
use crate::drill::evidence::CONVERGE;
use crate::drill::evidence::seen::{Seen, ViewerLog};
use crate::drill::fleet::shows_all;

/// On one connection no version of a product is below one that was sent before.
pub(super) fn only_grow(case: &Case<'_>, findings: &mut Findings) {
    for viewer in &case.evidence.viewers {
        let mut sent: HashMap<Uuid, i64> = HashMap::new();
        for seen in &viewer.seen {
            match seen {
                Seen::End => sent.clear(),
                Seen::Listed { product, version } | Seen::Changed { product, version, .. } => {
                    let before = sent.insert(*product, *version).unwrap_or_default();
                    findings.check(*version >= before, || {
                        format!("{}: {product} in version {version} after {before}", viewer.name)
                    });
                }
                _ => {}
            }
        }
    }
}

/// A change above what is held reaches back to it, over reconnects and replicas, unless a snapshot or a gap came between.
pub(super) fn no_hole(case: &Case<'_>, findings: &mut Findings) {
    case.evidence.viewers.iter().for_each(|viewer| follow(viewer, findings));
}

fn follow(viewer: &ViewerLog, findings: &mut Findings) {
    let mut held: HashMap<Uuid, i64> = HashMap::new();
    let mut excused: HashSet<Uuid> = HashSet::new();
    // products of the snapshot that is on its way
    let mut listed: Option<HashSet<Uuid>> = None;
    // it comes from a replica that has not heard of everything yet, which may not know new products either
    let mut behind = false;
    // whether a product that is not held is known not to have been there
    let mut complete = false;
    let name = &viewer.name;
    for seen in &viewer.seen {
        match seen {
            Seen::Hello { asked, resumed, reset } => {
                findings
                    .check(*resumed || *reset || !asked, || format!("{name}: a cursor without an answer"));
                (listed, behind) = ((!resumed).then(HashSet::new), false);
            }
            Seen::Listed { product, version } => {
                excused.remove(product);
                if let Some(listed) = &mut listed {
                    listed.insert(*product);
                }
                let held = held.entry(*product).or_default();
                behind |= *version < *held;
                *held = (*version).max(*held);
            }
            Seen::Complete => {
                complete = true;
                let listed = listed.take().unwrap_or_default();
                let lacks = held.keys().filter(|id| !listed.contains(*id)).count();
                findings.check(lacks == 0 || behind, || {
                    format!("{name}: a snapshot lacks {lacks} products that were held")
                });
            }
            Seen::Gap { product } => excused.extend(product),
            Seen::Changed { product, from, version } => {
                let before = held.get(product).copied();
                let reaches = *from <= before.unwrap_or_default() + 1;
                let known = before.is_some() || complete;
                // what was told of is the way to the next news only
                let is_excused = excused.remove(product);
                findings.check(reaches || !known || is_excused, || {
                    format!("{name}: {product} from {from} to {version}, held {before:?}")
                });
                held.insert(*product, before.unwrap_or_default().max(*version));
            }
            Seen::End | Seen::Strange(_) => {}
        }
    }
}

/// A connection begins with a greeting, a snapshot is whole before changes follow, and every frame can be read.
pub(super) fn as_agreed(case: &Case<'_>, findings: &mut Findings) {
    for viewer in &case.evidence.viewers {
        let (mut greeted, mut in_snapshot) = (false, false);
        for seen in &viewer.seen {
            let right = match seen {
                Seen::Strange(_) => false,
                Seen::Changed { from, version, .. } => {
                    greeted && !in_snapshot && *from >= 1 && from <= version
                }
                Seen::Listed { .. } | Seen::Complete | Seen::Gap { .. } => greeted,
                Seen::Hello { .. } | Seen::End => true,
            };
            match seen {
                Seen::Hello { resumed, .. } => (greeted, in_snapshot) = (true, !resumed),
                Seen::Complete => in_snapshot = false,
                Seen::End => greeted = false,
                _ => {}
            }
            findings.check(right, || format!("{}: {seen:?} (snapshot {in_snapshot})", viewer.name));
        }
    }
}

/// All viewers show what the database holds soon after the last fault, as soon as that can be seen: without load.
pub(super) fn converged_soon(case: &Case<'_>, findings: &mut Findings) {
    let (after_ms, within) = (case.evidence.converged_ms, case.evidence.allowed(CONVERGE));
    findings.check(after_ms.is_some_and(|ms| u128::from(ms) <= within.as_millis()), || {
        format!("{after_ms:?} ms after the end of the load, where {within:?} are allowed")
    });
}

/// In the end each viewer shows each product, rating and photo that it follows as the tables hold it.
pub(super) fn converged(case: &Case<'_>, findings: &mut Findings) {
    let tables = &case.evidence.tables;
    for viewer in &case.evidence.viewers {
        findings.check(shows_all(viewer, tables) && !tables.products.is_empty(), || {
            let differ = tables.products.iter().filter(|(id, row)| viewer.shows.get(id) != Some(&row.shown));
            let first = differ.clone().next().map(|(id, row)| (id, row.shown, viewer.shows.get(id)));
            let ratings =
                tables.ratings.iter().find(|(subject, total)| viewer.ratings.get(*subject) != Some(total));
            let photos = tables.photos.iter().find(|(id, photo)| viewer.photos.get(id) != Some(photo));
            let name = &viewer.name;
            format!("{name}: {} products differ, {first:?}; {ratings:?}; {photos:?}", differ.count())
        });
    }
}
