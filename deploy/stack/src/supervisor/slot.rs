//! One process in the supervisor's hands: its description, its state, and the steps between states.
//!
//! ```text
//! Waiting ──▶ Starting ──▶ Ready ──▶ Stopping ──▶ Down
//!    ▲            │ ended    │ ended                │ started, or replaced by its next description
//!    └────────────┴──────────┘ ◀────────────────────┘
//! ```

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::layout::Layout;
use crate::service::{Restart, Service, Tier};
use crate::{child, ports, proc};

use super::report::{Phase, Report};

/// First pause before a restart; doubled for each life shorter than `SHORT_LIFE`, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const SHORT_LIFE: Duration = Duration::from_secs(5);

/// How long what a killed process leaves behind may take to end.
const REMAINS: Duration = Duration::from_secs(5);

/// A process without a port counts as ready when it has lived this long.
const PROOF_OF_LIFE: Duration = Duration::from_millis(500);

enum State {
    Waiting { until: Instant },
    Starting { child: Child },
    Ready { child: Child },
    Stopping { child: Child, kill_at: Instant },
    Down,
}

/// What follows when a process is down.
enum Next {
    Stay,
    Replace(Box<Service>),
    Retire,
}

pub(super) struct Slot {
    service: Service,
    state: State,
    since: Instant,
    next: Next,
    restarts: u32,
    /// Short lives in a row: the exponent of the pause.
    short_lives: u32,
    note: String,
}

impl Slot {
    pub(super) fn new(service: Service) -> Self {
        let now = Instant::now();
        let state = State::Waiting { until: now };
        Self {
            service,
            state,
            since: now,
            next: Next::Stay,
            restarts: 0,
            short_lives: 0,
            note: String::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.service.name
    }

    pub(super) fn tier(&self) -> Tier {
        self.service.tier
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, State::Down)
    }

    pub(super) fn is_steady(&self) -> bool {
        matches!(self.state, State::Down | State::Ready { .. })
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_down() && matches!(self.next, Next::Retire)
    }

    /// Another description replaces the process; the same one only sees to it that it runs.
    pub(super) fn become_like(&mut self, service: Service) {
        if service == self.service {
            self.next = Next::Stay;
            if !matches!(self.state, State::Starting { .. } | State::Ready { .. }) {
                self.start_soon();
            }
        } else {
            self.stop();
            self.restarts = 0;
            self.next = Next::Replace(Box::new(service));
        }
    }

    pub(super) fn retire(&mut self) {
        self.stop();
        self.next = Next::Retire;
    }

    pub(super) fn start_soon(&mut self) {
        match self.state {
            State::Down | State::Waiting { .. } => {
                self.short_lives = 0;
                self.restarts = 0;
                self.note.clear();
                self.enter(State::Waiting { until: Instant::now() });
            }
            // It has been told to go; what starts then is the same again.
            State::Stopping { .. } => self.next = Next::Replace(Box::new(self.service.clone())),
            State::Starting { .. } | State::Ready { .. } => {}
        }
    }

    pub(super) fn stop(&mut self) {
        self.end(self.service.stop, self.service.grace);
    }

    pub(super) fn kill(&mut self) {
        self.end(Signal::SIGKILL, Duration::ZERO);
    }

    fn end(&mut self, how: Signal, grace: Duration) {
        self.next = Next::Stay;
        match std::mem::replace(&mut self.state, State::Down) {
            State::Starting { child } | State::Ready { child } | State::Stopping { child, .. } => {
                if how == Signal::SIGKILL {
                    self.note = String::from("killed on request");
                    child::signal_tree(child.id(), how);
                } else {
                    self.note = String::from("stopped on request");
                    child::signal(child.id(), how);
                    // A paused process would never see the signal.
                    child::signal_tree(child.id(), Signal::SIGCONT);
                }
                self.enter(State::Stopping { child, kill_at: Instant::now() + grace });
            }
            State::Waiting { .. } => self.enter(State::Down),
            State::Down => {}
        }
    }

    pub(super) fn pause(&mut self) {
        self.signal_tree(Signal::SIGSTOP);
        self.note = String::from("paused");
    }

    pub(super) fn resume(&mut self) {
        self.signal_tree(Signal::SIGCONT);
        self.note.clear();
    }

