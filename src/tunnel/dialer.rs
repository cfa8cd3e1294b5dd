//! Opens conversations with a port of a pod, over as few connections as do not get in each other's way.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::timeout;

use super::Target;
use super::channels;
use super::clock::Jumps;
use super::join::Conversation;
use super::pod::PodRef;
use super::spdy::Session;
use super::transport::Transport;
use super::upgrade::{self, UpgradeError};
use super::upstream::{Upstream, Way};

/// How long the host may take to switch a connection to streams.
const UPGRADE_LIMIT: Duration = Duration::from_secs(5);

/// The most connections to one pod that conversations are spread over.
const MOST_SESSIONS: usize = 8;

/// Connects to one port of whichever pod is asked for.
pub(super) struct Dialer {
    upstream: Upstream,
    namespace: String,
    port: u16,
    sessions: Mutex<Sessions>,
    connecting: AsyncMutex<()>,
    doubt: Arc<Notify>,
}

/// The connections to one pod.
#[derive(Default)]
struct Sessions {
    pod: Option<PodRef>,
    all: Vec<Arc<Session>>,
}

/// A connection to a pod that was just made.
enum Connection {
    /// One for many conversations.
    Session(Arc<Session>),
    /// One for a single conversation.
    Channels(Transport, Jumps),
}

impl Dialer {
    /// `doubt` is told when a pod that should be there cannot be reached.
    pub(super) fn new(upstream: Upstream, target: &Target, doubt: Arc<Notify>) -> Self {
        Self {
            upstream,
            namespace: target.namespace.clone(),
            port: target.port,
            sessions: Mutex::default(),
            connecting: AsyncMutex::default(),
            doubt,
        }
    }

    /// Connects to `pod` ahead of need.
    pub(super) async fn prepare(&self, pod: &PodRef) {
        let _connecting = self.connecting.lock().await;
        if self.sessions().choose(pod).is_some() || self.upstream.way() == Some(Way::Channels) {
            return;
        }
        if let Err(error) = self.connect(pod, false).await {
            tracing::debug!(pod = pod.name, %error, "not connected ahead of need");
        }
    }

    /// Opens one connection to the port in `pod`.
    pub(super) async fn dial(&self, pod: &PodRef) -> io::Result<Conversation> {
        let chosen = self.sessions().choose(pod);
        let session = match chosen {
            Some(session) => session,
            None => match self.connect_once(pod).await? {
                Connection::Session(session) => session,
                Connection::Channels(transport, jumps) => {
                    return Ok(channels::converse(transport, jumps));
                }
            },
        };
        session.open(self.port).await
    }

    /// Makes a connection, unless one to be shared is made while this waits for its turn.
    async fn connect_once(&self, pod: &PodRef) -> io::Result<Connection> {
        let connected = if self.upstream.way() == Some(Way::Channels) {
            self.connect(pod, true).await
        } else {
            let _connecting = self.connecting.lock().await;
            let chosen = self.sessions().choose(pod);
            match chosen {
                Some(session) => return Ok(Connection::Session(session)),
                None => self.connect(pod, true).await,
            }
        };
        connected.map_err(|error| {
            self.doubt.notify_one();
            let kind = if error.is_final() {
                io::ErrorKind::PermissionDenied
            } else {
                io::ErrorKind::Other
            };
            io::Error::new(kind, error)
        })
    }

    async fn connect(&self, pod: &PodRef, is_needed: bool) -> Result<Connection, DialError> {
        let attempt = timeout(UPGRADE_LIMIT, self.upgrade(pod, is_needed));
        let (way, transport) = attempt.await.map_err(|_| DialError::TimedOut)??;
        self.upstream.remember(way);
        let jumps = self.upstream.jumps();
        if way == Way::Channels {
            return Ok(Connection::Channels(transport, jumps));
        }
        let session = Arc::new(Session::over(transport, jumps));
        self.sessions().add(pod, &session);
        Ok(Connection::Session(session))
    }

    /// Switches a connection to streams in the way that the host was found to take, or in the best that it takes.
    async fn upgrade(&self, pod: &PodRef, is_needed: bool) -> Result<(Way, Transport), DialError> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/portforward",
            self.namespace, pod.name
        );
        let mut way = self.upstream.way().unwrap_or(Way::Tunnelled);
        let mut first_refusal = None;
        let client = self.upstream.client();
        loop {
            let result = match way {
                Way::Tunnelled => upgrade::tunnelled(client, &path).await,
                Way::Plain => upgrade::plain(client, &path).await,
                // What would be made is for a client that is not there.
                Way::Channels if !is_needed => return Err(DialError::OnlyChannels),
                Way::Channels => upgrade::channels(client, &path, self.port).await,
            };
            match result {
                Ok(transport) => return Ok((way, transport)),
                Err(error) if error.is_about_the_way() => {
                    tracing::debug!(?way, %error, "refused");
                    let first = first_refusal.get_or_insert(error);
                    way = match way {
                        Way::Tunnelled => Way::Plain,
                        Way::Plain => Way::Channels,
                        Way::Channels => {
                            // A host that takes none of them now may take the best of them later.
                            self.upstream.forget_way();
                            let is_forbidden = first.is_forbidden();
                            let message = first.to_string();
                            return Err(DialError::Refused {
                                message,
                                is_forbidden,
                            });
                        }
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    /// The session for one more conversation with `pod`; `None` if there should be another one.
    ///
    /// Conversations that last keep to themselves as far as there is room: a reader that stands still holds up all
    /// that it shares a session with.
    fn choose(&mut self, pod: &PodRef) -> Option<Arc<Session>> {
        if self.pod.as_ref() != Some(pod) {
            // Conversations with an earlier pod go on without us.
            *self = Self {
                pod: Some(pod.clone()),
                all: Vec::new(),
            };
        }
        self.all.retain(|session| session.is_usable());
        let least = self
            .all
            .iter()
            .min_by_key(|session| (session.is_engaged(), session.conversations()))?;
        let is_full = self.all.len() >= MOST_SESSIONS;
        (is_full || !least.is_engaged()).then(|| least.clone())
    }

    fn add(&mut self, pod: &PodRef, session: &Arc<Session>) {
        if self.pod.as_ref() == Some(pod) {
            self.all.push(session.clone());
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    #[error("{message}")]
    Refused { message: String, is_forbidden: bool },
    #[error("the host knows no way of sharing a connection")]
    OnlyChannels,
    #[error("the host did not answer within {} s", UPGRADE_LIMIT.as_secs())]
    TimedOut,
}

impl DialError {
    /// Whether the same request would be refused again.
    fn is_final(&self) -> bool {
        match self {
            Self::Upgrade(error) => error.is_unauthorized(),
            Self::Refused { is_forbidden, .. } => *is_forbidden,
            Self::OnlyChannels | Self::TimedOut => false,
        }
    }
}
