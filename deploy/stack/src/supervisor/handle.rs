//! The asking side of a supervisor that runs in this process.

use std::sync::mpsc::{self, Receiver, Sender};

use anyhow::{Context, anyhow};

use super::{Command, Report, Request};

/// Sends commands to a supervisor.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: Sender<Request>,
}

impl Handle {
    /// A handle, and the other end for [`super::run`].
    pub fn new() -> (Self, Receiver<Request>) {
        let (requests, receiver) = mpsc::channel();
        (Self { requests }, receiver)
    }

    /// Carries out a command; the answer is the state of all processes right after it.
    pub fn ask(&self, command: Command) -> anyhow::Result<Vec<Report>> {
        let (reply, answer) = mpsc::channel();
        self.requests.send(Request { command, reply }).ok().context("the supervisor is gone")?;
        answer.recv().context("the supervisor is gone")?.map_err(|refusal| anyhow!(refusal))
    }
}
