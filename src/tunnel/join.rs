//! One local connection joined to a pod: held until a pod can be reached, then copied both ways.
//!
//! A half-close on either side reaches the other; an abnormal end resets the local connection, so that
//! its client never takes a cut answer for a whole one.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::dialer::Dialer;
use super::pod::PodRef;
use super::pods::Followed;
use super::traffic::Traffic;

/// How long a connection waits for a pod that takes it.
pub(super) const HOLD: Duration = Duration::from_secs(8);

/// The longest pause between two attempts while a connection is held.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How long nothing is said to a port that may have nobody listening.
///
/// A refusal takes a few milliseconds, and bytes that were sent before it spoil the whole connection to the host.
const REFUSAL_LIMIT: Duration = Duration::from_millis(40);

/// The least and the most room for one read from the client.
const ROOM: std::ops::RangeInclusive<usize> = 4 * 1024..=64 * 1024;

/// How much of what a client said is kept in case it must be said again.
const EARLY_LIMIT: usize = 64 * 1024;

/// One connection to a port of a pod.
///
/// Reading fails with what the pod's side reported; a port that nobody listens on is
/// [`io::ErrorKind::ConnectionRefused`]. Whenever writing fails, reading ends or fails too.
pub(super) struct Conversation {
    /// The bytes that the pod sends.
    pub(super) read: Box<dyn AsyncBufRead + Send + Unpin>,
    /// The bytes that it takes.
    pub(super) write: Box<dyn AsyncWrite + Send + Unpin>,
    /// Resolves once the pod's side will neither send nor take any more; with an error, what it sent is void too.
    pub(super) over: BoxFuture<'static, io::Result<()>>,
    /// Whether somebody has answered at that port before.
    pub(super) is_proven: bool,
}

/// Serves `local` to its end; an error has already reset it.
pub(super) async fn join(
    mut local: TcpStream,
    pods: watch::Receiver<Followed>,
    dialer: &Dialer,
    traffic: &Traffic,
) -> io::Result<()> {
    // A failure to set these costs speed, not correctness.
    let _ = local.set_nodelay(true);
    let result = join_until_done(&mut local, pods, dialer, traffic).await;
    if result.is_err() {
        let _ = local.set_zero_linger();
    }
    result
}

async fn join_until_done(
    local: &mut TcpStream,
    mut pods: watch::Receiver<Followed>,
    dialer: &Dialer,
    traffic: &Traffic,
) -> io::Result<()> {
    let deadline = Instant::now() + HOLD;
    let mut early = Early::default();
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    loop {
        let pod = usable_pod(&mut pods, deadline).await?;
        let error = match timeout_at(deadline, dialer.dial(&pod)).await {
            Ok(Ok(mut conversation)) => {
                conversation.is_proven |= pods.borrow().is_ready;
                match copy(local, &mut early, conversation, traffic).await {
                    Ok(()) => return Ok(()),
                    Err(broken) if broken.is_refusal() && early.is_whole => broken.error,
                    Err(broken) => return Err(broken.error),
                }
            }
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(
                io::ErrorKind::TimedOut,
                format!("pod `{}` does not answer", pod.name),
            ),
        };
        tracing::debug!(pod = pod.name, %error, "not joined yet");
        // What is forbidden now will be in a moment.
        if Instant::now() >= deadline || error.kind() == io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        backoff.wait().await;
    }
}

async fn usable_pod(pods: &mut watch::Receiver<Followed>, deadline: Instant) -> io::Result<PodRef> {
    let found = timeout_at(deadline, pods.wait_for(|followed| followed.pod.is_some())).await;
    let pod = found
        .ok()
        .and_then(Result::ok)
        .and_then(|followed| followed.pod.clone());
    pod.ok_or_else(|| {
        let why = pods.borrow().error.clone();
        io::Error::new(
            io::ErrorKind::NotConnected,
            why.unwrap_or_else(|| "no pod is ready".to_owned()),
        )
    })
}

