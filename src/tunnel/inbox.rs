//! What has come for one local connection and was not taken yet.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio_util::bytes::{Buf, Bytes};

/// The most bytes that wait for a local reader.
const LIMIT: usize = 256 * 1024;

/// Less than this is copied, so that a few bytes do not keep the buffer that they came in.
const SMALL: usize = 4 * 1024;

/// What keeping some bytes costs beside them, so that very many of very few are bounded too.
const OVERHEAD: usize = 96;

/// The longest message on an error stream that is kept.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// Between the one task that receives and the one that reads.
#[derive(Debug)]
pub(super) struct Inbox {
    since: Instant,
    state: Mutex<State>,
    taken: Notify,
    replies: watch::Sender<u8>,
    over: watch::Sender<Over>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    length: usize,
    message: Vec<u8>,
    end: Option<End>,
    has_finished: bool,
    has_sent: bool,
    reader: Option<Waker>,
}

/// Whether the other side will send or take more.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    No,
    Yes,
    Abnormally(io::ErrorKind, String),
}

#[derive(Clone, Debug)]
enum End {
    Done,
    Failed(io::ErrorKind, String),
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            state: Mutex::default(),
            taken: Notify::new(),
            replies: watch::Sender::new(0),
            over: watch::Sender::new(Over::No),
        }
    }

    /// For how long there has been this local connection.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Adds bytes of the data stream; `false` if the reader is too far behind for more.
    pub(super) fn push(&self, bytes: Bytes) -> bool {
        let mut state = self.state();
        if state.end.is_none() && !bytes.is_empty() {
            state.push(bytes);
        }
        let has_room = state.has_room();
        wake(state);
        has_room
    }

    /// Whether more may be pushed.
    pub(super) fn has_room(&self) -> bool {
        self.state().has_room()
    }

    /// Waits for the next read.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }

    /// One of the two streams was accepted.
    pub(super) fn replied(&self) {
        self.replies.send_modify(|replies| *replies += 1);
    }

    /// Resolves once both streams were accepted.
    pub(super) fn both_replied(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut replies = self.replies.subscribe();
        async move {
            // An error means that the inbox itself is gone, and with it whoever waits.
            let _ = replies.wait_for(|replies| *replies >= 2).await;
        }
    }

    /// Bytes were sent on the data stream.
    pub(super) fn sent(&self) {
        self.state().has_sent = true;
    }

    /// The data stream ended; whether well is known once the error stream has, or [`Inbox::settle`] is called.
    pub(super) fn finish(&self) {
        self.state().has_finished = true;
        if self.is_over() {
            self.settle();
        }
    }

    /// Takes the end of the data stream at its word: one half was closed, and the other is still open.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        if state.has_finished {
            let end = state.failure().unwrap_or(End::Done);
            state.end.get_or_insert(end);
        }
        wake(state);
    }

    /// Adds to the message of the error stream.
    pub(super) fn report(&self, bytes: &[u8]) {
        let mut state = self.state();
        let room = LONGEST_MESSAGE.saturating_sub(state.message.len());
        state
            .message
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The error stream ended, so the other side is done with all of it.
    ///
    /// Returns whether it failed with bytes of ours perhaps unread.
    pub(super) fn conclude(&self) -> bool {
        let mut state = self.state();
        let failure = state.failure();
        let is_tainted = failure.is_some() && state.has_sent;
        if failure.is_some() {
            state.end = failure;
        } else if state.has_finished {
            state.end.get_or_insert(End::Done);
        }
        wake(state);
        self.over.send_if_modified(|over| {
            let is_news = *over == Over::No;
            if is_news {
                *over = Over::Yes;
            }
            is_news
        });
        is_tainted
    }

    /// Ends everything abnormally.
    pub(super) fn fail(&self, kind: io::ErrorKind, message: &str) {
        let mut state = self.state();
        let end = state
            .failure()
            .unwrap_or_else(|| End::Failed(kind, message.to_owned()));
        state.end.get_or_insert(end);
        wake(state);
        // Whoever waits for room need not wait any more.
        self.taken.notify_one();
        self.over
            .send_replace(Over::Abnormally(kind, message.to_owned()));
    }

    /// Whether the other side will neither send nor take any more.
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow() != Over::No
    }

    /// Resolves once [`Inbox::is_over`]; fails if that was abnormal.
    pub(super) fn over(&self) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let mut over = self.over.subscribe();
        async move {
            match over.wait_for(|over| *over != Over::No).await.as_deref() {
                Ok(Over::Abnormally(kind, message)) => Err(io::Error::new(*kind, message.clone())),
                // An error means that the inbox itself is gone, which is as over as can be.
                Ok(_) | Err(_) => Ok(()),
            }
        }
    }

    /// The next bytes; none at the end.
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut state = self.state();
        let Some(bytes) = state.queue.pop_front() else {
            return match &state.end {
                Some(End::Done) => Poll::Ready(Ok(Bytes::new())),
                Some(End::Failed(kind, message)) => {
                    Poll::Ready(Err(io::Error::new(*kind, message.clone())))
                }
                None => {
                    state.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            };
        };
        state.length -= bytes.len() + OVERHEAD;
        drop(state);
        self.taken.notify_one();
        Poll::Ready(Ok(bytes))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len() + OVERHEAD;
        self.queue.push_back(if bytes.len() < SMALL {
            Bytes::copy_from_slice(&bytes)
        } else {
            bytes
        });
    }

    fn has_room(&self) -> bool {
        self.length < LIMIT || self.end.is_some()
    }

    fn failure(&self) -> Option<End> {
        if self.message.is_empty() {
            return None;
        }
        let error = failure(&String::from_utf8_lossy(&self.message));
        Some(End::Failed(error.kind(), error.to_string()))
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// What the pod's side reported, as an error of the matching kind.
fn failure(message: &str) -> io::Error {
    let kind = if message.to_ascii_lowercase().contains("connection refused") {
        io::ErrorKind::ConnectionRefused
    } else {
        io::ErrorKind::ConnectionReset
    };
    io::Error::new(kind, message.trim().to_owned())
}

/// Reads what has come, as from a socket.
pub(super) struct Reader {
    inbox: Arc<Inbox>,
    current: Bytes,
}

impl Reader {
    pub(super) fn of(inbox: &Arc<Inbox>) -> Self {
        Self {
            inbox: inbox.clone(),
            current: Bytes::new(),
        }
    }
}

impl AsyncBufRead for Reader {
    fn poll_fill_buf(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<&[u8]>> {
        if self.current.is_empty() {
            self.current = ready!(self.inbox.poll_take(context))?;
        }
        Poll::Ready(Ok(&self.get_mut().current))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.current.advance(amount);
        if self.current.is_empty() {
            // Gives its buffer back.
            self.current = Bytes::new();
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.as_mut().poll_fill_buf(context))?;
        let length = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..length]);
        self.consume(length);
        Poll::Ready(Ok(()))
    }
}
