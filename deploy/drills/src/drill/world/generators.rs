//! The generators of an act.

use std::process::Command;

use super::process::{Process, program};
use super::{PRODUCTS, World};

impl World {
    /// Starts a generator of the whole catalogue.
    pub(crate) fn generator(&mut self, name: &str, more: &[&str]) -> anyhow::Result<()> {
        let (products, rate) = (PRODUCTS.to_string(), self.programs.rate.to_string());
        let mut command = Command::new(program(self.programs.folder.as_deref(), "generator")?);
        command.args(["--kafka", &self.stack.kafka(), "--products", &products]);
        if !more.contains(&"--rate") {
            command.args(["--rate", &rate]);
        }
        command.arg("--audit-log").arg(self.folder.join(format!("{name}.produced"))).args(more);
        let process = self.process(name, command)?;
        self.generators.insert(name.to_owned(), process);
        Ok(())
    }

    /// SIGTERM to a generator; waits for its end.
    pub(crate) async fn stop_generator(&mut self, name: &str) {
        if let Some(process) = self.generators.remove(name) {
            self.ended.push(process.stop().await);
        }
    }

    /// SIGKILL to a generator.
    pub(crate) fn kill_generator(&mut self, name: &str) {
        self.ended.extend(self.generators.remove(name).and_then(Process::kill));
    }
}
