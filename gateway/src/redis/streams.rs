//! Looking into the relay's streams on pooled connections: old entries, ends, leftovers.

use std::time::Duration;

use deadpool_redis::redis;
use uuid::Uuid;

use super::{COMMAND_TIMEOUT, EntryId, RawEntry, Redis, RedisError, StreamEntry, read_range};

/// Keys looked at in one step of a scan: short enough to hold up nobody.
const SCAN_KEYS: u32 = 200;

impl Redis {
    /// Up to `count` entries of an epoch's stream from `from` on, `from` itself included.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn range(
        &self,
        epoch: Uuid,
        from: EntryId,
        count: usize,
    ) -> Result<Vec<StreamEntry>, RedisError> {
        let work = async {
            let mut connection = self.pool.get().await.map_err(|e| RedisError::Pool(e.to_string()))?;
            read_range(&mut connection, &self.stream_key(epoch), from, count).await
        };
        tokio::time::timeout(COMMAND_TIMEOUT, work).await.unwrap_or(Err(RedisError::Timeout(COMMAND_TIMEOUT)))
    }

    /// The newest entry of an epoch's stream; none when it is not there.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn stream_end(&self, epoch: Uuid) -> Result<Option<EntryId>, RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("XREVRANGE").arg(self.stream_key(epoch)).arg("+").arg("-").arg("COUNT").arg(1);
        let (entries,): (Vec<RawEntry>,) = self.query(&pipeline).await?;
        Ok(entries.first().and_then(|(id, _)| id.parse().ok()))
    }

    /// Epochs whose stream is there although nothing was added to it for `idle`, by the server's clock.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn idle_streams(&self, idle: Duration) -> Result<Vec<Uuid>, RedisError> {
        let prefix = self.key("relay:");
        let pattern = format!("{}*", escape_glob(&prefix));
        let (mut cursor, mut found) = (0_u64, Vec::new());
        loop {
            let mut pipeline = redis::pipe();
            pipeline.cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_KEYS);
            pipeline.cmd("TIME");
            let ((next, keys), (now_s, _)): ((u64, Vec<String>), (u64, u64)) = self.query(&pipeline).await?;
            for epoch in keys.iter().filter_map(|key| key.strip_prefix(&prefix)?.parse().ok()) {
                let end = self.stream_end(epoch).await?;
                if end.is_some_and(|end| end.ms / 1000 + idle.as_secs() < now_s) {
                    found.push(epoch);
                }
            }
            if next == 0 {
                return Ok(found);
            }
            cursor = next;
        }
    }
}

/// `text` as a pattern that matches itself alone.
fn escape_glob(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
