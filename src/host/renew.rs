//! A host whose client is made when it is first needed, and again when its credentials are no longer good.
//!
//! For a process that outlives tokens, certificates and the kubeconfig they came from. Whoever holds the [`Host`], or a
//! client of it, notices nothing of a renewal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use tokio::sync::Mutex;

use super::{Host, HostError};

/// So long before they expire, credentials count as expired.
const AHEAD: SignedDuration = SignedDuration::from_secs(30);

/// Where a host's credentials come from.
pub trait Source: Send + Sync + 'static {
    /// Something that changes when what the host is made from changes.
    fn stamp(&self) -> u64;

    /// The host with credentials as they are now.
    fn load(&self) -> BoxFuture<'static, Result<Host, HostError>>;
}

/// The least time between two loads because of a refusal: a host that refuses new credentials too will not take others
/// right away, and a credential plugin may open a browser.
const REST: Duration = Duration::from_secs(5);

struct Renewing {
    source: Box<dyn Source>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    loaded: Option<Loaded>,
    /// When it was last loaded because of a refusal.
    refused: Option<Instant>,
}

/// One client, and what it was made from.
#[derive(Clone)]
struct Loaded {
    client: kube::Client,
    stamp: u64,
    /// Tells it from an earlier one.
    number: u64,
}

impl Host {
    /// A host that is reached by whatever `source` gives at the time. Nothing is loaded before the first request.
    pub fn renewing(context: &str, server: &str, source: impl Source) -> Self {
        let renewing = Arc::new(Renewing {
            source: Box::new(source),
            held: Mutex::default(),
        });
        let service = tower::service_fn(move |request: Request<Body>| {
            let renewing = renewing.clone();
            async move { renewing.send(request).await }
        });
        Self {
            client: kube::Client::new(service, "default"),
            context: context.to_owned(),
            server: server.to_owned(),
            namespace: None,
        }
    }
}

impl Renewing {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
        let (parts, body) = request.into_parts();
        // What we send is short, and has to be sent again after a renewal.
        let body = body.collect_bytes().await?;
        let again =
            |parts: http::request::Parts| Request::from_parts(parts, Body::from(body.clone()));
        let loaded = self.loaded(None).await?;
        match loaded.client.send(again(parts.clone())).await {
            Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
                tracing::info!("the host refused the credentials; loading them anew");
            }
            // A plugin that failed may do better in the environment of a later command.
            Err(kube::Error::Auth(_)) => {}
            other => return other,
        }
        let renewed = self.loaded(Some(loaded.number)).await?;
        renewed.client.send(again(parts)).await
    }

    /// The client of now; if it may be, another one than that with the `refused` number.
    async fn loaded(&self, refused: Option<u64>) -> Result<Loaded, kube::Error> {
        // Whoever comes while it is being loaded waits for it here, instead of loading it too.
        let mut held = self.held.lock().await;
        let stamp = self.source.stamp();
        let is_refused = |loaded: &Loaded| refused == Some(loaded.number);
        if let Some(loaded) = &held.loaded
            && loaded.stamp == stamp
            && !is_expired(&loaded.client)
        {
            let rests = held.refused.is_some_and(|then| then.elapsed() < REST);
            if !is_refused(loaded) || rests {
                return Ok(loaded.clone());
            }
            held.refused = Some(Instant::now());
        }
        let number = held.loaded.as_ref().map_or(0, |loaded| loaded.number + 1);
        let host = match (self.source.load().await, &held.loaded) {
            (Ok(host), _) => host,
            // A kubeconfig may be half written just now.
            (Err(error), Some(loaded)) if !is_refused(loaded) => {
                tracing::warn!(%error, "going on with the credentials from before");
                return Ok(loaded.clone());
            }
            (Err(error), _) => return Err(kube::Error::Service(Box::new(error))),
        };
        let loaded = Loaded {
            client: host.client,
            stamp,
            number,
        };
        Ok(held.loaded.insert(loaded).clone())
    }
}

fn is_expired(client: &kube::Client) -> bool {
    client
        .valid_until()
        .as_ref()
        .is_some_and(|until| until.as_second() <= (Timestamp::now() + AHEAD).as_second())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Gives hosts whose credentials are the number of the load, and one of which is good.
    #[derive(Clone)]
    struct Logins {
        good: u64,
        stamp: Arc<AtomicU64>,
        loads: Arc<AtomicU64>,
    }

    impl Source for Logins {
        fn stamp(&self) -> u64 {
            self.stamp.load(Ordering::Relaxed)
        }

        fn load(&self) -> BoxFuture<'static, Result<Host, HostError>> {
            let number = self.loads.fetch_add(1, Ordering::Relaxed) + 1;
            let code = if number >= self.good { 200 } else { 401 };
            let service = tower::service_fn(move |_: Request<Body>| async move {
                let answer = Response::builder().status(code);
                answer.body(Body::from(br#"{"gitVersion":"v1.36.3"}"#.to_vec()))
            });
            let host = Host {
                client: kube::Client::new(service, "default"),
                context: String::new(),
                server: String::new(),
                namespace: None,
            };
            Box::pin(async move { Ok(host) })
        }
    }

    fn logins(good: u64) -> (Logins, Host) {
        let logins = Logins {
            good,
            stamp: Arc::default(),
            loads: Arc::default(),
        };
        let host = Host::renewing("host", "https://host", logins.clone());
        (logins, host)
    }

    #[tokio::test]
    async fn credentials_are_loaded_when_needed_and_anew_when_they_changed() {
        let (logins, host) = logins(1);
        assert_eq!(logins.loads.load(Ordering::Relaxed), 0);
        for (stamp, loads) in [(0, 1), (0, 1), (1, 2), (1, 2)] {
            logins.stamp.store(stamp, Ordering::Relaxed);
            host.fetch_version().await.unwrap();
            assert_eq!(logins.loads.load(Ordering::Relaxed), loads);
        }
    }

    #[tokio::test]
    async fn a_refusal_is_not_seen_by_who_asks_if_new_credentials_are_good() {
        let (logins, host) = logins(2);
        assert_eq!(host.fetch_version().await.unwrap().git_version, "v1.36.3");
        assert_eq!(logins.loads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_host_that_refuses_everything_is_not_asked_over_and_over() {
        let (logins, host) = logins(99);
        for _ in 0..3 {
            assert!(host.fetch_version().await.is_err());
        }
        assert_eq!(logins.loads.load(Ordering::Relaxed), 2);
    }
}
