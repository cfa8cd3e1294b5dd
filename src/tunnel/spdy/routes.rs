//! Which of a session's conversations a frame is for, and what the other side has accepted.
//!
//! The library on the other side ([moby/spdystream](https://github.com/moby/spdystream), `connection.go`) works through
//! frames in five queues, by the number of the stream. A queue stands still while bytes in it have no reader yet. It stands
//! still for good, and with it in the end all of the connection and everything that is forwarded over it, when a stream is
//! reset that was not accepted, or the connection closed while one is not: neither is done.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::super::inbox::Inbox;

/// In how many queues the other side works through frames.
const QUEUES: u32 = 5;

/// The numbers of a conversation's two streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    pub(super) error: u32,
    pub(super) data: u32,
}

impl Ids {
    fn both(self) -> [u32; 2] {
        [self.data, self.error]
    }
}

/// Which conversation each stream belongs to.
#[derive(Debug)]
pub(super) struct Routes {
    table: Mutex<Table>,
    /// Told when no abandoned stream is left.
    settled: Notify,
}

#[derive(Debug)]
struct Table {
    routes: HashMap<u32, Route>,
    /// The streams that were not accepted yet.
    unaccepted: HashSet<u32>,
    /// Those of them that are to be reset when they are.
    abandoned: HashSet<u32>,
    /// When a stream of each queue was last accepted.
    moved: [Instant; QUEUES as usize],
    /// When the last conversation ended, if there is none.
    empty_since: Instant,
    is_closed: bool,
}

/// What came on a stream is for this conversation.
#[derive(Clone, Debug)]
pub(super) enum Route {
    Error(Arc<Inbox>),
    Data(Arc<Inbox>),
}

impl Default for Routes {
    fn default() -> Self {
        let table = Table {
            routes: HashMap::new(),
            unaccepted: HashSet::new(),
            abandoned: HashSet::new(),
            moved: [Instant::now(); QUEUES as usize],
            empty_since: Instant::now(),
            is_closed: false,
        };
        Self {
            table: Mutex::new(table),
            settled: Notify::new(),
        }
    }
}

impl Routes {
    /// Adds a conversation; `false` if there may not be another one.
    pub(super) fn insert(&self, ids: Ids, inbox: &Arc<Inbox>) -> bool {
        let mut table = self.table();
        if !table.is_closed {
            let routes = &mut table.routes;
            routes.insert(ids.error, Route::Error(inbox.clone()));
            routes.insert(ids.data, Route::Data(inbox.clone()));
            table.unaccepted.extend(ids.both());
        }
        !table.is_closed
    }

    /// Ends a conversation on our side. What is returned is to be reset now, the rest when it is accepted.
    pub(super) fn remove(&self, ids: Ids) -> Vec<u32> {
        let mut table = self.table();
        table.routes.remove(&ids.error);
        table.routes.remove(&ids.data);
        if table.routes.is_empty() {
            table.empty_since = Instant::now();
        }
        let (early, accepted): (Vec<u32>, _) = ids
            .both()
            .into_iter()
            .partition(|stream| table.unaccepted.contains(stream));
        table.abandoned.extend(early);
        accepted
    }

    /// The other side has accepted a stream; whether it is to be reset now.
    pub(super) fn accepted(&self, stream: u32) -> bool {
        let mut table = self.table();
        table.moved[queue(stream)] = Instant::now();
        self.answered(table, stream)
    }

    /// The other side has reset a stream.
    pub(super) fn was_reset(&self, stream: u32) {
        self.answered(self.table(), stream);
    }

    /// Whether the stream was an abandoned one.
    fn answered(&self, mut table: MutexGuard<'_, Table>, stream: u32) -> bool {
        table.unaccepted.remove(&stream);
        let was_abandoned = table.abandoned.remove(&stream);
        if was_abandoned && table.abandoned.is_empty() {
            self.settled.notify_waiters();
        }
        was_abandoned
    }

    /// Resolves when no stream is to be reset any more that was not accepted yet.
    pub(super) async fn until_none_abandoned(&self) {
        loop {
            let settled = self.settled.notified();
            if self.table().abandoned.is_empty() {
                return;
            }
            settled.await;
        }
    }

    /// Whether a conversation that is not accepted yet may still be: others in its queues were within that time.
    pub(super) fn may_be_accepted(&self, ids: Ids, limit: Duration) -> bool {
        let table = self.table();
        let mut waited_for = ids
            .both()
            .into_iter()
            .filter(|stream| table.unaccepted.contains(stream));
        waited_for.all(|stream| table.moved[queue(stream)].elapsed() < limit)
    }

    /// How many streams were not accepted yet.
    pub(super) fn unaccepted(&self) -> usize {
        self.table().unaccepted.len()
    }

    pub(super) fn get(&self, stream: u32) -> Option<Route> {
        self.table().routes.get(&stream).cloned()
    }

    pub(super) fn conversations(&self) -> usize {
        self.table().routes.len() / 2
    }

    /// The age of the eldest conversation.
    pub(super) fn eldest(&self) -> Option<Duration> {
        let table = self.table();
        let ages = table.routes.values().filter_map(|route| match route {
            Route::Data(inbox) => Some(inbox.age()),
            Route::Error(_) => None,
        });
        ages.max()
    }

    /// Takes no more conversations if there was none for so long.
    pub(super) fn close_unused(&self, limit: Duration) -> bool {
        let mut table = self.table();
        table.is_closed |= table.routes.is_empty() && table.empty_since.elapsed() >= limit;
        table.is_closed
    }

    /// Ends all conversations, and takes no more.
    pub(super) fn fail_all(&self, error: &io::Error) {
        // Taken out first: waking a reader may drop its stream, which comes back here.
        let all = {
            let mut table = self.table();
            table.is_closed = true;
            std::mem::take(&mut table.routes)
        };
        let message = format!("the connection to the pod was lost: {error}");
        for route in all.into_values() {
            if let Route::Data(inbox) = route {
                inbox.fail(io::ErrorKind::ConnectionAborted, &message);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn queue(stream: u32) -> usize {
    (stream % QUEUES) as usize
}
