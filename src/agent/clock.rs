//! Noticing that the clock jumped, which it does when a machine wakes from sleep.

/// The jumps of the wall clock from now on.
pub(super) struct Jumps {
    #[cfg(target_os = "linux")]
    timer: Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>>,
}

#[cfg(target_os = "linux")]
impl Jumps {
    /// Asks the kernel to tell of them: no time passes in between that has to be compared.
    pub(super) fn watch() -> Self {
        #[expect(
            deprecated,
            reason = "its successor is `unsafe`; a descriptor that is owned stays open as long as it is waited for"
        )]
        let timer = arm().and_then(tokio::io::unix::AsyncFd::new);
        if let Err(error) = &timer {
            tracing::warn!(%error, "jumps of the clock are not noticed");
        }
        Self { timer: timer.ok() }
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        let Some(timer) = &self.timer else {
            return std::future::pending().await;
        };
        // A timer that cannot be waited for tells nothing more.
        if timer.readable().await.is_err() {
            self.timer = None;
            return std::future::pending().await;
        }
        *self = Self::watch();
    }
}

/// A timer that ends never, and is cancelled by every change of the clock.
#[cfg(target_os = "linux")]
fn arm() -> std::io::Result<std::os::fd::OwnedFd> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    /// As far away as every kernel takes it.
    const NEVER: i64 = 1 << 33;
    let timer = timerfd_create(
        TimerfdClockId::Realtime,
        TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
    )?;
    let end = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: NEVER,
            tv_nsec: 0,
        },
    };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(&timer, flags, &end)?;
    Ok(timer)
}

#[cfg(not(target_os = "linux"))]
impl Jumps {
    /// Not told of on this system: the connections themselves notice their silence.
    pub(super) fn watch() -> Self {
        Self {}
    }

    /// Never.
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
