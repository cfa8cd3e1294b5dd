//! What the systems do differently about processes without a terminal, and about sockets between processes.

use std::io;
use std::path::Path;
use std::process::Command;

/// A socket at which the agent is asked.
#[cfg(unix)]
pub type Listener = std::os::unix::net::UnixListener;
/// A connection to the agent.
#[cfg(unix)]
pub(super) type Stream = std::os::unix::net::UnixStream;

/// A socket at which the agent is asked.
#[cfg(not(unix))]
pub type Listener = std::net::TcpListener;
/// A connection to the agent.
#[cfg(not(unix))]
pub(super) type Stream = std::net::TcpStream;

/// Listens at a path, for the user alone.
#[cfg(unix)]
pub(super) fn listen(path: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::PermissionsExt as _;
    let listener = Listener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connects to who listens at a path, if that is the same user.
#[cfg(unix)]
pub(super) fn connect(path: &Path) -> io::Result<Stream> {
    let stream = Stream::connect(path)?;
    #[cfg(target_os = "linux")]
    if rustix::net::sockopt::socket_peercred(&stream)?.uid != rustix::process::geteuid() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "somebody else listens there",
        ));
    }
    Ok(stream)
}

/// Not on this system yet: a port of loopback would be everybody's.
#[cfg(not(unix))]
pub(super) fn listen(_: &Path) -> io::Result<Listener> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not on this system yet.
#[cfg(not(unix))]
pub(super) fn connect(_: &Path) -> io::Result<Stream> {
    Err(io::ErrorKind::NotFound.into())
}

/// Lets go of standard output and standard error, so that nobody waits for their end.
#[cfg(unix)]
pub(super) fn close_streams() {
    let Ok(nowhere) = std::fs::File::options().write(true).open("/dev/null") else {
        return;
    };
    // Without it whoever reads the output waits in vain, which is no reason to end.
    let _ = rustix::stdio::dup2_stdout(&nowhere);
    let _ = rustix::stdio::dup2_stderr(&nowhere);
}

/// Lets go of standard output and standard error, so that nobody waits for their end.
#[cfg(not(unix))]
pub(super) fn close_streams() {}

/// Leaves the terminal and the session of whoever started this process, so as to outlive both.
#[cfg(unix)]
pub fn detach() {
    // Refused only to the leader of a group, which has been detached by its parent already.
    let _ = rustix::process::setsid();
    // Every connection takes a descriptor, and the usual limit of 1024 is meant for programs that cannot have more.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, most);
    // A working folder could not be removed, or its disk not be taken out, as long as we are in it.
    let _ = rustix::process::chdir("/");
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
///
/// A pipe that was handed down to us without being named, as shells and test runners do, would stay open for as long.
#[cfg(unix)]
pub(super) fn outlive(_: &mut Command) {
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
}

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
