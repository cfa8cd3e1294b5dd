//! Many conversations over one connection.
//!
//! One task receives, one sends, one asks for signs of life; they end together, and with them every conversation. The
//! protocol has no flow control, so a local reader that stands still holds up the whole connection: it is given a short
//! time to go on, and then reset for the sake of the others. Whoever opens conversations keeps those that last apart.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;
use tokio_util::bytes::BytesMut;
use tokio_util::task::AbortOnDropHandle;

use super::super::clock::Jumps;
use super::super::health::Health;
use super::super::inbox::{Inbox, Reader};
use super::super::join::Conversation;
use super::super::transport::{Outgoing, Received, Receiver, Transport};
use super::frame::{self, Decoder, Frame, HeaderWriter};
use super::routes::{Ids, Route, Routes};
use super::stream::{Writer, reset};

/// How long one reader that stands still may hold up the others.
const STALL_LIMIT: Duration = Duration::from_secs(2);

/// How long the other side may take to accept a stream while it accepts no other of the same queue either: the queue
/// stands still, see [`super::routes`]. Nothing sent on a stream that was not accepted has reached anyone.
const REPLY_LIMIT: Duration = Duration::from_secs(3);

/// How long a new conversation waits for room to be asked for.
const ROOM_LIMIT: Duration = Duration::from_millis(1500);

/// How long after the end of the data the error stream may tell that it was not a good end.
const SETTLE_LIMIT: Duration = Duration::from_millis(50);

/// Frames that wait to be sent; more make the local connections wait.
const OUTGOING: usize = 16;

/// How long a connection that nobody uses is kept for the next one.
const SPARE_LIMIT: Duration = Duration::from_secs(90);

/// So many streams that the other side has not accepted yet are enough for one connection.
const CROWD: usize = 64;

/// A conversation that lasts longer is likely to last much longer.
const LASTING: Duration = Duration::from_secs(1);

/// The last stream number that leaves room for a pair.
const LAST_STREAM: u32 = 0x7fff_fff0;

/// A connection to the pod's side, shared by the conversations over it.
///
/// It closes when the session and all its conversations are dropped.
pub(in super::super) struct Session {
    outgoing: mpsc::Sender<Outgoing>,
    opening: AsyncMutex<Opening>,
    routes: Arc<Routes>,
    health: Arc<Health>,
}

#[derive(Default)]
struct Opening {
    pairs: u32,
    headers: HeaderWriter,
}

impl Session {
    /// Speaks SPDY over `transport`. Must be called within a tokio runtime.
    pub(in super::super) fn over(transport: Transport, jumps: Jumps) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let routes = Arc::new(Routes::default());
        let health = Arc::new(Health::new());
        let receiving = AbortOnDropHandle::new(tokio::spawn(receive(
            transport.receiver,
            routes.clone(),
            health.clone(),
            outgoing.downgrade(),
        )));
        let living = AbortOnDropHandle::new(tokio::spawn(stay_alive(
            routes.clone(),
            health.clone(),
            outgoing.downgrade(),
            jumps,
        )));
        let (all, state) = (routes.clone(), health.clone());
        tokio::spawn(async move {
            let error = tokio::select! {
                error = transport.sender.send_all(queue) => error,
                error = receiving => error.unwrap_or_else(io::Error::other),
                error = living => error.unwrap_or_else(io::Error::other),
            };
            tracing::debug!(%error, "the connection to the pod ended");
            state.retire();
            all.fail_all(&error);
        });
        Self {
            outgoing,
            opening: AsyncMutex::default(),
            routes,
            health,
        }
    }

    /// Whether new conversations may be opened.
    pub(in super::super) fn is_usable(&self) -> bool {
        self.health.is_usable() && !self.outgoing.is_closed()
    }

    /// How many conversations there are.
    pub(in super::super) fn conversations(&self) -> usize {
        self.routes.conversations()
    }

    /// Whether new conversations had better be opened elsewhere: one that lasts would share their fate, and one of many
    /// would wait for the others.
    pub(in super::super) fn is_engaged(&self) -> bool {
        self.health.is_held_up.load(Ordering::Relaxed)
            || self.routes.eldest() > Some(LASTING)
            || self.routes.unaccepted() >= CROWD
    }

    /// Opens a conversation with `port` in the pod. No answer is waited for: a failure comes with the first read.
    pub(in super::super) async fn open(&self, port: u16) -> io::Result<Conversation> {
        let mut opening = self.opening.lock().await;
        // Reserved first, so that numbers and the state of the headers change only with what is sent.
        let Ok(place) = timeout(ROOM_LIMIT, self.outgoing.reserve()).await else {
            // One whose answers nobody reads can block both directions; it keeps this connection for itself.
            self.health.retire();
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the connection to the pod is held up",
            ));
        };
        let place = place.map_err(|_| io::Error::from(io::ErrorKind::NotConnected))?;
        let pair = opening.pairs;
        let ids = Ids {
            error: pair * 4 + 1,
            data: pair * 4 + 3,
        };
        if ids.data >= LAST_STREAM {
            return Err(io::ErrorKind::NotConnected.into());
        }
        opening.pairs += 1;
        let (port, request) = (port.to_string(), pair.to_string());
        let headers = |kind| {
            [
                ("streamtype", kind),
                ("port", &*port),
                ("requestid", &*request),
            ]
        };
        let mut frames = BytesMut::new();
        frames.extend_from_slice(&opening.headers.open(ids.error, &headers("error")));
        frames.extend_from_slice(&opening.headers.open(ids.data, &headers("data")));
        // An end within the opening frame itself is refused by the kubelet.
        frames.extend_from_slice(&frame::data(ids.error, &[], true));

        let inbox = Arc::new(Inbox::new());
        if !self.routes.insert(ids, &inbox) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        place.send(Outgoing::Bytes(frames.freeze()));
        drop(opening);
        let over = over(&inbox, ids, self.routes.clone(), self.health.clone()).boxed();
        let is_proven = self.health.is_proven.load(Ordering::Relaxed);
        let read = Reader::of(&inbox);
        let write = Writer::new(ids, inbox, self.outgoing.clone(), self.routes.clone());
        Ok(Conversation {
            read: Box::new(read),
            write: Box::new(write),
            over,
            is_proven,
        })
    }
}

