//! How many stories the host bears at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// Stories at once. A control plane starts in about ten seconds of one processor, and the node of CI has two.
const AT_ONCE: usize = 3;

static UNDER_WAY: Mutex<usize> = Mutex::new(0);
static ONE_ENDED: Condvar = Condvar::new();

/// A story's place on the host, given back when dropped.
pub(super) struct Turn(());

impl Turn {
    /// Waits for a place.
    pub(super) fn take() -> Self {
        let under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        let mut under_way = ONE_ENDED
            .wait_while(under_way, |under_way| *under_way >= AT_ONCE)
            .unwrap_or_else(PoisonError::into_inner);
        *under_way += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ONE_ENDED.notify_one();
    }
}
