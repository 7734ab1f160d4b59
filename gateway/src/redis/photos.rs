//! Photos in front of the database: one hash a product, with a time to live.
//!
//! A key holds a photo (its revision, hash, type and bytes), or "there is none" (a revision alone), or a *lease*: a mark
//! that somebody found nothing here and asks the database. What was read from the database is put in only where the
//! reader's lease still stands, or where a lower revision is held. An upload removes the key, leases and all. So a reader
//! that was overtaken by it leaves things alone, whatever happened to the key meanwhile: filled by somebody else, expired,
//! pushed out or flushed.
//!
//! One connection of its own, on which commands of all requests travel together: a flood of photos must not take the
//! writers' connections. Each look is bounded in time; after a failure nobody tries for a while, so that a Redis that
//! hangs does not cost each request the whole bound.
//!
//! What lies under a key is not believed: another type of value, a field that can't be read, or fields that do not have the
//! checksum that was put in with them are told as [`Look::Rubbish`]. The checksum is a CRC-32: it is there against accidents,
//! and the SHA-256 that names the bytes would take a third of the time of the whole answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{self, AsyncConnectionConfig, Value};
use schema::{PhotoHash, PhotoRevision, ProductId};
use tokio::sync::Mutex;

use super::{Redis, RedisError};
use crate::picture::{MediaType, Photo, Picture};

/// Longest time for one look; then the database is asked.
const LOOK_WITHIN: Duration = Duration::from_millis(200);
/// Longest time for putting in what the database had, or for removing what an upload replaced: whoever gives up here makes
/// the next one ask the database again.
const WRITE_WITHIN: Duration = Duration::from_millis(500);
/// After a failure nobody looks for this long.
const LEAVE_ALONE: Duration = Duration::from_millis(500);
/// A lease stands for longer than a read of the database may take.
const LEASE: Duration = Duration::from_secs(5);

