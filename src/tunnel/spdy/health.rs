//! How a session is doing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What the tasks of a session know about it together.
#[derive(Debug)]
pub(super) struct Health {
    /// Whether it may not be used for new conversations.
    pub(super) is_retired: AtomicBool,
    /// Whether the port in the pod has ever answered.
    pub(super) is_proven: AtomicBool,
    /// Whether a local reader holds up receiving: silence says nothing then.
    pub(super) is_held_up: AtomicBool,
    /// By the wall clock, which goes on while the machine sleeps.
    heard: Mutex<SystemTime>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            is_retired: AtomicBool::new(false),
            is_proven: AtomicBool::new(false),
            is_held_up: AtomicBool::new(false),
            heard: Mutex::new(SystemTime::now()),
        }
    }

    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn heard_now(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = SystemTime::now();
    }

    pub(super) fn silence(&self) -> Duration {
        if self.is_held_up.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock set back says nothing either.
        heard.elapsed().unwrap_or_default()
    }
}
