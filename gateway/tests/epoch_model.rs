//! The epoch's protocol as a model, searched through for every interleaving.
//!
//! Two writers with a product each, one tail or two, a viewer, Postgres (the row and the products) and Redis (streams and
//! the `run_id`). Steps are called what the code calls them (hold, apply, append, `create_stream`, `change_epoch`,
//! `delete_stream`; enter, load, follow), and between any two of them anything may happen: another process goes on, one
//! crashes, Redis is flushed or restarts with less, a command of a writer is lost on the way to Redis or back, the viewer
//! moves to the other replica with its cursor. What the model leaves out: `keep_stream`, which lets a stream live that would
//! expire before anybody names it (its loss is a flush here), and lost commands of a tail (they are a writer's, which takes
//! the same steps). In every state that can be reached:
//!
//! - a frame that a viewer gets joins on to what it holds, unless it was told `reset`, and nothing takes it back;
//! - when all writers are done and no tail has anything left to notice, each tail holds what is stored.
//!
//! That the search can find anything is shown by [`Bug`]s: with each of them it must end badly.

#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the numbers of a model are small, and a test that can't go on panics"
)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A mistake on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// The writer reads the row without holding it.
    RowNotHeld,
    /// The writer goes on when the relay did not take its frame.
    NoNextEpoch,
    /// A missing stream is made anew under its old name.
    SameNameAgain,
    /// The frame tells of what this batch wrote only.
    NoReachBack,
    /// The tail loads the view before it takes the stream's last id.
    ViewFirst,
    /// The tail that follows a stream does not look at the row.
    RowNotWatched,
    /// The tail does not mind another Redis server.
    NoRunId,
    /// A viewer that comes with a cursor gets what comes next, not what it missed.
    NothingMissed,
}

/// How much happens in one search.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Versions that each writer brings.
    versions: u8,
    seats: usize,
    flushes: u8,
    restarts: u8,
    crashes: u8,
    /// Commands of the first writer that are lost, on their way to Redis or back.
    lost_commands: u8,
    moves: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    epoch: u8,
    /// `run_id` of the server that holds its stream; 0 for none.
    run_id: u8,
}

/// One frame on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    id: u8,
    product: usize,
    from: u8,
    to: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Stored {
    version: u8,
    previous: u8,
}

/// The steps of `epoch::change`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Begin {
    CreateStream { old: Row },
    ChangeEpoch { old: Row, new: Row },
    DeleteStream { old: Row },
}

/// Where a writer is; `to` is the last version of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Writer {
    Idle,
    Held { row: Row, to: u8 },
    Applied { row: Row, from: u8, shown: u8, to: u8 },
    Changing { change: Begin, to: u8 },
    Relayed { to: u8 },
}

/// Where a tail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Tail {
    Out,
    Named {
        row: Row,
    },
    /// `last` is the stream's last id, `loaded` counts products of the view.
    Loading {
        row: Row,
        last: u8,
        loaded: usize,
    },
    Following {
        row: Row,
    },
    Changing {
        change: Begin,
    },
}

