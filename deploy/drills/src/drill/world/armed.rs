//! Replicas of the test build: they die at a step that they are told, or have a bug that was planted.

use std::process::Command;

use anyhow::Context as _;

use super::process::program;
use super::{CHANGES, World, until};

impl World {
    /// The test build, with the bug that is to be planted.
    pub(super) fn armed(&self) -> anyhow::Result<Command> {
        let folder = self.programs.armed.as_deref().context("there is no test build of the gateway")?;
        let mut command = Command::new(program(Some(folder), "gateway")?);
        if let Some(bug) = self.programs.planted {
            // repair makes up for bugs: here they are to be seen
            command.env("SHELFWIRE_PLANTED", bug).args(["--repair-page-ms", "0"]);
        }
        Ok(command)
    }

    /// Starts a replica of the test build with these failpoints, and waits until it owns partitions.
    pub(crate) async fn armed_gateway(
        &mut self,
        name: &str,
        points: &str,
        more: &[&str],
    ) -> anyhow::Result<()> {
        let audit = self.folder.join(format!("{name}.audit"));
        let before = std::fs::read(&audit)?.len();
        let mut command = self.armed()?;
        command.env("FAILPOINTS", points).args(more);
        self.start_gateway(name, command).await?;
        let (event, topic) = ("\"event\":\"assigned\"", format!("\"topic\":\"{CHANGES}\""));
        let owns = || {
            let log = std::fs::read(&audit).ok()?;
            let log = String::from_utf8_lossy(log.get(before..)?).into_owned();
            log.lines().any(|line| line.contains(event) && line.contains(&topic)).then_some(())
        };
        until(&format!("{name} owns partitions"), async || owns()).await
    }

    /// Whether a replica that was to die at `step` has; its place is empty then. Any other end of it is an error.
    pub(crate) fn has_died(&mut self, name: &str, step: &str) -> anyhow::Result<bool> {
        let process = self.gateways.get_mut(name).with_context(|| format!("{name} is down"))?;
        let id = process.id();
        let Some(ended) = process.ended_by_itself() else { return Ok(false) };
        self.gateways.remove(name);
        self.doors.set(name, None);
        let log = std::fs::read(self.folder.join(format!("{name}.log")))?;
        let reached = String::from_utf8_lossy(&log).contains(&format!("drill: process {id} ends at {step}"));
        if ended.code.is_none() && reached {
            return Ok(true);
        }
        let code = ended.code;
        self.ended.push(ended);
        anyhow::bail!("{name} ended with {code:?}, and not at {step}")
    }
}
