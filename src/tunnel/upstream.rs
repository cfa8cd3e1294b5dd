//! The host as tunnels reach it: its client, fresh credentials when it refuses the old ones, the way it is spoken to.
//!
//! Owns which client is in use and when it is made anew. Where credentials come from is the caller's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kube::Client;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::clock::{Clock, Jumps};

/// For how long the way that a host was found to take is taken without trying better ones.
const WAY_LASTS: Duration = Duration::from_hours(1);

/// The same for the last resort, which costs every client a connection of its own.
const CHANNELS_LAST: Duration = Duration::from_mins(5);

/// The least time between two renewals: a host that refuses new credentials too will not take others right away.
const PAUSE: Duration = Duration::from_secs(3);

/// The same after a renewal that failed, which may have opened a browser.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

type Renewal = Box<dyn Fn() -> BoxFuture<'static, Result<Client, String>> + Send + Sync>;

/// A host, shared by all tunnels to it: what one of them learns, the others know.
#[derive(Clone)]
pub struct Upstream(Arc<Shared>);

struct Shared {
    reached: Mutex<Reached>,
    way: Mutex<Option<(Way, Instant)>>,
    clock: Clock,
    renewal: Option<Renewal>,
    /// Before when no credentials are fetched again.
    rest: AsyncMutex<Option<Instant>>,
}

/// How a host is asked for streams, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// SPDY in a WebSocket: one connection for many conversations.
    Tunnelled,
    /// SPDY: the same.
    Plain,
    /// Channels in a WebSocket: a connection each.
    Channels,
}

/// A client of the host, and which one it is.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) client: Client,
    generation: u64,
}

impl Upstream {
    /// A host whose client keeps its own credentials fresh, as far as it can.
    pub fn new(client: Client) -> Self {
        Self::with(client, None)
    }

    /// A host that is reached by another client once it refuses the credentials of this one.
    ///
    /// `renew` makes it, and its error is shown as it is: without secrets. It is called for all tunnels together, only
    /// while somebody uses one of them, and never twice at once.
    pub fn renewable(
        client: Client,
        renew: impl Fn() -> BoxFuture<'static, Result<Client, String>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(client, Some(Box::new(renew)))
    }

    fn with(client: Client, renewal: Option<Renewal>) -> Self {
        let reached = Reached {
            client,
            generation: 0,
        };
        Self(Arc::new(Shared {
            reached: Mutex::new(reached),
            way: Mutex::default(),
            clock: Clock::new(),
            renewal,
            rest: AsyncMutex::default(),
        }))
    }

    /// Uses another client from now on, such as when the kubeconfig has changed; what is open stays open.
    pub fn replace(&self, client: Client) {
        let mut reached = self.lock();
        *reached = Reached {
            client,
            generation: reached.generation + 1,
        };
    }

    /// The way that the host was found to take lately.
    pub(super) fn way(&self) -> Option<Way> {
        let way = *self.0.way.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |way| {
            if way == Way::Channels {
                CHANNELS_LAST
            } else {
                WAY_LASTS
            }
        };
        way.filter(|(way, since)| since.elapsed() < lasts(*way))
            .map(|(way, _)| way)
    }

    /// The host took this way.
    pub(super) fn remember(&self, way: Way) {
        if self.way() != Some(way) {
            *self.0.way.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((way, Instant::now()));
        }
    }

    /// The host took none.
    pub(super) fn forget_way(&self) {
        *self.0.way.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Tells when the machine has slept.
    pub(super) fn jumps(&self) -> Jumps {
        self.0.clock.jumps()
    }

    /// As if the machine had slept.
    #[cfg(test)]
    pub(super) fn jump(&self) {
        self.0.clock.jump();
    }

    /// What new requests are sent with.
    pub(super) fn reached(&self) -> Reached {
        self.lock().clone()
    }

    /// Fetches credentials because those of `refused` were; `Ok` once there is another client to try.
    pub(super) async fn renew(&self, refused: &Reached) -> Result<(), String> {
        let (upstream, generation) = (self.clone(), refused.generation);
        // In a task of its own: whoever waits may give up, and the answer counts for all.
        let renewed = tokio::spawn(async move { upstream.renew_from(generation).await });
        renewed.await.unwrap_or_else(|panic| Err(panic.to_string()))
    }

    async fn renew_from(&self, generation: u64) -> Result<(), String> {
        let Some(renew) = &self.0.renewal else {
            return Err("the host refuses the credentials".to_owned());
        };
        let mut rest = self.0.rest.lock().await;
        if self.lock().generation != generation {
            return Ok(());
        }
        if rest.is_some_and(|until| Instant::now() < until) {
            return Err("the host refuses the credentials, which were renewed just now".to_owned());
        }
        let result = renew().await;
        let pause = if result.is_ok() {
            PAUSE
        } else {
            PAUSE_AFTER_FAILURE
        };
        *rest = Some(Instant::now() + pause);
        let client = result.map_err(|error| {
            format!("the credentials of the host could not be renewed: {error}")
        })?;
        self.replace(client);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reached> {
        self.0
            .reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Client> for Upstream {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Upstream").finish_non_exhaustive()
    }
}
