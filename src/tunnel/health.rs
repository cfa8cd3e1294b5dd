//! How a connection to the host is doing, and how that is found out.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::clock::Jumps;
use super::transport::Outgoing;

/// After how much silence a sign of life is asked for.
pub(super) const PING_AFTER: Duration = Duration::from_secs(10);

/// How long it may take to come.
pub(super) const PONG_LIMIT: Duration = Duration::from_secs(5);

/// What the tasks of a connection know about it together.
#[derive(Debug)]
pub(super) struct Health {
    /// Whether it may not be used for new conversations.
    pub(super) is_retired: AtomicBool,
    /// Whether the port in the pod has ever answered.
    pub(super) is_proven: AtomicBool,
    /// Whether a local reader holds up receiving: silence says nothing then.
    pub(super) is_held_up: AtomicBool,
    /// Whether the machine has slept since the last sign of life.
    is_doubted: AtomicBool,
    /// How many signs of life there have been.
    signs: AtomicU64,
    /// When the last one was, by the wall clock, which goes on while the machine sleeps.
    heard: Mutex<SystemTime>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            is_retired: AtomicBool::new(false),
            is_proven: AtomicBool::new(false),
            is_held_up: AtomicBool::new(false),
            is_doubted: AtomicBool::new(false),
            signs: AtomicU64::new(0),
            heard: Mutex::new(SystemTime::now()),
        }
    }

    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    /// Something came from the host.
    pub(super) fn heard_now(&self) {
        self.signs.fetch_add(1, Ordering::Relaxed);
        self.is_doubted.store(false, Ordering::Relaxed);
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = SystemTime::now();
    }

    /// Whether it may be used for new conversations.
    pub(super) fn is_usable(&self) -> bool {
        let is = |fact: &AtomicBool| fact.load(Ordering::Acquire);
        !is(&self.is_retired)
            && !is(&self.is_doubted)
            && (is(&self.is_held_up) || self.silence() < PING_AFTER + PONG_LIMIT)
    }

    fn silence(&self) -> Duration {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock set back says nothing.
        heard.elapsed().unwrap_or_default()
    }

    fn signs(&self) -> u64 {
        self.signs.load(Ordering::Relaxed)
    }

    /// Asks for signs of life when there were none for a while, and at once when the machine has slept.
    ///
    /// Ends when none come, or when `is_unused` says that there is nothing to stay alive for.
    pub(super) async fn watch(
        &self,
        outgoing: mpsc::WeakSender<Outgoing>,
        mut jumps: Jumps,
        mut ping: impl FnMut() -> Outgoing + Send,
        is_unused: impl Fn() -> bool + Send,
    ) -> io::Error {
        loop {
            let before = self.signs();
            let has_jumped = tokio::select! {
                () = tokio::time::sleep(PING_AFTER) => false,
                () = jumps.next() => true,
            };
            if is_unused() {
                return io::Error::new(io::ErrorKind::NotConnected, "nobody uses it any more");
            }
            if self.is_held_up.load(Ordering::Relaxed) || (self.signs() != before && !has_jumped) {
                continue;
            }
            self.is_doubted.store(has_jumped, Ordering::Release);
            let before = self.signs();
            let Some(outgoing) = outgoing.upgrade() else {
                // The sending task ends by itself, and this one with it.
                return std::future::pending().await;
            };
            // Full means that plenty waits to be sent, which the other side must acknowledge just as well.
            let _ = outgoing.try_send(ping());
            drop(outgoing);
            tokio::time::sleep(PONG_LIMIT).await;
            if self.signs() == before && !self.is_held_up.load(Ordering::Relaxed) {
                return io::Error::new(io::ErrorKind::TimedOut, "no sign of life");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::clock::Clock;
    use std::sync::Arc;
    use tokio::time::{Instant, timeout};

    /// When a connection ended, in seconds since it began, on which `life` happens. The queue has room for one.
    async fn ended_after(
        life: impl Future<Output = ()>,
        health: &Arc<Health>,
        clock: &Clock,
    ) -> u64 {
        let (outgoing, mut queue) = mpsc::channel(1);
        let (begin, weak) = (Instant::now(), outgoing.downgrade());
        let watched = health.watch(weak, clock.jumps(), || Outgoing::Ping, || false);
        let sent = async { while queue.recv().await.is_some() {} };
        tokio::select! {
            _ = watched => begin.elapsed().as_secs(),
            () = async { tokio::join!(life, sent).1 } => unreachable!("a sender is alive"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_host_is_given_up_after_one_ping() {
        let health = Arc::new(Health::new());
        assert_eq!(ended_after(async {}, &health, &Clock::new()).await, 15);
    }

    #[tokio::test(start_paused = true)]
    async fn any_sign_of_life_will_do() {
        let health = Arc::new(Health::new());
        let life = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                health.heard_now();
            }
        };
        // The last sign comes at 27 s, within the third pause; after the fourth nobody answers.
        assert_eq!(ended_after(life, &health, &Clock::new()).await, 45);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_asks_at_once() {
        let (health, clock) = (Arc::new(Health::new()), Clock::new());
        let life = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            clock.jump();
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(!health.is_usable());
        };
        assert_eq!(ended_after(life, &health, &clock).await, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_holds_it_up_is_not_the_host_s_silence() {
        let health = Arc::new(Health::new());
        health.is_held_up.store(true, Ordering::Relaxed);
        let clock = Clock::new();
        let waits = timeout(
            Duration::from_hours(1),
            ended_after(async {}, &health, &clock),
        );
        waits.await.unwrap_err();
        assert!(health.is_usable());
    }
}
