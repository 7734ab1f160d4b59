//! Redis: the relay's streams, and keys with a time to live. The one home of the Redis client.
//!
//! Short commands share a pool with a time-out each; a reader that blocks has a connection of its own, for it would hold
//! up everybody behind it. All keys start with a prefix, so that several installations can share a server.
//!
//! Failure: every error is returned at once and means "the cache is away"; callers decide what stands for it.

pub mod photos;
pub mod registry;
mod streams;
pub mod words;

use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::{self, AsyncConnectionConfig, FromRedisValue, Pipeline};
use deadpool_redis::{Config, Pool, PoolConfig, Runtime, Timeouts};
use uuid::Uuid;

/// Longest time for one short command, connecting included.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(1);
/// Pooled connections: the two writers, heartbeats and catch-ups seldom meet.
const POOL_SIZE: usize = 8;
/// A stream whose epoch never came to be goes by itself after this many seconds.
const UNNAMED_STREAM_TTL_S: u64 = 60;
/// Field of a relay entry that holds its frames.
const FRAMES_FIELD: &str = "f";

/// Why Redis did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// No connection could be had.
    #[error("no connection to Redis: {0}")]
    Pool(String),
    /// The command failed, or took too long.
    #[error("Redis: {0}")]
    Command(#[from] redis::RedisError),
    /// The server does not say which one it is: a restart could not be told from a pause.
    #[error("Redis tells no run_id in INFO server")]
    NoRunId,
    /// The answer came too late.
    #[error("Redis did not answer within {0:?}")]
    Timeout(Duration),
    /// It failed a moment ago, and is not tried now.
    #[error("Redis failed a moment ago")]
    LeftAlone,
}

/// An entry's place in a stream: milliseconds and a counter. Ordered as the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Milliseconds since 1970 on the Redis server.
    pub ms: u64,
    /// Counts entries of the same millisecond.
    pub seq: u64,
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl std::str::FromStr for EntryId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ms, seq) = text.split_once('-').ok_or(())?;
        Ok(Self { ms: ms.parse().map_err(|_| ())?, seq: seq.parse().map_err(|_| ())? })
    }
}

/// One entry of the relay: its place and its frames' JSON.
#[derive(Debug, Clone)]
pub struct StreamEntry {
    /// Where it stands.
    pub id: EntryId,
    /// JSON array of [`schema::relay::RelayFrame`]; empty for the entry that opens a stream.
    pub frames: Bytes,
}

/// The client; clones share the pool.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    client: redis::Client,
    prefix: String,
}

impl Redis {
    /// A client for `url`; nothing is connected yet.
    ///
    /// # Errors
    /// The URL is not one of Redis.
    pub fn new(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let client = redis::Client::open(url)?;
        let mut config = Config::from_url(url);
        let timeouts = Timeouts {
            wait: Some(COMMAND_TIMEOUT),
            create: Some(COMMAND_TIMEOUT),
            recycle: Some(COMMAND_TIMEOUT),
        };
        config.pool = Some(PoolConfig { max_size: POOL_SIZE, timeouts, ..PoolConfig::default() });
        let pool = config.create_pool(Some(Runtime::Tokio1)).map_err(|e| RedisError::Pool(e.to_string()))?;
        Ok(Self { pool, client, prefix: prefix.to_owned() })
    }

    /// The full key of `name`.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The key of an epoch's stream.
    pub fn stream_key(&self, epoch: Uuid) -> String {
        self.key(&format!("relay:{epoch}"))
    }

    /// Runs a pipeline on a pooled connection and reads its answers.
    ///
    /// # Errors
    /// No connection, a refused command, or no answer within the time-out.
    pub async fn query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, RedisError> {
        let work = async {
            let mut connection = self.pool.get().await.map_err(|e| RedisError::Pool(e.to_string()))?;
            Ok(pipeline.query_async(&mut connection).await?)
        };
        tokio::time::timeout(COMMAND_TIMEOUT, work).await.unwrap_or(Err(RedisError::Timeout(COMMAND_TIMEOUT)))
    }