/// Resolves when the other side is done with a conversation, or has not even begun.
fn over(
    inbox: &Inbox,
    ids: Ids,
    routes: Arc<Routes>,
    health: Arc<Health>,
) -> impl Future<Output = io::Result<()>> + Send + 'static {
    let (replied, over) = (inbox.both_replied(), inbox.over());
    async move {
        let (mut over, mut replied) = (pin!(over), pin!(replied));
        loop {
            tokio::select! {
                result = &mut over => return result,
                result = timeout(REPLY_LIMIT, &mut replied) => match result {
                    Ok(()) => return over.await,
                    Err(_) if routes.may_be_accepted(ids, REPLY_LIMIT) => {}
                    Err(_) => break,
                },
            }
        }
        health.retire();
        let problem = "the host does not take it";
        Err(io::Error::new(io::ErrorKind::ConnectionRefused, problem))
    }
}

async fn stay_alive(
    routes: Arc<Routes>,
    health: Arc<Health>,
    outgoing: mpsc::WeakSender<Outgoing>,
    jumps: Jumps,
) -> io::Error {
    let mut id = 1;
    let ping = move || {
        id += 2;
        Outgoing::Bytes(frame::ping(id))
    };
    let is_unused = move || routes.close_unused(SPARE_LIMIT);
    health.watch(outgoing, jumps, ping, is_unused).await
}

async fn receive(
    mut receiver: Receiver,
    routes: Arc<Routes>,
    health: Arc<Health>,
    outgoing: mpsc::WeakSender<Outgoing>,
) -> io::Error {
    let mut decoder = Decoder::default();
    loop {
        match receiver.receive().await {
            Ok(Some(Received::Bytes { bytes, .. })) => decoder.push(bytes),
            Ok(Some(Received::Ping(payload))) => answer(&outgoing, Outgoing::Pong(payload)),
            Ok(Some(Received::Pong)) => {}
            Ok(None) => return io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the host"),
            Err(error) => return error,
        }
        health.heard_now();
        loop {
            match decoder.next() {
                Ok(Some(frame)) => dispatch(frame, &routes, &health, &outgoing).await,
                Ok(None) => break,
                Err(error) => return io::Error::new(io::ErrorKind::InvalidData, error),
            }
        }
    }
}

async fn dispatch(
    frame: Frame,
    routes: &Routes,
    health: &Health,
    outgoing: &mpsc::WeakSender<Outgoing>,
) {
    match frame {
        Frame::Data {
            stream,
            bytes,
            is_last,
        } => match routes.get(stream) {
            Some(Route::Error(inbox)) => {
                inbox.report(&bytes);
                if is_last && inbox.conclude() {
                    tracing::debug!("retiring the connection to the pod after a failure");
                    health.retire();
                }
            }
            Some(Route::Data(inbox)) => {
                health
                    .is_proven
                    .fetch_or(!bytes.is_empty(), Ordering::Relaxed);
                if !inbox.push(bytes) {
                    wait_for_room(&inbox, routes, health).await;
                }
                if is_last {
                    inbox.finish();
                    tokio::spawn(async move {
                        tokio::time::sleep(SETTLE_LIMIT).await;
                        inbox.settle();
                    });
                }
            }
            // Dropped on our side while this was under way.
            None => {}
        },
        Frame::Reply { stream } => {
            let is_abandoned = routes.accepted(stream);
            if let Some(outgoing) = outgoing.upgrade().filter(|_| is_abandoned) {
                reset(&outgoing, &[stream]);
            }
            if let Some(Route::Error(inbox) | Route::Data(inbox)) = routes.get(stream) {
                inbox.replied();
            }
        }
        Frame::Reset { stream } => {
            routes.was_reset(stream);
            if let Some(Route::Error(inbox) | Route::Data(inbox)) = routes.get(stream) {
                inbox.fail(
                    io::ErrorKind::ConnectionReset,
                    "the pod's side reset the connection",
                );
            }
        }
        // Ours come back with odd numbers and have done their work by coming.
        Frame::Ping { id } if id % 2 == 0 => answer(outgoing, Outgoing::Bytes(frame::ping(id))),
        Frame::GoAway => health.retire(),
        Frame::Ping { .. } => {}
    }
}

fn answer(outgoing: &mpsc::WeakSender<Outgoing>, with: Outgoing) {
    if let Some(outgoing) = outgoing.upgrade() {
        // Full means that plenty is being sent, which is a sign of life too.
        let _ = outgoing.try_send(with);
    }
}

async fn wait_for_room(inbox: &Inbox, routes: &Routes, health: &Health) {
    health.is_held_up.store(true, Ordering::Relaxed);
    while !inbox.has_room() {
        if timeout(STALL_LIMIT, inbox.taken()).await.is_err() && routes.conversations() > 1 {
            inbox.fail(
                io::ErrorKind::ConnectionAborted,
                "its reader stood still and held up other connections",
            );
        }
    }
    health.heard_now();
    health.is_held_up.store(false, Ordering::Relaxed);
}
