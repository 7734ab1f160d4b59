//! A viewer's seat: who holds it is connected.
//!
//! The transport keeps it in the response body, which the HTTP server drops when the connection ends, however it ends.
//! So counts are right without anybody's care.

use std::rc::Rc;

use prometheus_client::metrics::counter::Counter;

use super::hub::Hub;
use super::viewer::Viewer;
use crate::metrics::{Reason, Transport};

/// A viewer's place in its hub; it leaves when this is dropped.
pub(super) struct Seat {
    /// Its hub.
    pub(super) hub: Hub,
    /// The viewer.
    pub(super) viewer: Rc<Viewer>,
    /// Whether it counts as one of the replica's viewers; who is sent away at the door does not.
    counted: bool,
}

impl Seat {
    /// A seat in `hub`.
    pub(super) fn new(hub: Hub, viewer: Rc<Viewer>, counted: bool) -> Self {
        let seat = Self { hub, viewer, counted };
        if counted {
            seat.count(1);
        }
        seat
    }

    /// Counts the frames that its transport takes.
    pub(super) fn frames(&self) -> Counter {
        self.hub.live().metrics.frames.get_or_create_owned(&self.transport())
    }

    fn count(&self, by: i64) {
        self.hub.live().metrics.viewers.get_or_create(&self.transport()).inc_by(by);
    }

    fn transport(&self) -> Transport {
        Transport { transport: self.viewer.transport.as_str() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(&self.viewer);
        let reason = self.viewer.end().map_or("left", |end| end.reason);
        let live = self.hub.live();
        live.metrics.closed.get_or_create(&Reason { reason }).inc();
        if self.counted {
            live.left();
            self.count(-1);
        }
    }
}
