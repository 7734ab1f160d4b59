//! What replicas say of each other.

use std::time::Duration;

use serde::Deserialize;

use super::{World, until};

#[derive(Deserialize)]
struct Listed {
    replicas: Vec<Replica>,
}

#[derive(Deserialize)]
struct Replica {
    #[serde(rename = "replica")]
    name: String,
    partitions: Vec<i32>,
    viewers: u64,
}

impl World {
    /// Waits until a replica owns partitions.
    pub(crate) async fn until_owns(&self, name: &str) -> anyhow::Result<()> {
        let owns = |replica: &Replica| replica.name == name && !replica.partitions.is_empty();
        let owns = async || self.replicas()?.iter().any(owns).then_some(());
        until(&format!("{name} owns partitions"), owns).await
    }

    /// Waits until replicas have noticed that all viewers have gone.
    pub(crate) async fn until_viewers_are_gone(&self) -> anyhow::Result<()> {
        let gone = async || self.replicas()?.iter().all(|replica| replica.viewers == 0).then_some(());
        until("viewers are gone", gone).await
    }

    /// All that live; none while nobody answers.
    fn replicas(&self) -> Option<Vec<Replica>> {
        let door = *self.doors.all().first()?;
        let answer = stack::probe::http_get(door.port(), "/replicas", Duration::from_secs(2)).ok()?;
        Some(serde_json::from_slice::<Listed>(answer.body.as_ref()).ok()?.replicas)
    }
}