/// A replica: its tail, and the view that viewers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Seat {
    tail: Tail,
    /// The view as it is being loaded.
    next: [u8; 2],
    view: [u8; 2],
    /// Epoch of the view; 0 before the first.
    entered: u8,
    place: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Viewer {
    seat: usize,
    /// Epoch and entry.
    cursor: (u8, u8),
    held: [u8; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Left {
    flushes: u8,
    restarts: u8,
    crashes: u8,
    lost_commands: u8,
    moves: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    row: Row,
    held_by: [bool; 2],
    stored: [Stored; 2],
    committed: [u8; 2],
    run_id: u8,
    streams: BTreeMap<u8, Vec<Entry>>,
    epochs: u8,
    entries: u8,
    writers: [Writer; 2],
    seats: Vec<Seat>,
    viewer: Viewer,
    left: Left,
}

impl State {
    /// Drops what nobody can come to see any more and numbers the rest anew, so that states that differ in nothing that
    /// matters are one.
    fn forget(&mut self) {
        for seat in &mut self.seats {
            if !matches!(seat.tail, Tail::Loading { .. }) {
                seat.next = [0; 2];
            }
        }
        let mut epochs = BTreeSet::new();
        self.each_epoch(&mut |epoch| _ = epochs.insert(*epoch));
        self.streams.retain(|epoch, _| epochs.contains(epoch));
        let epochs: Vec<u8> = epochs.into_iter().collect();
        let anew = |numbers: &[u8], number: u8| numbers.binary_search(&number).map_or(0, |at| at as u8 + 1);
        self.each_epoch(&mut |epoch| *epoch = anew(&epochs, *epoch));
        let streams = std::mem::take(&mut self.streams);
        self.streams = streams.into_iter().map(|(epoch, entries)| (anew(&epochs, epoch), entries)).collect();
        self.epochs = epochs.len() as u8;

        let mut entries = BTreeSet::new();
        self.each_entry(&mut |entry| _ = entries.insert(*entry));
        entries.remove(&0);
        let entries: Vec<u8> = entries.into_iter().collect();
        self.each_entry(&mut |entry| *entry = anew(&entries, *entry));
        self.entries = entries.len() as u8;
    }

    fn each_epoch(&mut self, look: &mut dyn FnMut(&mut u8)) {
        let change = |change: &mut Begin, look: &mut dyn FnMut(&mut u8)| match change {
            Begin::CreateStream { old } | Begin::DeleteStream { old } => look(&mut old.epoch),
            Begin::ChangeEpoch { old, new } => {
                look(&mut old.epoch);
                look(&mut new.epoch);
            }
        };
        look(&mut self.row.epoch);
        for writer in &mut self.writers {
            match writer {
                Writer::Held { row, .. } | Writer::Applied { row, .. } => look(&mut row.epoch),
                Writer::Changing { change: it, .. } => change(it, look),
                Writer::Idle | Writer::Relayed { .. } => {}
            }
        }
        for seat in &mut self.seats {
            match &mut seat.tail {
                Tail::Named { row } | Tail::Loading { row, .. } | Tail::Following { row } => {
                    look(&mut row.epoch);
                }
                Tail::Changing { change: it } => change(it, look),
                Tail::Out => {}
            }
            if seat.entered > 0 {
                look(&mut seat.entered);
            }
        }
        if self.viewer.cursor.0 > 0 {
            look(&mut self.viewer.cursor.0);
        }
    }

    fn each_entry(&mut self, look: &mut dyn FnMut(&mut u8)) {
        self.streams.values_mut().flatten().for_each(|entry| look(&mut entry.id));
        for seat in &mut self.seats {
            if let Tail::Loading { last, .. } = &mut seat.tail {
                look(last);
            }
            look(&mut seat.place);
        }
        look(&mut self.viewer.cursor.1);
    }
}

/// Why a search ended badly.
type Fault = &'static str;

struct Model {
    bounds: Bounds,
    bug: Option<Bug>,
}

impl Model {
    fn first(&self) -> State {
        let Bounds { seats, flushes, restarts, crashes, lost_commands, moves, .. } = self.bounds;
        let seat = Seat { tail: Tail::Out, next: [0; 2], view: [0; 2], entered: 0, place: 0 };
        State {
            row: Row { epoch: 1, run_id: 1 },
            held_by: [false; 2],
            stored: [Stored::default(); 2],
            committed: [0; 2],
            run_id: 1,
            streams: BTreeMap::from([(1, Vec::new())]),
            epochs: 1,
            entries: 0,
            writers: [Writer::Idle; 2],
            seats: vec![seat; seats],
            viewer: Viewer { seat: 0, cursor: (0, 0), held: [0; 2] },
            left: Left { flushes, restarts, crashes, lost_commands, moves },
        }
    }

    /// Looks at every state that can be reached; how many there are.
    fn search(&self) -> Result<usize, Fault> {
        let first = self.first();
        let (mut known, mut open) = (HashSet::from([mark(&first)]), vec![first]);
        while let Some(state) = open.pop() {
            let mut next = Vec::new();
            let steps = self.steps(&state, &mut next)?;
            if steps == 0 {
                // no writer and no tail has anything left to do
                let stored = state.stored.map(|stored| stored.version);
                if state.seats.iter().any(|seat| seat.view != stored) {
                    return Err("a view lacks what is stored");
                }
                if state.viewer.held != stored {
                    return Err("a viewer lacks what is stored");
                }
            }
            self.disturb(&state, &mut next);
            for mut state in next {
                state.forget();
                if known.insert(mark(&state)) {
                    open.push(state);
                }
            }
        }
        Ok(known.len())
    }

    /// What writers and tails may do next; how many such steps there are.
    fn steps(&self, state: &State, next: &mut Vec<State>) -> Result<usize, Fault> {
        for at in 0..2 {
            self.write(state, at, next);
        }
        for at in 0..state.seats.len() {
            self.tail(state, at, next)?;
        }
        Ok(next.len())
    }

    fn write(&self, state: &State, at: usize, next: &mut Vec<State>) {
        let mut go = |writer: Writer, change: &dyn Fn(&mut State)| {
            let mut state = state.clone();
            state.writers[at] = writer;
            change(&mut state);
            next.push(state);
        };
        let loses = at == 0 && state.left.lost_commands > 0;
        let lose = |state: &mut State| state.left.lost_commands -= 1;
        match state.writers[at] {
            // redelivered records are cut into batches anew
            Writer::Idle => {
                for to in state.committed[at] + 1..=self.bounds.versions {
                    let hold = self.bug != Some(Bug::RowNotHeld);
                    go(Writer::Held { row: state.row, to }, &|state| state.held_by[at] = hold);
                }
            }
            Writer::Held { row, to } => {
                let lowest = state.committed[at] + 1;
                let mut stored = state.stored[at];
                let written = stored.version < to;
                if written {
                    stored = Stored { version: to, previous: stored.version };
                }
                let mut from = lowest.min(stored.previous + 1);
                if self.bug == Some(Bug::NoReachBack) {
                    from = stored.version;
                }
                let shown = stored.version;
                go(Writer::Applied { row, from, shown, to }, &|state| {
                    state.stored[at] = stored;
                    state.held_by[at] = false;
                });
            }
            Writer::Applied { row, to, .. } if row.run_id == 0 => go(Writer::Relayed { to }, &|_| {}),
            Writer::Applied { row, from, shown, to } => {
                let begin_next = if self.bug == Some(Bug::NoNextEpoch) {
                    Writer::Relayed { to }
                } else {
                    Writer::Changing { change: Begin::CreateStream { old: row }, to }
                };
                let append = |state: &mut State| {
                    state.entries += 1;
                    let entry = Entry { id: state.entries, product: at, from, to: shown };
                    state.streams.entry(row.epoch).or_default().push(entry);
                };
                if state.streams.contains_key(&row.epoch) || self.bug == Some(Bug::SameNameAgain) {
                    go(Writer::Relayed { to }, &append);
                    if loses {
                        go(begin_next, &|state| {
                            append(state);
                            lose(state);
                        });
                    }
                } else {
                    go(begin_next, &|_| {});
                }
                if loses {
                    go(begin_next, &lose);
                }
            }
            Writer::Changing { change, to } => {
                for (change, mut state) in Self::begin(state, change, loses) {
                    state.writers[at] =
                        change.map_or(Writer::Relayed { to }, |change| Writer::Changing { change, to });
                    next.push(state);
                }
            }
            Writer::Relayed { to } => go(Writer::Idle, &|state| state.committed[at] = to),
        }
    }

    /// The next step of `epoch::change`: what remains of it, and the state then.
    fn begin(state: &State, change: Begin, loses: bool) -> Vec<(Option<Begin>, State)> {
        let mut ways = Vec::new();
        let mut lost = state.clone();
        lost.left.lost_commands = lost.left.lost_commands.saturating_sub(1);
        let mut state = state.clone();
        match change {
            Begin::CreateStream { old } => {
                state.epochs += 1;
                lost.epochs += 1;
                let (epoch, run_id) = (state.epochs, state.run_id);
                state.streams.insert(epoch, Vec::new());
                ways.push((Some(Begin::ChangeEpoch { old, new: Row { epoch, run_id } }), state));
                if loses {
                    ways.push((Some(Begin::ChangeEpoch { old, new: Row { epoch, run_id: 0 } }), lost));
                }
            }
            Begin::ChangeEpoch { .. } if state.held_by != [false; 2] => {}
            Begin::ChangeEpoch { old, new } => {
                if state.row.epoch == old.epoch {
                    state.row = new;
                    ways.push((Some(Begin::DeleteStream { old }), state));
                } else {
                    // somebody was faster; the stream that was made expires
                    state.streams.remove(&new.epoch);
                    ways.push((None, state));
                }
            }
            Begin::DeleteStream { old } => {
                state.streams.remove(&old.epoch);
                ways.push((None, state));
                if loses {
                    ways.push((None, lost));
                }
            }
        }
        ways
    }

    fn tail(&self, state: &State, at: usize, next: &mut Vec<State>) -> Result<(), Fault> {
        let seat = state.seats[at];
        let mut go = |tail: Tail, change: &dyn Fn(&mut State) -> Result<(), Fault>| {
            let mut state = state.clone();
            state.seats[at].tail = tail;
            change(&mut state)?;
            next.push(state);
            Ok(())
        };
        match seat.tail {
            Tail::Out => go(Tail::Named { row: state.row }, &|_| Ok(())),
            Tail::Named { row } => {
                let there = state.streams.contains_key(&row.epoch);
                let same = self.bug == Some(Bug::NoRunId) || row.run_id == state.run_id;
                if !(there && same && row.run_id != 0) {
                    return go(Tail::Changing { change: Begin::CreateStream { old: row } }, &|_| Ok(()));
                }
                let last = last_id(state, row.epoch);
                go(Tail::Loading { row, last, loaded: 0 }, &|_| Ok(()))
            }
            Tail::Loading { row, last, loaded } if loaded < 2 => {
                go(Tail::Loading { row, last, loaded: loaded + 1 }, &|state| {
                    state.seats[at].next[loaded] = state.stored[loaded].version;
                    Ok(())
                })
            }
            Tail::Loading { row, .. } if state.row != row => go(Tail::Out, &|_| Ok(())),
            Tail::Loading { row, last, .. } => {
                let last = if self.bug == Some(Bug::ViewFirst) { last_id(state, row.epoch) } else { last };
                go(Tail::Following { row }, &|state| {
                    let seat = &mut state.seats[at];
                    (seat.view, seat.entered, seat.place) = (seat.next, row.epoch, last);
                    if state.viewer.seat == at {
                        reset(state)?;
                    }
                    Ok(())
                })
            }
            Tail::Following { row } => {
                let stream = state.streams.get(&row.epoch);
                // a server that restarts ends its connections, and what comes first on a new one is a look at who it is
                let same_server = self.bug == Some(Bug::NoRunId) || row.run_id == state.run_id;
                let unread =
                    stream.and_then(|entries| entries.iter().find(|entry| entry.id > seat.place)).copied();
                if let Some(entry) = unread.filter(|_| same_server) {
                    go(seat.tail, &|state| {
                        let seat = &mut state.seats[at];
                        seat.place = entry.id;
                        seat.view[entry.product] = seat.view[entry.product].max(entry.to);
                        if state.viewer.seat == at {
                            show(&mut state.viewer, row.epoch, entry)
                        } else {
                            Ok(())
                        }
                    })?;
                }
                let went_back = stream.is_none_or(|_| last_id(state, row.epoch) < seat.place);
                if went_back || !same_server {
                    go(Tail::Changing { change: Begin::CreateStream { old: row } }, &|_| Ok(()))?;
                }
                if state.row.epoch != row.epoch && self.bug != Some(Bug::RowNotWatched) {
                    go(Tail::Out, &|_| Ok(()))?;
                }
                Ok(())
            }
            Tail::Changing { change } => {
                for (change, mut state) in Self::begin(state, change, false) {
                    state.seats[at].tail = change.map_or(Tail::Out, |change| Tail::Changing { change });
                    next.push(state);
                }
                Ok(())
            }
        }
    }

    /// What may go wrong next.
    fn disturb(&self, state: &State, next: &mut Vec<State>) {
        let mut go = |change: &dyn Fn(&mut State)| {
            let mut state = state.clone();
            change(&mut state);
            next.push(state);
        };
        if state.left.flushes > 0 {
            go(&|state| {
                state.left.flushes -= 1;
                state.streams.clear();
            });
        }
        if state.left.restarts > 0 {
            // it comes back with what it had saved, which may be all, or not the newest entries
            for kept in 0..=state.entries {
                go(&|state| {
                    state.left.restarts -= 1;
                    state.run_id += 1;
                    state.streams.values_mut().for_each(|entries| entries.retain(|entry| entry.id <= kept));
                });
            }
        }
        if state.left.crashes > 0 {
            for at in 0..2 {
                go(&|state| {
                    state.left.crashes -= 1;
                    state.writers[at] = Writer::Idle;
                    state.held_by[at] = false;
                });
            }
            for at in 0..state.seats.len() {
                go(&|state| {
                    state.left.crashes -= 1;
                    state.seats[at] = self.first().seats[at];
                });
            }
        }
        if state.left.moves > 0 {
            let to = (state.viewer.seat + 1) % state.seats.len();
            let seat = state.seats[to];
            let Tail::Following { row } = seat.tail else { return };
            go(&|state| {
                state.left.moves -= 1;
                state.viewer.seat = to;
                let (epoch, cursor) = state.viewer.cursor;
                // (a cursor ahead of the replica waits for it, which is a later move here)
                let missed: Vec<Entry> =
                    state.streams.get(&row.epoch).into_iter().flatten().copied().collect();
                let reaches =
                    epoch == row.epoch && cursor <= seat.place && state.streams.contains_key(&epoch);
                let missed = missed.iter().filter(|entry| (cursor + 1..=seat.place).contains(&entry.id));
                let well = reaches
                    && self.bug != Some(Bug::NothingMissed)
                    && missed.into_iter().all(|entry| show(&mut state.viewer, epoch, *entry).is_ok());
                if self.bug == Some(Bug::NothingMissed) && epoch == row.epoch {
                    state.viewer.cursor = (epoch, seat.place);
                } else if !well {
                    state.viewer.held = state.viewer.held.map(|_| 0);
                    let _a_fresh_start_takes_nothing_back = reset(state);
                }
            });
        }
    }
}

/// By what a state is known again. It takes a tenth of the state's room; that two of a hundred million share one has a
/// chance of about 1 to 10^23.
fn mark(state: &State) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, state).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// The id behind which everything is news.
fn last_id(state: &State, epoch: u8) -> u8 {
    state.streams.get(&epoch).and_then(|entries| entries.last()).map_or(0, |entry| entry.id)
}

/// The viewer is told `reset` and given its replica's view.
fn reset(state: &mut State) -> Result<(), Fault> {
    let seat = state.seats[state.viewer.seat];
    let back = seat.view.iter().zip(state.viewer.held).any(|(shown, held)| *shown < held);
    state.viewer.held = seat.view;
    state.viewer.cursor = (seat.entered, seat.place);
    if back { Err("a snapshot takes a viewer back") } else { Ok(()) }
}

/// The viewer gets a frame, and keeps it when it is above what it holds.
fn show(viewer: &mut Viewer, epoch: u8, entry: Entry) -> Result<(), Fault> {
    viewer.cursor = (epoch, entry.id);
    let held = &mut viewer.held[entry.product];
    let hole = entry.from > *held + 1;
    *held = entry.to.max(*held);
    if hole { Err("a viewer has a hole that it was not told of") } else { Ok(()) }
}

const QUIET: Bounds =
    Bounds { versions: 1, seats: 1, flushes: 0, restarts: 0, crashes: 0, lost_commands: 0, moves: 0 };

fn search(bounds: Bounds, bug: Option<Bug>) -> Result<usize, Fault> {
    Model { bounds, bug }.search()
}

fn all_well(searches: &[(&str, Bounds)]) {
    for (what, bounds) in searches {
        let started = std::time::Instant::now();
        match search(*bounds, None) {
            Ok(states) => println!("{what}: {states} states in {:?}", started.elapsed()),
            Err(fault) => panic!("{what}: {fault}"),
        }
    }
}

#[test]
fn no_interleaving_leaves_a_tail_or_a_viewer_without_a_change() {
    all_well(&[
        ("a writer cut off", Bounds { lost_commands: 2, ..QUIET }),
        ("a flush, a crash and a lost command", Bounds { flushes: 1, crashes: 1, lost_commands: 1, ..QUIET }),
        ("batches cut anew", Bounds { versions: 2, crashes: 1, ..QUIET }),
        ("Redis with less", Bounds { restarts: 1, ..QUIET }),
        ("a viewer moves", Bounds { seats: 2, moves: 2, ..QUIET }),
    ]);
}

#[test]
#[ignore = "millions of states: `make model` searches them, optimised"]
fn nor_does_any_with_two_tails_or_more_at_once() {
    all_well(&[
        ("batches cut anew", Bounds { versions: 3, crashes: 1, ..QUIET }),
        ("Redis with less", Bounds { versions: 2, restarts: 1, crashes: 1, ..QUIET }),
        ("a viewer moves", Bounds { seats: 2, flushes: 1, moves: 1, ..QUIET }),
        ("a viewer moves from a replica that dies", Bounds { seats: 2, crashes: 1, moves: 1, ..QUIET }),
        ("two tails, Redis with less", Bounds { seats: 2, restarts: 1, ..QUIET }),
        (
            "two tails, a flush, a crash and a lost command",
            Bounds { seats: 2, flushes: 1, crashes: 1, lost_commands: 1, ..QUIET },
        ),
    ]);
}

#[test]
fn each_mistake_is_found() {
    let flush = Bounds { flushes: 1, lost_commands: 1, ..QUIET };
    for (bug, bounds) in [
        (Bug::RowNotHeld, flush),
        (Bug::NoNextEpoch, flush),
        (Bug::SameNameAgain, flush),
        (Bug::NoReachBack, Bounds { versions: 2, crashes: 1, ..QUIET }),
        (Bug::ViewFirst, QUIET),
        (Bug::RowNotWatched, Bounds { lost_commands: 2, ..QUIET }),
        (Bug::NoRunId, Bounds { versions: 2, restarts: 1, ..QUIET }),
        (Bug::NothingMissed, Bounds { seats: 2, moves: 1, ..QUIET }),
    ] {
        let found = search(bounds, Some(bug));
        println!("{bug:?}: {found:?}");
        assert!(found.is_err(), "{bug:?} goes unnoticed");
    }
}

/// The code's files, and the steps that each must have under the model's name.
const STEPS: [(&str, &[&str]); 6] = [
    (include_str!("../src/db/epoch.rs"), &["hold", "change_epoch"]),
    (include_str!("../src/db/apply.rs"), &["apply"]),
    (include_str!("../src/relay.rs"), &["append", "change_epoch"]),
    (include_str!("../src/epoch.rs"), &["create_stream"]),
    (include_str!("../src/redis.rs"), &["delete_stream", "keep_stream"]),
    (include_str!("../src/live/tail.rs"), &["enter", "load", "follow"]),
];

#[test]
fn the_code_calls_its_steps_what_the_model_does() {
    for (code, steps) in STEPS {
        for step in steps {
            assert!(code.contains(&format!("fn {step}(")), "there is no step {step} in the code any more");
        }
    }
}
