//! Keeps the processes: one loop on one thread owns them all.
//!
//! Each turn takes requests from a channel, reaps what ended, asks those that start whether they are ready, ends stops
//! that take too long, and starts what is due. Nothing in it waits: whoever wants a result asks for [`Report`]s until
//! they say so. The thread that calls [`run`] must live as long as the stack, because the kernel kills the children with
//! it; it returns when all of them are gone.
//!
//! A process that ends by itself is started again after 200 ms, and each time twice as long (at most 5 s) while its lives
//! are short. One that was stopped or killed **on request** stays down until somebody starts it.

mod handle;
mod report;
mod slot;
pub mod wait;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::layout::Layout;
use crate::service::{Service, Tier};
pub use handle::Handle;
pub use report::{Phase, Report};
use slot::Slot;

/// A turn of the loop while something starts or stops, and while all is steady (a death is noticed that late).
const TURN: Duration = Duration::from_millis(20);
const STEADY_TURN: Duration = Duration::from_millis(100);

/// What can be asked of the supervisor.
#[derive(Clone, Debug)]
pub enum Command {
    /// Have exactly these: start what is missing or down, replace what differs, stop what is no longer listed.
    Apply(Vec<Service>),
    /// Start one that is down, at once.
    Start(String),
    /// Ask one to stop, and leave it down.
    Stop(String),
    /// `SIGKILL` one with all its children, and leave it down.
    Kill(String),
    /// `SIGSTOP`: it lives and answers nothing.
    Pause(String),
    /// `SIGCONT`.
    Resume(String),
    /// Only report.
    Status,
    /// Stop all, tier by tier; `at_once` kills them. The loop returns when all are gone.
    Shutdown {
        /// No signal to stop, no grace: what runs holds nothing worth keeping.
        at_once: bool,
    },
}

/// A command and where its answer goes: the state of all processes right after it, or why it can't be.
pub struct Request {
    /// What to do.
    pub command: Command,
    /// Where the answer goes.
    pub reply: Sender<Result<Vec<Report>, String>>,
}

/// Runs until a shutdown is done, or until all senders of requests are gone (then everything is killed).
pub fn run(layout: Layout, requests: &Receiver<Request>) {
    let mut supervisor = Supervisor { layout, slots: Vec::new(), stopping: None };
    loop {
        let turn = if supervisor.slots.iter().all(Slot::is_steady) { STEADY_TURN } else { TURN };
        match requests.recv_timeout(turn) {
            Ok(request) => {
                let outcome = supervisor.carry_out(request.command);
                let _asker_gone = request.reply.send(outcome.map(|()| supervisor.reports()));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => supervisor.kill_all(),
        }
        supervisor.turn(Instant::now());
        if supervisor.stopping.is_some() && supervisor.slots.iter().all(Slot::is_down) {
            return;
        }
    }
}

struct Supervisor {
    layout: Layout,
    slots: Vec<Slot>,
    /// Set by a shutdown: the tier that is being stopped.
    stopping: Option<Tier>,
}

impl Supervisor {
    fn carry_out(&mut self, command: Command) -> Result<(), String> {
        if self.stopping.is_some() && !matches!(command, Command::Status | Command::Shutdown { .. }) {
            return Err("the stack is being stopped".to_owned());
        }
        match command {
            Command::Apply(wanted) => self.apply(wanted),
            Command::Start(name) => self.slot(&name)?.start_soon(),
            Command::Stop(name) => self.living(&name)?.stop(),
            Command::Kill(name) => self.living(&name)?.kill(),
            Command::Pause(name) => self.slot(&name)?.pause(),
            Command::Resume(name) => self.slot(&name)?.resume(),
            Command::Status => {}
            Command::Shutdown { at_once: true } => self.kill_all(),
            Command::Shutdown { at_once: false } => self.stop_tier(Tier::App),
        }
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Result<&mut Slot, String> {
        let known: Vec<&str> = self.slots.iter().map(Slot::name).collect();
        let message = format!("no process named {name}; there are: {}", known.join(" "));
        self.slots.iter_mut().find(|slot| slot.name() == name).ok_or(message)
    }

    /// One that can be ended.
    fn living(&mut self, name: &str) -> Result<&mut Slot, String> {
        let slot = self.slot(name)?;
        if slot.is_down() { Err(format!("{name} is down already")) } else { Ok(slot) }
    }

    fn apply(&mut self, wanted: Vec<Service>) {
        for slot in &mut self.slots {
            if wanted.iter().all(|service| service.name != slot.name()) {
                slot.retire();
            }
        }
        for service in wanted {
            match self.slots.iter_mut().find(|slot| slot.name() == service.name) {
                Some(slot) => slot.become_like(service),
                None => self.slots.push(Slot::new(service)),
            }
        }
    }

    fn turn(&mut self, now: Instant) {
        for slot in &mut self.slots {
            slot.turn(now, &self.layout);
        }
        self.slots.retain(|slot| !slot.is_retired());
        let tier_is_gone = |tier| self.slots.iter().all(|slot| slot.tier() != tier || slot.is_down());
        if self.stopping == Some(Tier::App) && tier_is_gone(Tier::App) {
            self.stop_tier(Tier::Server);
        }
    }

    fn stop_tier(&mut self, tier: Tier) {
        self.stopping = self.stopping.max(Some(tier));
        for slot in self.slots.iter_mut().filter(|slot| slot.tier() == tier) {
            slot.stop();
        }
    }

    fn kill_all(&mut self) {
        self.stopping = Some(Tier::Server);
        for slot in &mut self.slots {
            slot.kill();
        }
    }

    fn reports(&self) -> Vec<Report> {
        self.slots.iter().map(|slot| slot.report(Instant::now())).collect()
    }
}
