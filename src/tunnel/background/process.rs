//! What the systems do differently about processes without a terminal.

use std::process::Command;

/// Leaves the terminal and the session of whoever started this process, so as to outlive both.
#[cfg(unix)]
pub fn detach() {
    // Refused only to the leader of a group, which has been detached by its parent already.
    let _ = rustix::process::setsid();
}

/// Leaves the terminal and the session of whoever started this process, so as to outlive both.
#[cfg(not(unix))]
pub fn detach() {}

/// Lets the process of `command` outlive ours, as far as the parent has a say in it.
#[cfg(windows)]
pub(super) fn outlive(command: &mut Command) {
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    std::os::windows::process::CommandExt::creation_flags(
        command,
        DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
    );
}

/// Lets the process of `command` outlive ours, as far as the parent has a say in it.
#[cfg(not(windows))]
pub(super) fn outlive(_: &mut Command) {}

/// A process that can be asked to end, and is never mistaken for a later one of the same id.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Handle(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Handle {
    /// The process that has the id now.
    pub(super) fn open(pid: u32) -> Option<Self> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};

        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        pidfd_open(pid, PidfdFlags::empty()).ok().map(Self)
    }

    /// Asks the process to end, or ends it `by_force`. One that has ended already is fine.
    pub(super) fn end(&self, by_force: bool) {
        use rustix::process::{Signal, pidfd_send_signal};

        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let _ = pidfd_send_signal(&self.0, signal);
    }
}

/// A process that can be asked to end.
#[cfg(all(unix, not(target_os = "linux")))]
#[derive(Debug)]
pub(super) struct Handle(rustix::process::Pid);

#[cfg(all(unix, not(target_os = "linux")))]
impl Handle {
    /// The process that has the id now.
    pub(super) fn open(pid: u32) -> Option<Self> {
        rustix::process::Pid::from_raw(i32::try_from(pid).ok()?).map(Self)
    }

    /// Asks the process to end, or ends it `by_force`. One that has ended already is fine.
    pub(super) fn end(&self, by_force: bool) {
        use rustix::process::{Signal, kill_process};

        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let _ = kill_process(self.0, signal);
    }
}

/// A process that can be ended.
#[cfg(windows)]
#[derive(Debug)]
pub(super) struct Handle(u32);

#[cfg(windows)]
impl Handle {
    /// The process that has the id now.
    pub(super) fn open(pid: u32) -> Option<Self> {
        Some(Self(pid))
    }

    /// Ends the process: there is no asking one that has no window.
    pub(super) fn end(&self, _by_force: bool) {
        let _ = Command::new("taskkill")
            .args(["/F", "/PID", &self.0.to_string()])
            .output();
    }
}
