//! The host as tunnels reach it: its client, the way it was found to be spoken to, and the clock of this machine.
//!
//! Credentials are the client's own affair: see [`crate::host::Host::renewing`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;

use super::clock::{Clock, Jumps};

/// For how long the way that a host was found to take is taken without trying better ones.
const WAY_LASTS: Duration = Duration::from_hours(1);

/// The same for the last resort, which costs every client a connection of its own.
const CHANNELS_LAST: Duration = Duration::from_mins(5);

/// A host, shared by all tunnels to it: what one of them learns, the others know.
#[derive(Clone)]
pub struct Upstream(Arc<Shared>);

struct Shared {
    client: Client,
    way: Mutex<Option<(Way, Instant)>>,
    clock: Clock,
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

impl Upstream {
    /// The host of `client`.
    pub fn new(client: Client) -> Self {
        Self(Arc::new(Shared {
            client,
            way: Mutex::default(),
            clock: Clock::new(),
        }))
    }

    /// What requests are sent with.
    pub(super) fn client(&self) -> &Client {
        &self.0.client
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
