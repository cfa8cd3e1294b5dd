//! Which of a session's conversations a frame is for.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::inbox::Inbox;

/// The numbers of a conversation's two streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    pub(super) error: u32,
    pub(super) data: u32,
}

/// Which conversation each stream belongs to.
#[derive(Debug)]
pub(super) struct Routes(Mutex<Table>);

#[derive(Debug)]
struct Table {
    routes: HashMap<u32, Route>,
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
        Self(Mutex::new(Table {
            routes: HashMap::new(),
            empty_since: Instant::now(),
            is_closed: false,
        }))
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
        }
        !table.is_closed
    }

    pub(super) fn remove(&self, ids: Ids) {
        let mut table = self.table();
        table.routes.remove(&ids.error);
        table.routes.remove(&ids.data);
        if table.routes.is_empty() {
            table.empty_since = Instant::now();
        }
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
