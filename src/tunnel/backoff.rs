//! Pauses between attempts that grow, and differ between processes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);

/// Growing pauses with jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses that stop growing at `longest`.
    pub(super) fn up_to(longest: Duration) -> Self {
        Self {
            next: FIRST,
            longest,
        }
    }

    /// Starts again with the shortest pause.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Sleeps for between half and all of the next pause.
    pub(super) async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * chance())).await;
    }
}

/// A number in `0..1` that differs from call to call.
fn chance() -> f64 {
    // Each `RandomState` has keys of its own: randomness enough to spread retries.
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32);
    f64::from(bits.unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}
