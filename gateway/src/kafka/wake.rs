//! Fetching goes on at once after a rebalance, and after a pause.
//!
//! Around each rebalance the client library pauses all partitions, also those that stay. Its thread for a broker of which
//! all are paused sleeps until something comes, or for a second (librdkafka, `rd_kafka_max_block_ms`), and resuming does
//! not wake it. A question to that broker does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::rebalance::Context;

/// Longest wait for one answer: nobody needs it, and a broker that is away has nothing to be woken for.
const ANSWER: Duration = Duration::from_millis(100);
/// Longest wait for all of them, with a little more for the last one: the client can't be closed meanwhile.
const ALL_ANSWERS: Duration = Duration::from_millis(300);

/// The thread that asks; it ends when this is dropped.
pub(super) struct Waker {
    asked: SyncSender<Arc<BaseConsumer<Context>>>,
    thread: JoinHandle<()>,
}

impl Waker {
    /// Starts it.
    ///
    /// # Errors
    /// The thread can't be started.
    pub(super) fn start() -> std::io::Result<Self> {
        let (asked, receiver) = sync_channel(1);
        let thread = std::thread::Builder::new().name("wake".to_owned()).spawn(move || wake(&receiver))?;
        Ok(Self { asked, thread })
    }

    /// Wakes the library's threads for all brokers that lead a partition that is here.
    pub(super) fn wake(&self, consumer: &Arc<BaseConsumer<Context>>) {
        // where there is no room, they are woken a moment later anyway
        let _ = self.asked.try_send(Arc::clone(consumer));
    }

    /// Waits until the thread has let go of the client, which must be closed by whoever leaves the group.
    pub(super) fn end(self) {
        drop(self.asked);
        if self.thread.join().is_err() {
            tracing::error!("the thread that wakes brokers panicked");
        }
    }
}

fn wake(asked: &Receiver<Arc<BaseConsumer<Context>>>) {
    while let Ok(consumer) = asked.recv() {
        let context = consumer.context();
        let here: Vec<_> = context.owned().positions().cloned().collect();
        let deadline = Instant::now() + ALL_ANSWERS;
        for position in here.iter().take_while(|_| !context.is_retired() && Instant::now() < deadline) {
            // it goes to the partition's leader
            let _ = consumer.fetch_watermarks(&position.topic, position.partition, ANSWER);
        }
    }
}
