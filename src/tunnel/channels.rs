//! The old way of port-forwarding: a WebSocket for each local connection, with a channel for data and one for errors.
//!
//! Its protocol cannot close one direction. What a client has to say is sent and its end is kept from the pod, so that
//! the pod's answer still arrives; a pod that waits for the end waits in vain.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::AsyncWrite;
use tokio::sync::{Notify, mpsc};
use tokio_util::bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::sync::PollSender;
use tokio_util::task::AbortOnDropHandle;

use super::clock::Jumps;
use super::health::Health;
use super::inbox::{Inbox, Reader};
use super::join::Conversation;
use super::transport::{Outgoing, Received, Receiver, Transport};

const DATA: u8 = 0;

/// What each channel begins with: its port.
const PREFACE: usize = 2;

/// For how long nothing may come after the client has said all that it has to say.
const LINGER: Duration = Duration::from_secs(30);

/// Messages that wait to be sent; more make the local connection wait.
const OUTGOING: usize = 4;

/// The most bytes of data in one message.
const LONGEST_DATA: usize = 64 * 1024;

/// The one conversation over `transport`. Must be called within a tokio runtime.
pub(super) fn converse(transport: Transport, jumps: Jumps) -> Conversation {
    let (outgoing, queue) = mpsc::channel(OUTGOING);
    let inbox = Arc::new(Inbox::new());
    let health = Arc::new(Health::new());
    let said_all = Arc::new(Notify::new());
    let living = {
        let (health, outgoing) = (health.clone(), outgoing.downgrade());
        async move {
            health
                .watch(outgoing, jumps, || Outgoing::Ping, || false)
                .await
        }
    };
    let (all, said) = (inbox.clone(), said_all.clone());
    let weak = outgoing.downgrade();
    let serving = AbortOnDropHandle::new(tokio::spawn(async move {
        let error = tokio::select! {
            result = receive(transport.receiver, &all, &health, &said, &weak) => match result {
                Ok(()) => {
                    all.finish();
                    all.conclude();
                    return;
                }
                Err(error) => error,
            },
            error = transport.sender.send_all(queue) => error,
            error = living => error,
        };
        all.fail(io::ErrorKind::ConnectionAborted, &error.to_string());
    }));
    let over = inbox.over();
    Conversation {
        read: Box::new(Reader::of(&inbox)),
        write: Box::new(Writer {
            inbox,
            outgoing: PollSender::new(outgoing),
            said_all,
            _serving: serving,
        }),
        over: over.boxed(),
        is_proven: true,
    }
}

/// Takes what comes until the host closes the connection.
async fn receive(
    mut receiver: Receiver,
    inbox: &Inbox,
    health: &Health,
    said_all: &Notify,
    outgoing: &mpsc::WeakSender<Outgoing>,
) -> io::Result<()> {
    let mut prefaces = [PREFACE; 2];
    let mut channel = DATA;
    let mut lingers = false;
    loop {
        let next = tokio::select! {
            next = receiver.receive() => next?,
            () = said_all.notified(), if !lingers => { lingers = true; continue }
            () = tokio::time::sleep(LINGER), if lingers => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the host knows no way to close one direction, and nothing more came in the other",
                ));
            }
        };
        health.heard_now();
        let (mut bytes, begins) = match next {
            Some(Received::Bytes { bytes, begins }) => (bytes, begins),
            Some(Received::Ping(payload)) => {
                if let Some(outgoing) = outgoing.upgrade() {
                    let _ = outgoing.try_send(Outgoing::Pong(payload));
                }
                continue;
            }
            Some(Received::Pong) => continue,
            None => return Ok(()),
        };
        if begins {
            channel = bytes.get_u8();
        }
        let Some(preface) = prefaces.get_mut(usize::from(channel)) else {
            continue;
        };
        let skipped = (*preface).min(bytes.len());
        bytes.advance(skipped);
        *preface -= skipped;
        if channel != DATA {
            inbox.report(&bytes);
        } else if !inbox.push(bytes.freeze()) {
            wait_for_room(inbox, health).await;
        }
    }
}

/// The connection is this reader's alone: it may take its time.
async fn wait_for_room(inbox: &Inbox, health: &Health) {
    use std::sync::atomic::Ordering;

    health.is_held_up.store(true, Ordering::Relaxed);
    while !inbox.has_room() {
        inbox.taken().await;
    }
    health.heard_now();
    health.is_held_up.store(false, Ordering::Relaxed);
}

/// Writes to the channel for data. Dropping it closes the connection.
struct Writer {
    inbox: Arc<Inbox>,
    outgoing: PollSender<Outgoing>,
    said_all: Arc<Notify>,
    _serving: AbortOnDropHandle<()>,
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.inbox.is_over() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        ready!(self.outgoing.poll_reserve(context)).map_err(gone)?;
        let bytes = &bytes[..bytes.len().min(LONGEST_DATA)];
        let message = Outgoing::Bytes(message(bytes));
        Poll::Ready(self.outgoing.send_item(message).map_err(gone)).map_ok(|()| bytes.len())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What waits is sent as soon as it can be.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.said_all.notify_one();
        Poll::Ready(Ok(()))
    }
}

fn message(bytes: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.put_u8(DATA);
    message.put_slice(bytes);
    message.freeze()
}
