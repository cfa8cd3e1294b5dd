//! Notices that the machine slept, or that its clock was set, at once.
//!
//! Timers stand still while a machine sleeps, so a connection that died meanwhile would be found out only some time
//! after it woke.

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Tells of each jump of the clock, until dropped.
pub(super) struct Clock {
    jumps: watch::Sender<u64>,
    _watching: Option<AbortOnDropHandle<()>>,
}

/// Jumps since this was made.
#[derive(Clone)]
pub(super) struct Jumps(watch::Receiver<u64>);

impl Clock {
    /// Watches the clock if it is called within a tokio runtime.
    pub(super) fn new() -> Self {
        let jumps = watch::Sender::new(0);
        let publish = jumps.clone();
        let watching = tokio::runtime::Handle::try_current().ok().map(|runtime| {
            AbortOnDropHandle::new(runtime.spawn(async move {
                let Err(error) = system::watch(&|| publish.send_modify(|jumps| *jumps += 1)).await;
                tracing::debug!(%error, "the clock cannot be watched");
            }))
        });
        Self {
            jumps,
            _watching: watching,
        }
    }

    /// Who wants to know.
    pub(super) fn jumps(&self) -> Jumps {
        Jumps(self.jumps.subscribe())
    }

    /// As if the machine had slept.
    #[cfg(test)]
    pub(super) fn jump(&self) {
        self.jumps.send_modify(|jumps| *jumps += 1);
    }
}

impl Jumps {
    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The kernel says when the clock is set, which it also is after the machine slept.
#[cfg(target_os = "linux")]
mod system {
    use std::convert::Infallible;
    use std::io;

    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    /// So far ahead that nobody waits for it.
    const NEVER: Itimerspec = Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: Timespec {
            tv_sec: i32::MAX as i64,
            tv_nsec: 0,
        },
    };

    pub(super) async fn watch(jumped: &(impl Fn() + Sync)) -> io::Result<Infallible> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe, for the sake of types that an `OwnedFd` is not one of"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        loop {
            let until = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            timerfd_settime(&timer, until, &NEVER)?;
            let mut ready = timer.readable().await?;
            match rustix::io::read(timer.get_ref(), &mut [0; 8]) {
                Err(Errno::CANCELED) => jumped(),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
        }
    }
}

/// Where the system does not tell, two clocks are compared every few seconds: one of them stands still in sleep.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::convert::Infallible;
    use std::io;
    use std::time::{Duration, Instant, SystemTime};

    const EVERY: Duration = Duration::from_secs(5);

    pub(super) async fn watch(jumped: &(impl Fn() + Sync)) -> io::Result<Infallible> {
        loop {
            let (wall, steady) = (SystemTime::now(), Instant::now());
            tokio::time::sleep(EVERY).await;
            let passed = wall.elapsed().unwrap_or_default();
            if passed.abs_diff(steady.elapsed()) > EVERY {
                jumped();
            }
        }
    }
}