    /// A connection of its own, for commands that block up to `longest`.
    ///
    /// # Errors
    /// No connection within the time-out.
    pub async fn dedicated(&self, longest: Duration) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(COMMAND_TIMEOUT))
            .set_response_timeout(Some(longest + COMMAND_TIMEOUT));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// Opens a stream for an epoch that is about to begin; it expires soon unless [`Redis::keep_stream`] follows.
    /// Returns the server's `run_id`.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn create_stream(&self, epoch: Uuid) -> Result<String, RedisError> {
        let key = self.stream_key(epoch);
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("XADD").arg(&key).arg("*").arg(FRAMES_FIELD).arg("").ignore();
        pipeline.cmd("EXPIRE").arg(&key).arg(UNNAMED_STREAM_TTL_S).ignore();
        pipeline.cmd("INFO").arg("server");
        let (info,): (String,) = self.query(&pipeline).await?;
        Some(run_id(&info)).filter(|id| !id.is_empty()).ok_or(RedisError::NoRunId)
    }

    /// Takes the expiry off the stream of an epoch that has begun.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn keep_stream(&self, epoch: Uuid) -> Result<(), RedisError> {
        self.query::<()>(redis::pipe().cmd("PERSIST").arg(self.stream_key(epoch)).ignore()).await
    }

    /// Deletes an ended epoch's stream.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn delete_stream(&self, epoch: Uuid) -> Result<(), RedisError> {
        self.query::<()>(redis::pipe().cmd("UNLINK").arg(self.stream_key(epoch)).ignore()).await
    }

    /// Appends `entries` in order. The answer holds an id for each, or `None` where the stream was not there.
    ///
    /// # Errors
    /// Redis is away or refuses (out of memory, read-only); entries may or may not be there.
    pub async fn append(&self, epoch: Uuid, entries: &[Bytes]) -> Result<Vec<Option<EntryId>>, RedisError> {
        let key = self.stream_key(epoch);
        let mut pipeline = redis::pipe();
        for entry in entries {
            pipeline.cmd("XADD").arg(&key).arg("NOMKSTREAM").arg("*").arg(FRAMES_FIELD).arg(entry.as_ref());
        }
        let ids: Vec<Option<String>> = self.query(&pipeline).await?;
        Ok(ids.iter().map(|id| id.as_ref().and_then(|id| id.parse().ok())).collect())
    }

    /// Shortens the stream when it takes more than `most_bytes` of memory.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn trim(&self, epoch: Uuid, most_bytes: u64) -> Result<(), RedisError> {
        let key = self.stream_key(epoch);
        let mut pipeline = redis::pipe();
        pipeline.cmd("XLEN").arg(&key);
        pipeline.cmd("MEMORY").arg("USAGE").arg(&key);
        let (entries, bytes): (u64, Option<u64>) = self.query(&pipeline).await?;
        let Some(bytes) = bytes.filter(|b| *b > most_bytes) else { return Ok(()) };
        // the average entry is as good a guess as any: the next call corrects it
        let keep = u128::from(entries) * u128::from(most_bytes) / u128::from(bytes) * 9 / 10;
        self.query::<()>(
            redis::pipe().cmd("XTRIM").arg(&key).arg("MAXLEN").arg("~").arg(keep.to_string()).ignore(),
        )
        .await
    }
}

/// Where a stream begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamEnds {
    /// The oldest entry that is still there.
    pub first: EntryId,
    /// The newest entry.
    pub last: EntryId,
}

/// The ends of an epoch's stream, and the server's `run_id`; no ends: the stream is not there.
///
/// # Errors
/// Redis is away or refuses.
pub async fn stream_ends<C: ConnectionLike>(
    connection: &mut C,
    key: &str,
) -> Result<(Option<StreamEnds>, String), RedisError> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("XRANGE").arg(key).arg("-").arg("+").arg("COUNT").arg(1);
    pipeline.cmd("XREVRANGE").arg(key).arg("+").arg("-").arg("COUNT").arg(1);
    pipeline.cmd("INFO").arg("server");
    let (first, last, info): (Vec<RawEntry>, Vec<RawEntry>, String) =
        pipeline.query_async(connection).await?;
    let ends = first.first().zip(last.first()).and_then(|(first, last)| {
        Some(StreamEnds { first: first.0.parse().ok()?, last: last.0.parse().ok()? })
    });
    Ok((ends, run_id(&info)))
}

/// Entries behind `after`, waiting up to `block` for the first one. Needs a connection of its own.
///
/// # Errors
/// Redis is away or refuses.
pub async fn read_after<C: ConnectionLike>(
    connection: &mut C,
    key: &str,
    after: EntryId,
    block: Duration,
    count: usize,
) -> Result<Vec<StreamEntry>, RedisError> {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(count).arg("BLOCK").arg(u64::try_from(block.as_millis()).unwrap_or(u64::MAX));
    command.arg("STREAMS").arg(key).arg(after.to_string());
    let answer: Option<Vec<(String, Vec<RawEntry>)>> = command.query_async(connection).await?;
    Ok(answer.into_iter().flatten().flat_map(|(_, entries)| entries).filter_map(parse_entry).collect())
}

/// Up to `count` entries from `from` on, `from` itself included.
///
/// # Errors
/// Redis is away or refuses.
pub async fn read_range<C: ConnectionLike>(
    connection: &mut C,
    key: &str,
    from: EntryId,
    count: usize,
) -> Result<Vec<StreamEntry>, RedisError> {
    let mut command = redis::cmd("XRANGE");
    command.arg(key).arg(from.to_string()).arg("+").arg("COUNT").arg(count);
    let entries: Vec<RawEntry> = command.query_async(connection).await?;
    Ok(entries.into_iter().filter_map(parse_entry).collect())
}

/// An entry as Redis sends it: id, then names and values by turns.
type RawEntry = (String, Vec<(String, Vec<u8>)>);

fn parse_entry((id, fields): RawEntry) -> Option<StreamEntry> {
    // an entry that no gateway wrote has no frames, but has its place: readers must get past it
    let frames = fields.into_iter().find(|(name, _)| name == FRAMES_FIELD).map(|(_, frames)| frames.into());
    Some(StreamEntry { id: id.parse().ok()?, frames: frames.unwrap_or_default() })
}

fn run_id(info: &str) -> String {
    info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim().to_owned()
}
