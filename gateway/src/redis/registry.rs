//! Which replicas live: one key each with a time to live, written again every second, and a set of their names.
//!
//! Scripts, because each look must be of one moment: whoever compares what it sees with what was told last would
//! otherwise tell news that are older than the last ones. They run on one server (a cluster would need all keys in one
//! slot).
//!
//! Failure: a replica that dies is gone when its key is; a server that lost everything knows all again a second later.

use deadpool_redis::redis;
use uuid::Uuid;

use super::{FRAMES_FIELD, Redis, RedisError};

/// Seconds for which a replica counts as alive after its last beat: a few beats long, and below the consumer group's
/// session timeout (6 s), so that a dead replica has mostly gone before its partitions have a new owner.
pub const ALIVE_S: i64 = 3;
/// Seconds after the last beat of all for which what was told last is remembered.
const TOLD_S: u64 = 60;
/// Lines that the log of moves keeps: some days of a quiet shop, some hours of a restless one.
pub const LOG_LINES: u16 = 500;
/// Seconds for which a request to drain stands: a few looks of the replica that is meant.
const DRAIN_S: u64 = 10;

/// Writes own beat; returns all beats, what was told last, and whether to drain.
/// Keys: names, told, own beat, own drain. Arguments: name, beat, its TTL, told's TTL, prefix of beats, whether first.
const BEAT: &str = "
if ARGV[6] == '1' then redis.call('DEL', KEYS[4]) end
redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[4])
local beats = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local beat = redis.call('GET', ARGV[5] .. name)
    if beat then beats[#beats + 1] = beat else redis.call('SREM', KEYS[1], name) end
end
return {beats, redis.call('GET', KEYS[2]), redis.call('GET', KEYS[4])}";

/// Relays an entry, remembers what it told and logs it, unless another was faster or the stream is not there.
/// Keys: told, stream, log. Arguments: told before, told now, its TTL, the entry's field and value, the log's line and
/// the most lines that it may have.
const TELL: &str = "
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if not redis.call('XADD', KEYS[2], 'NOMKSTREAM', '*', ARGV[4], ARGV[5]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('LPUSH', KEYS[3], ARGV[6])
redis.call('LTRIM', KEYS[3], 0, ARGV[7] - 1)
return 1";

/// Asks a replica to drain, if it lives. Keys: its beat, its drain. Argument: the request's TTL.
const ASK_DRAIN: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], '1', 'EX', ARGV[1])
return 1";

/// The registry at one moment.
#[derive(Debug, Default)]
pub struct Look {
    /// The last beat of each replica that lives, in no order.
    pub beats: Vec<String>,
    /// What was told last.
    pub told: Option<String>,
    /// Whether this replica is asked to drain.
    pub drain: bool,
}

impl Redis {
    /// Says that replica `name` lives, and looks at all of them. Its `first` beat takes back a request to drain: that
    /// one was meant for an earlier process of the same name.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn beat(&self, name: &str, beat: &str, first: bool) -> Result<Look, RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("EVAL").arg(BEAT).arg(4);
        pipeline.arg(self.key("replicas")).arg(self.key("replicas:told"));
        pipeline.arg(self.beat_key(name)).arg(self.drain_key(name));
        pipeline.arg(name).arg(beat).arg(ALIVE_S).arg(TOLD_S).arg(self.beat_key(""));
        pipeline.arg(u8::from(first));
        let (look,): ((Vec<String>, Option<String>, Option<String>),) = self.query(&pipeline).await?;
        let (beats, told, drain) = look;
        Ok(Look { beats, told, drain: drain.is_some() })
    }

    /// Puts `entry` on the stream of `epoch`, remembers `now` as told and logs `line`, if what was told last is still
    /// `before`; returns whether it did.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn tell(
        &self,
        epoch: Uuid,
        before: Option<&str>,
        now: &str,
        entry: &[u8],
        line: &str,
    ) -> Result<bool, RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("EVAL").arg(TELL).arg(3);
        pipeline.arg(self.key("replicas:told")).arg(self.stream_key(epoch)).arg(self.key("replicas:log"));
        pipeline.arg(before.unwrap_or_default()).arg(now).arg(TOLD_S).arg(FRAMES_FIELD).arg(entry);
        pipeline.arg(line).arg(LOG_LINES);
        let (told,): (bool,) = self.query(&pipeline).await?;
        Ok(told)
    }

    /// The last `count` lines of the log of moves, newest first.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn moves(&self, count: u16) -> Result<Vec<String>, RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("LRANGE").arg(self.key("replicas:log")).arg(0).arg(i32::from(count) - 1);
        let (lines,): (Vec<String>,) = self.query(&pipeline).await?;
        Ok(lines)
    }

    /// Asks replica `name` to drain; returns whether it lives.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn ask_drain(&self, name: &str) -> Result<bool, RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("EVAL").arg(ASK_DRAIN).arg(2);
        pipeline.arg(self.beat_key(name)).arg(self.drain_key(name)).arg(DRAIN_S);
        let (lives,): (bool,) = self.query(&pipeline).await?;
        Ok(lives)
    }

    /// Says that replica `name` has gone.
    ///
    /// # Errors
    /// Redis is away or refuses.
    pub async fn leave(&self, name: &str) -> Result<(), RedisError> {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("DEL").arg(self.beat_key(name)).ignore();
        pipeline.cmd("SREM").arg(self.key("replicas")).arg(name).ignore();
        self.query::<()>(&pipeline).await
    }

    fn beat_key(&self, name: &str) -> String {
        self.key(&format!("replica:{name}"))
    }

    fn drain_key(&self, name: &str) -> String {
        self.key(&format!("drain:{name}"))
    }
}
