//! Words that are sent to whoever listens now (PUB/SUB): at most once, and never stored.

use std::pin::Pin;
use std::time::Duration;

use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use deadpool_redis::redis::{self, Value};
use futures_util::StreamExt as _;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::{COMMAND_TIMEOUT, Redis, RedisError};

/// How often a listener asks whether its connection lives: Redis may be silent for ever, and so may a broken line.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// A listener, on a connection of its own.
pub struct Words {
    sink: PubSubSink,
    stream: Pin<Box<PubSubStream>>,
    ask: Interval,
}

impl Redis {
    /// Sends `text` to all who listen to `channel`; tells how many they are.
    ///
    /// # Errors
    /// Redis is away or refuses; the text may have been sent all the same.
    pub async fn publish(&self, channel: &str, text: &str) -> Result<u64, RedisError> {
        let (listeners,) = self.query(redis::pipe().cmd("PUBLISH").arg(self.key(channel)).arg(text)).await?;
        Ok(listeners)
    }

    /// Listens to `channel` from now on.
    ///
    /// # Errors
    /// No connection within the time-out.
    pub async fn listen(&self, channel: &str) -> Result<Words, RedisError> {
        let work = async {
            let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
            sink.subscribe(self.key(channel)).await?;
            Ok((sink, Box::pin(stream)))
        };
        let late = Err(RedisError::Timeout(COMMAND_TIMEOUT));
        let (sink, stream) = timeout(COMMAND_TIMEOUT, work).await.unwrap_or(late)?;
        let mut ask = interval(ASK_EVERY);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Words { sink, stream, ask })
    }
}

impl Words {
    /// The next word.
    ///
    /// # Errors
    /// The connection is gone, or silent when it is asked; words may have been missed.
    pub async fn next(&mut self) -> Result<Vec<u8>, RedisError> {
        loop {
            tokio::select! {
                word = self.stream.next() => {
                    let ended = || RedisError::Pool("the listening connection ended".to_owned());
                    return Ok(word.ok_or_else(ended)?.get_payload_bytes().to_vec());
                }
                _ = self.ask.tick() => {
                    let late = Err(RedisError::Timeout(COMMAND_TIMEOUT));
                    timeout(COMMAND_TIMEOUT, self.ask()).await.unwrap_or(late)?;
                }
            }
        }
    }

    async fn ask(&mut self) -> Result<(), RedisError> {
        Ok(self.sink.ping::<Value>().await.map(drop)?)
    }
}
