//! What is being waited for, told to everyone who waits.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::progress::Progress;

/// Hands what work reports on to those who wait for it.
pub(super) struct Notes {
    send: watch::Sender<String>,
    because: Mutex<String>,
}

impl Notes {
    pub(super) fn new() -> (Self, watch::Receiver<String>) {
        let (send, receive) = watch::channel(String::new());
        let because = Mutex::new(String::new());
        (Self { send, because }, receive)
    }

    fn say(&self, text: String) {
        tracing::info!("{text}");
        // Nobody may be waiting any more.
        let _ = self.send.send(text);
    }
}

impl Progress for Notes {
    fn begin(&self, doing: &str) {
        self.say(format!("{doing}…"));
    }

    fn because(&self, reason: &str) {
        let mut last = self.because.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == reason {
            return;
        }
        reason.clone_into(&mut last);
        drop(last);
        if !reason.is_empty() {
            self.say(reason.to_owned());
        }
    }

    fn advise(&self, _: &str) {}

    fn end(&self) {}

    fn note(&self, text: &str) {
        self.say(text.to_owned());
    }

    fn if_interrupted(&self, _: &str, _: &str) {}
}