    fn signal_tree(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            child::signal_tree(pid, signal);
        }
    }

    /// One step, if one is due.
    pub(super) fn turn(&mut self, now: Instant, layout: &Layout) {
        match &mut self.state {
            State::Waiting { until } if *until <= now => self.start(layout),
            State::Starting { child } | State::Ready { child } => match child.try_wait() {
                Ok(None) => self.promote(),
                Ok(Some(status)) => self.ended(Some(status)),
                Err(_) => self.ended(None),
            },
            State::Stopping { child, kill_at } => {
                let gone = !matches!(child.try_wait(), Ok(None));
                if gone {
                    // PostgreSQL's backends end a little after the process that was told to
                    let left = proc::remains(layout.root(), &self.service.dir);
                    if left.is_empty() || *kill_at + REMAINS <= now {
                        self.enter(State::Down);
                    }
                    for process in left {
                        child::signal(process.pid, Signal::SIGKILL);
                    }
                } else if *kill_at <= now {
                    child::signal_tree(child.id(), Signal::SIGKILL);
                }
            }
            State::Waiting { .. } => {}
            State::Down => match std::mem::replace(&mut self.next, Next::Stay) {
                Next::Stay => {}
                Next::Replace(service) => *self = Self::new(*service),
                Next::Retire => self.next = Next::Retire,
            },
        }
    }

    fn start(&mut self, layout: &Layout) {
        if let Some(note) = self.port_held() {
            return self.pause_before_restart(note, None);
        }
        let log = layout.open_log(&self.service.name);
        match log.and_then(|log| child::start(&self.service, log)) {
            Ok(child) => self.enter(State::Starting { child }),
            Err(error) => {
                let note = format!("{} can't be started: {error}", self.service.program.display());
                self.pause_before_restart(note, None);
            }
        }
    }

    fn port_held(&self) -> Option<String> {
        self.service.port.as_ref().and_then(|(port, variable)| ports::held(*port, variable))
    }

    /// From starting to ready, when it answers **and** the socket that answers is its own.
    fn promote(&mut self) {
        let State::Starting { child } = &self.state else { return };
        let answers = match &self.service.port {
            Some((port, _)) => self.service.probe.passes(*port) && proc::listens(child.id(), *port),
            None => self.since.elapsed() > PROOF_OF_LIFE,
        };
        if answers && let State::Starting { child } = std::mem::replace(&mut self.state, State::Down) {
            self.note.clear();
            self.enter(State::Ready { child });
        }
    }

    fn ended(&mut self, status: Option<ExitStatus>) {
        let life = self.since.elapsed();
        let how = status.map_or_else(|| "lost".to_owned(), |status| status.to_string());
        let starting = matches!(self.state, State::Starting { .. });
        // the port may have been taken after it was found free
        let held = starting.then(|| self.port_held()).flatten();
        let note = held.unwrap_or_else(|| format!("ended after {:.1} s: {how}", life.as_secs_f64()));
        let done =
            status.is_some_and(|status| status.success()) && self.service.restart == Restart::OnFailure;
        if done || self.service.restart == Restart::Never {
            self.note = if done { "ended with 0, as after a drain".to_owned() } else { note };
            self.enter(State::Down);
        } else {
            self.pause_before_restart(note, Some(life));
        }
    }

    fn pause_before_restart(&mut self, note: String, life: Option<Duration>) {
        self.note = note;
        self.restarts += 1;
        self.short_lives = if life.is_some_and(|life| life > SHORT_LIFE) { 0 } else { self.short_lives + 1 };
        let pause = FIRST_PAUSE * 2_u32.pow(self.short_lives.saturating_sub(1).min(8));
        if self.service.restart == Restart::Never {
            self.enter(State::Down);
        } else {
            self.enter(State::Waiting { until: Instant::now() + pause.min(LONGEST_PAUSE) });
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    fn pid(&self) -> Option<u32> {
        match &self.state {
            State::Starting { child } | State::Ready { child } | State::Stopping { child, .. } => {
                Some(child.id())
            }
            State::Waiting { .. } | State::Down => None,
        }
    }

    pub(super) fn report(&self, now: Instant) -> Report {
        let phase = match self.state {
            State::Waiting { .. } => Phase::Waiting,
            State::Starting { .. } => Phase::Starting,
            State::Ready { .. } => Phase::Ready,
            State::Stopping { .. } => Phase::Stopping,
            // Its next description is about to start: whoever waits must go on waiting.
            State::Down if matches!(self.next, Next::Replace(_)) => Phase::Waiting,
            State::Down => Phase::Down,
        };
        Report {
            name: self.service.name.clone(),
            phase,
            pid: self.pid(),
            port: self.service.port.as_ref().map(|(port, _)| *port),
            since: now.saturating_duration_since(self.since),
            restarts: self.restarts,
            note: self.note.clone(),
        }
    }
}
