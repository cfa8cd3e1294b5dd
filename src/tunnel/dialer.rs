//! Opens connections to a port of a pod, in the best way the host offers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Fuse};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::Target;
use super::cause::chain;
use super::join::Conversation;
use super::pods::PodRef;
use super::spdy::Session;
use super::upgrade::{self, UpgradeError};
use super::upstream::Upstream;

/// How long the host may take to switch a connection to port-forwarding.
const UPGRADE_LIMIT: Duration = Duration::from_secs(5);

/// Connects to one port of whichever pod is asked for.
pub(super) struct Dialer {
    upstream: Upstream,
    namespace: String,
    port: u16,
    state: Mutex<State>,
    doubt: Arc<Notify>,
}

/// How the host is spoken to, best first. A way that it refused is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// One connection for all, in a WebSocket.
    Tunnelled,
    /// One connection for all.
    Plain,
    /// A connection each, in kube's own implementation.
    Channels,
}

struct State {
    way: Way,
    session: Option<(PodRef, Session)>,
}

impl Dialer {
    /// `doubt` is told when a pod that should be there cannot be reached.
    pub(super) fn new(upstream: Upstream, target: &Target, doubt: Arc<Notify>) -> Self {
        let state = Mutex::new(State {
            way: Way::Tunnelled,
            session: None,
        });
        Self {
            upstream,
            namespace: target.namespace.clone(),
            port: target.port,
            state,
            doubt,
        }
    }

    /// Connects to `pod` ahead of need.
    pub(super) async fn prepare(&self, pod: &PodRef) {
        if let Err(error) = self.session(&mut *self.state.lock().await, pod).await {
            tracing::debug!(pod = pod.name, %error, "not connected ahead of need");
        }
    }

    /// Opens one connection to the port in `pod`.
    pub(super) async fn dial(&self, pod: &PodRef) -> io::Result<Conversation> {
        // Whoever comes while a session is being made waits for it here, instead of making another.
        let mut state = self.state.lock().await;
        let session = self.session(&mut state, pod).await.map_err(|error| {
            self.doubt.notify_one();
            io::Error::other(error)
        })?;
        if let Some(session) = session {
            return session.open(self.port).await;
        }
        drop(state);
        let dialed = self.dial_channels(pod).await;
        dialed.map_err(|error| io::Error::other(chain(&error)))
    }

    /// The session with `pod`, made if need be; `None` if the host has no way of sharing one.
    async fn session<'a>(
        &self,
        state: &'a mut State,
        pod: &PodRef,
    ) -> Result<Option<&'a Session>, DialError> {
        // Conversations with an earlier pod go on without it.
        state
            .session
            .take_if(|(of, session)| of != pod || !session.is_usable());
        if state.session.is_none() && state.way != Way::Channels {
            state.session = self
                .connect(&mut state.way, pod)
                .await?
                .map(|session| (pod.clone(), session));
        }
        Ok(state.session.as_ref().map(|(_, session)| session))
    }

    async fn connect(&self, way: &mut Way, pod: &PodRef) -> Result<Option<Session>, DialError> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/portforward",
            self.namespace, pod.name
        );
        let mut was_renewed = false;
        loop {
            let reached = self.upstream.reached();
            let (next, result) = match way {
                Way::Tunnelled => (
                    Way::Plain,
                    timeout(UPGRADE_LIMIT, upgrade::tunnelled(&reached.client, &path)).await,
                ),
                Way::Plain => (
                    Way::Channels,
                    timeout(UPGRADE_LIMIT, upgrade::plain(&reached.client, &path)).await,
                ),
                Way::Channels => return Ok(None),
            };
            match result.map_err(|_| DialError::TimedOut)? {
                Ok(transport) => return Ok(Some(Session::over(transport))),
                Err(error) if error.is_about_the_way() => {
                    tracing::debug!(way = ?way, %error, "refused, trying another way");
                    *way = next;
                }
                Err(error) if error.is_unauthorized() && !was_renewed => {
                    was_renewed = true;
                    self.upstream
                        .renew(&reached)
                        .await
                        .map_err(DialError::Unauthorized)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn dial_channels(&self, pod: &PodRef) -> Result<Conversation, kube::Error> {
        let pods: Api<Pod> = Api::namespaced(self.upstream.reached().client, &self.namespace);
        let forwarder = pods.portforward(&pod.name, &[self.port]).await?;
        let io = ChannelStream::new(forwarder, self.port);
        // This protocol cannot close one direction: the end of reading is the end of everything.
        let over = std::future::ready(Ok(())).boxed();
        Ok(Conversation {
            io: Box::new(io),
            over,
            is_proven: false,
        })
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    #[error("{0}")]
    Unauthorized(String),
    #[error("the host did not answer within {} s", UPGRADE_LIMIT.as_secs())]
    TimedOut,
}

/// How long an answer may take after the client has closed its half.
const LINGER: Duration = Duration::from_secs(1);

/// One connection over kube's own port-forward, with its message on failure as an error of reading.
struct ChannelStream {
    io: DuplexStream,
    failure: Fuse<BoxFuture<'static, Option<String>>>,
    closing: Option<Pin<Box<tokio::time::Sleep>>>,
    forwarder: Portforwarder,
}

impl ChannelStream {
    fn new(mut forwarder: Portforwarder, port: u16) -> Self {
        let io = forwarder
            .take_stream(port)
            .expect("a port asked for has one stream");
        let failure = forwarder
            .take_error(port)
            .expect("a port asked for has one error");
        Self {
            io,
            failure: failure.boxed().fuse(),
            closing: None,
            forwarder,
        }
    }
}

impl Drop for ChannelStream {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl AsyncRead for ChannelStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(match ready!(self.failure.poll_unpin(context)) {
            Some(message) => Err(failure(&message)),
            None => Ok(()),
        })
    }
}

impl AsyncWrite for ChannelStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // kube answers a closed half by closing both: give the pod's answer time to arrive first.
        let closing = self
            .closing
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        ready!(closing.poll_unpin(context));
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// What the pod's side reported, as an error of the matching kind.
pub(super) fn failure(message: &str) -> io::Error {
    let kind = if message.to_ascii_lowercase().contains("connection refused") {
        io::ErrorKind::ConnectionRefused
    } else {
        io::ErrorKind::ConnectionReset
    };
    io::Error::new(kind, message.trim().to_owned())
}
