//! The wires between one replica and its servers.

use anyhow::Context as _;
use stack::Private;

use super::proxy::Proxy;

/// One wire to each server.
pub(crate) struct Wires {
    pub(crate) kafka: Proxy,
    pub(crate) postgres: Proxy,
    pub(crate) redis: Proxy,
}

impl Wires {
    /// They listen, and lead nowhere yet: the broker must be told the port before it starts.
    pub(super) async fn listen() -> anyhow::Result<Self> {
        let (kafka, postgres, redis) =
            (Proxy::listen().await?, Proxy::listen().await?, Proxy::listen().await?);
        Ok(Self { kafka, postgres, redis })
    }

    /// They lead to these servers; none where Kafka has no listener for them.
    pub(super) fn lead_to(self, stack: &Private) -> anyhow::Result<Option<Self>> {
        let Some(kafka) = stack.kafka_behind() else { return Ok(None) };
        self.kafka.lead_to(kafka);
        self.postgres.lead_to(port_of(&stack.database_base_url())?);
        self.redis.lead_to(port_of(&stack.redis_url())?);
        Ok(Some(self))
    }
}

/// The port of an address on this machine.
pub(super) fn port_of(url: &str) -> anyhow::Result<u16> {
    let (_, rest) = url.rsplit_once(':').context("no port")?;
    Ok(rest.split('/').next().unwrap_or_default().parse()?)
}