/// Takes a lease, or shares the one that stands; `false` where a photo has come meanwhile. What is no hash is removed.
/// Key: the photo. Arguments: token, its time in ms, whether what is there is rubbish.
const TAKE_LEASE: &str = "
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and (kind ~= 'hash' or ARGV[3] == '1') then redis.call('UNLINK', KEYS[1]) end
if redis.call('HEXISTS', KEYS[1], 'revision') == 1 then return false end
if redis.call('HSETNX', KEYS[1], 'lease', ARGV[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('HGET', KEYS[1], 'lease')";

/// Puts a photo in, unless the key holds the same revision or a higher one, or the lease is gone.
/// Key: the photo. Arguments: its time in ms, the lease, revision, and hash, type, bytes and checksum if there is a photo.
const PUT_IN: &str = "
local kind = redis.call('TYPE', KEYS[1]).ok
local held = kind == 'hash' and tonumber(redis.call('HGET', KEYS[1], 'revision') or '')
if held and held >= tonumber(ARGV[3]) then return 0 end
if not held and (kind ~= 'hash' or redis.call('HGET', KEYS[1], 'lease') ~= ARGV[2]) then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'revision', ARGV[3])
if ARGV[4] then redis.call('HSET', KEYS[1], 'hash', ARGV[4], 'type', ARGV[5], 'bytes', ARGV[6], 'sum', ARGV[7]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1";

/// What stands under a product's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// A photo, or that there is none.
    Held(Photo),
    /// Nothing; the lease lets the reader put in what the database has.
    Missing(Lease),
    /// What no gateway wrote; it was replaced by the lease.
    Rubbish(Lease),
}

/// Leave to put in what the database has; empty when there was none to be had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease(String);

/// Photos on Redis; clones share the connection.
#[derive(Clone)]
pub struct PhotoCache {
    redis: Redis,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Nobody looks before this.
    left_alone_until: Option<Instant>,
}

impl PhotoCache {
    /// On the server of `redis`; nothing is connected yet.
    pub fn new(redis: Redis) -> Self {
        Self { redis, line: Arc::default() }
    }

    /// What stands under the key of `id`.
    ///
    /// # Errors
    /// Redis is away, refuses, does not answer in time, or did so a moment ago.
    pub async fn look(&self, id: ProductId) -> Result<Look, RedisError> {
        let key = self.key(id);
        self.within(LOOK_WITHIN, true, async |connection| {
            let mut get = redis::cmd("HMGET");
            get.arg(&key).arg("revision").arg("hash").arg("type").arg("bytes").arg("sum");
            let fields = match get.query_async::<Vec<Value>>(connection).await {
                Ok(fields) => Some(fields),
                // another type of value
                Err(error) if error.code() == Some("WRONGTYPE") => None,
                Err(error) => return Err(error),
            };
            if fields.as_ref().is_some_and(|fields| fields.first() == Some(&Value::Nil)) {
                return Ok(Look::Missing(take_lease(connection, &key, false).await?));
            }
            match fields.and_then(read) {
                Some(photo) => Ok(Look::Held(photo)),
                None => Ok(Look::Rubbish(take_lease(connection, &key, true).await?)),
            }
        })
        .await
    }

    /// Puts in what the database had when `lease` was taken; returns whether it is there now.
    ///
    /// # Errors
    /// Redis is away, refuses, or does not answer in time.
    pub async fn fill(
        &self,
        id: ProductId,
        lease: &Lease,
        photo: &Photo,
        ttl: Duration,
    ) -> Result<bool, RedisError> {
        // without a lease nothing but a lower revision gives way, and no token is a dash
        let lease = if lease.0.is_empty() { "-" } else { &lease.0 };
        let mut script = redis::cmd("EVAL");
        script.arg(PUT_IN).arg(1).arg(self.key(id)).arg(millis(ttl)).arg(lease).arg(photo.revision.get());
        if let Some(picture) = &photo.picture {
            let Picture { hash, media_type, bytes } = picture;
            script.arg(hash.as_bytes()).arg(media_type.as_str()).arg(bytes.as_ref());
            script.arg(sum(photo.revision, picture));
        }
        self.within(WRITE_WITHIN, false, async |connection| script.query_async(connection).await).await
    }

    /// Removes what is held, and with it every lease: an upload was stored, and what was read before it is old.
    ///
    /// # Errors
    /// Redis is away, refuses, or does not answer in time.
    pub async fn forget(&self, id: ProductId) -> Result<(), RedisError> {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(self.key(id));
        self.within(WRITE_WITHIN, false, async |connection| unlink.query_async(connection).await).await
    }

    /// Runs `work` on the connection. When it fails the connection is thrown away, and looks are spared for a while.
    async fn within<T>(
        &self,
        time: Duration,
        may_be_spared: bool,
        work: impl AsyncFnOnce(&mut MultiplexedConnection) -> redis::RedisResult<T>,
    ) -> Result<T, RedisError> {
        let all = async {
            let mut connection = self.connect(may_be_spared).await?;
            Ok::<_, RedisError>(work(&mut connection).await?)
        };
        let done = tokio::time::timeout(time, all).await.unwrap_or(Err(RedisError::Timeout(time)));
        match &done {
            Ok(_) | Err(RedisError::LeftAlone) => {}
            // an answer, though a refusal
            Err(RedisError::Command(error)) if error.code().is_some() => {}
            Err(_) => {
                let until = Some(Instant::now() + LEAVE_ALONE);
                *self.line.lock().await = Line { connection: None, left_alone_until: until };
            }
        }
        done
    }

    async fn connect(&self, may_be_spared: bool) -> Result<MultiplexedConnection, RedisError> {
        let mut line = self.line.lock().await;
        if may_be_spared && line.left_alone_until.is_some_and(|until| Instant::now() < until) {
            return Err(RedisError::LeftAlone);
        }
        if let Some(connection) = &line.connection {
            return Ok(connection.clone());
        }
        // those who wait meanwhile have time-outs of their own
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LOOK_WITHIN))
            .set_response_timeout(Some(WRITE_WITHIN));
        let connection = self.redis.client.get_multiplexed_async_connection_with_config(&config).await?;
        line.connection = Some(connection.clone());
        Ok(connection)
    }

    fn key(&self, id: ProductId) -> String {
        self.redis.key(&format!("photo:{id}"))
    }
}