/// What the client said before the pod's first answer.
///
/// A forwarded port reports a refused connection only after bytes were sent to it. None of them reached anyone, so
/// they may be sent again.
struct Early {
    bytes: Vec<u8>,
    has_ended: bool,
    is_whole: bool,
}

impl Default for Early {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            has_ended: false,
            is_whole: true,
        }
    }
}

impl Early {
    fn push(&mut self, bytes: &[u8]) {
        if !self.is_whole || self.bytes.len() + bytes.len() > EARLY_LIMIT {
            *self = Self {
                bytes: Vec::new(),
                has_ended: false,
                is_whole: false,
            };
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

struct Broken {
    error: io::Error,
    was_answered: bool,
}

impl Broken {
    fn is_refusal(&self) -> bool {
        !self.was_answered && self.error.kind() == io::ErrorKind::ConnectionRefused
    }
}

async fn copy(
    local: &mut TcpStream,
    early: &mut Early,
    pod: Conversation,
    traffic: &Traffic,
) -> Result<(), Broken> {
    let (mut pod_read, mut pod_write) = (pod.read, pod.write);
    let (mut local_read, mut local_write) = local.split();
    let was_answered = AtomicBool::new(false);

    // Failures to write to the pod are left to the reading half, which knows their cause.
    let up = async {
        if !pod.is_proven {
            tokio::time::sleep(REFUSAL_LIMIT).await;
        }
        if pod_write.write_all(&early.bytes).await.is_err() {
            return Ok(());
        }
        let mut room = *ROOM.start();
        while !early.has_ended {
            let bytes = read_some(&mut local_read, &mut room).await?;
            if bytes.is_empty() {
                early.has_ended = true;
                break;
            }
            traffic.add_sent(bytes.len());
            // Kept before it is sent: a refusal may come while the write is under way.
            if !was_answered.load(Ordering::Relaxed) {
                early.push(&bytes);
            }
            if pod_write.write_all(&bytes).await.is_err() {
                return Ok(());
            }
        }
        let _ = pod_write.shutdown().await;
        Ok::<_, io::Error>(())
    };
    let down = async {
        loop {
            let bytes = pod_read.fill_buf().await?;
            let length = bytes.len();
            if length == 0 {
                return local_write.shutdown().await;
            }
            traffic.add_received(length);
            was_answered.store(true, Ordering::Relaxed);
            local_write.write_all(bytes).await?;
            pod_read.consume(length);
        }
    };

    let result = both(up, down, pod.over).await;
    let was_answered = was_answered.into_inner();
    result.map_err(|error| Broken {
        error,
        was_answered,
    })
}

/// Reads what is there; nothing at the end. A client that says nothing costs no buffer.
async fn read_some(local: &mut ReadHalf<'_>, room: &mut usize) -> io::Result<Vec<u8>> {
    loop {
        local.readable().await?;
        let mut bytes = Vec::with_capacity(*room);
        match local.try_read_buf(&mut bytes) {
            Ok(length) => {
                *room = if length == *room {
                    (length * 4).min(*ROOM.end())
                } else {
                    (length * 2).clamp(*ROOM.start(), *ROOM.end())
                };
                return Ok(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Runs both directions until the second has ended and the first cannot lead anywhere any more.
async fn both(
    up: impl Future<Output = io::Result<()>>,
    down: impl Future<Output = io::Result<()>>,
    mut over: BoxFuture<'static, io::Result<()>>,
) -> io::Result<()> {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (mut is_up_done, mut is_over, mut is_down_done) = (false, false, false);
    while !(is_down_done && (is_up_done || is_over)) {
        tokio::select! {
            biased;
            result = &mut down, if !is_down_done => { result?; is_down_done = true; }
            result = &mut over, if !is_over => { result?; is_over = true; }
            result = &mut up, if !is_up_done => { result?; is_up_done = true; }
        }
    }
    Ok(())
}