async fn take_lease(
    connection: &mut MultiplexedConnection,
    key: &str,
    rubbish: bool,
) -> redis::RedisResult<Lease> {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let mut script = redis::cmd("EVAL");
    script.arg(TAKE_LEASE).arg(1).arg(key).arg(token).arg(millis(LEASE)).arg(u8::from(rubbish));
    let token: Option<String> = script.query_async(connection).await?;
    Ok(Lease(token.unwrap_or_default()))
}

/// The photo of these fields; none when they make none.
fn read(fields: Vec<Value>) -> Option<Photo> {
    let [Value::BulkString(revision), hash, media_type, bytes, told] = <[Value; 5]>::try_from(fields).ok()?
    else {
        return None;
    };
    let revision = PhotoRevision::try_from(std::str::from_utf8(&revision).ok()?.parse::<i64>().ok()?).ok()?;
    let picture = match (hash, media_type, bytes, told) {
        (Value::Nil, Value::Nil, Value::Nil, Value::Nil) => None,
        (
            Value::BulkString(hash),
            Value::BulkString(media_type),
            Value::BulkString(bytes),
            Value::BulkString(told),
        ) => {
            let hash = PhotoHash::try_from(hash.as_slice()).ok()?;
            let media_type = MediaType::of_name(std::str::from_utf8(&media_type).ok()?)?;
            let picture = Picture { hash, media_type, bytes: bytes.into() };
            if std::str::from_utf8(&told).ok()?.parse() != Ok(sum(revision, &picture)) {
                return None;
            }
            Some(picture)
        }
        _ => return None,
    };
    Some(Photo { revision, picture })
}

/// The checksum of all that is kept of a photo.
fn sum(revision: PhotoRevision, picture: &Picture) -> u32 {
    let Picture { hash, media_type, bytes } = picture;
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.get().to_be_bytes());
    sum.update(hash.as_bytes());
    sum.update(media_type.as_str().as_bytes());
    sum.update(bytes);
    sum.finalize()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn only_what_a_gateway_wrote_is_read() {
        let known = Picture::new(MediaType::Png, "…".into());
        let fields = |revision, media_type, bytes, sum: u32| {
            let hash = Value::BulkString(known.hash.as_bytes().to_vec());
            vec![text(revision), hash, text(media_type), text(bytes), text(&sum.to_string())]
        };
        let right = sum(3.try_into().unwrap(), &known);
        let photo = read(fields("3", "image/png", "…", right)).unwrap();
        assert_eq!((photo.revision.get(), photo.picture.as_ref()), (3, Some(&known)));
        let none = |revision| vec![text(revision), Value::Nil, Value::Nil, Value::Nil, Value::Nil];
        assert_eq!(read(none("0")).unwrap().picture, None);
        for rubbish in [
            vec![],
            none("x"),
            none("-1"),
            fields("4", "image/png", "…", right),
            fields("3", "image/jpeg", "…", right),
            fields("3", "image/gif", "…", right),
            fields("3", "image/png", "other bytes", right),
            fields("3", "image/png", "…", right ^ 1),
        ] {
            assert_eq!(read(rubbish.clone()), None, "{rubbish:?}");
        }
        for place in 0..5 {
            for other in [Value::Nil, Value::Int(3), text("short")] {
                let mut rubbish = fields("3", "image/png", "…", right);
                rubbish[place] = other;
                assert_eq!(read(rubbish.clone()), None, "{rubbish:?}");
            }
        }
    }
}
