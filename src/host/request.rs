//! One request and its answer: sent, retried where that is safe, and read.

use std::error::Error as StdError;
use std::time::Duration;

use futures_util::AsyncBufRead;
use futures_util::stream::BoxStream;
use http::{Method, Request, header};
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::cause::{causes_of, distrust_of};
use super::{Call, Discovered, Host, HostError, resource};

/// How long an answer may take; watches are not bounded by it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How often one request is sent at most.
const ATTEMPTS: u32 = 5;
/// The longest that a host's `Retry-After` is honoured for one wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The answer forms of aggregated discovery: <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>.
///
/// Hosts before 1.30 know the beta alone. Plain JSON is offered so that one without either says so by what it answers.
const AGGREGATED_DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
    application/json";

/// A request that carries a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Server-side apply.
    Apply,
    /// JSON merge patch (RFC 7396).
    Merge,
    /// POST to the collection.
    Create,
    /// PUT to the object.
    Replace,
    /// DELETE with options.
    Delete,
}

impl Patch {
    fn method(self) -> Method {
        match self {
            Self::Apply | Self::Merge => Method::PATCH,
            Self::Create => Method::POST,
            Self::Replace => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Apply => "application/apply-patch+yaml",
            Self::Merge => "application/merge-patch+json",
            Self::Create | Self::Replace | Self::Delete => "application/json",
        }
    }
}

impl Host {
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        call: &Call,
    ) -> Result<T, HostError> {
        let build = || {
            Request::get(path)
                .header(header::ACCEPT, "application/json")
                .body(Vec::new())
        };
        self.exchange(&build, call).await
    }

    /// The namespaced kinds below `/api` or `/apis`.
    ///
    /// An answer of another form is a failure: taken as a list without kinds, every namespace would look empty.
    pub(super) async fn get_kinds(&self, path: &str) -> Result<Vec<Discovered>, HostError> {
        self.get_discovery(path, resource::namespaced_kinds).await
    }

    /// What the host says below `/api` or `/apis` of what it serves, read by `read`.
    pub(super) async fn get_discovery<T>(
        &self,
        path: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, HostError> {
        let call = Call::new("get", path);
        let build = || {
            Request::get(path)
                .header(header::ACCEPT, AGGREGATED_DISCOVERY)
                .body(Vec::new())
        };
        let list: Value = self.exchange(&build, &call).await?;
        read(&list).ok_or_else(|| HostError::Unexpected {
            call: Box::new(call),
            problem: "it does not tell its kinds".to_owned(),
        })
    }

    pub(super) async fn send_json<T: DeserializeOwned>(
        &self,
        kind: Patch,
        path: &str,
        body: &Value,
        call: &Call,
    ) -> Result<T, HostError> {
        let bytes = serde_json::to_vec(body).expect("a JSON value always serialises");
        let build = || {
            Request::builder()
                .method(kind.method())
                .uri(path)
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, kind.content_type())
                .body(bytes.clone())
        };
        self.exchange(&build, call).await
    }

    /// Sends until there is an answer that a repetition cannot change.
    ///
    /// Everything we send can be repeated: a create whose first answer was lost ends as `AlreadyExists`, which its
    /// callers treat as one that is theirs after looking.
    async fn exchange<T: DeserializeOwned>(
        &self,
        build: &(dyn Fn() -> http::Result<Request<Vec<u8>>> + Sync),
        call: &Call,
    ) -> Result<T, HostError> {
        let mut attempt = 1;
        loop {
            let request = build().map_err(|error| HostError::Unexpected {
                call: Box::new(call.clone()),
                problem: error.to_string(),
            })?;
            let error = match timeout(ANSWER_TIMEOUT, self.client.request_text(request)).await {
                Ok(Ok(text)) => return parse(&text, call),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unanswered(call)),
            };
            self.pause_or_fail(error, call, &mut attempt).await?;
        }
    }

    /// Opens a watch; retried like any request until the host answers it.
    pub(super) async fn open_watch<T: DeserializeOwned + Clone + Send + 'static>(
        &self,
        request: Request<Vec<u8>>,
        call: &Call,
    ) -> Result<BoxStream<'static, kube::Result<WatchEvent<T>>>, HostError> {
        let mut attempt = 1;
        loop {
            let error =
                match timeout(ANSWER_TIMEOUT, self.client.request_events(request.clone())).await {
                    Ok(Ok(events)) => return Ok(Box::pin(events)),
                    Ok(Err(error)) => error,
                    Err(_) => return Err(self.unanswered(call)),
                };
            self.pause_or_fail(error, call, &mut attempt).await?;
        }
    }

    /// Opens an answer that is read as it comes; retried like any request until the host answers it.
    pub(super) async fn open_bytes(
        &self,
        request: Request<Vec<u8>>,
        call: &Call,
    ) -> Result<Box<dyn AsyncBufRead + Send + Unpin>, HostError> {
        let mut attempt = 1;
        loop {
            let error =
                match timeout(ANSWER_TIMEOUT, self.client.request_stream(request.clone())).await {
                    Ok(Ok(bytes)) => return Ok(Box::new(Box::pin(bytes))),
                    Ok(Err(error)) => error,
                    Err(_) => return Err(self.unanswered(call)),
                };
            self.pause_or_fail(error, call, &mut attempt).await?;
        }
    }

    /// Waits before the next attempt, or gives the failure that another attempt would not change.
    async fn pause_or_fail(
        &self,
        error: kube::Error,
        call: &Call,
        attempt: &mut u32,
    ) -> Result<(), HostError> {
        let broken_off = is_broken_off(&error);
        let failure = self.failure(error, call);
        let Some(pause) = pause_before_retry(&failure, broken_off, *attempt) else {
            return Err(failure);
        };
        tracing::debug!(%call, attempt, ?pause, "asking again");
        sleep(pause).await;
        *attempt += 1;
        Ok(())
    }

    fn unanswered(&self, call: &Call) -> HostError {
        let cause = format!(
            "`{call}` was not answered within {} s",
            ANSWER_TIMEOUT.as_secs()
        );
        HostError::Unreachable {
            server: self.server.clone(),
            causes: vec![cause],
            distrust: None,
        }
    }

    /// Tells what kind of failure a client error is.
    pub(super) fn failure(&self, error: kube::Error, call: &Call) -> HostError {
        match error {
            kube::Error::Api(status) => HostError::Refused {
                call: Box::new(call.clone()),
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
                retry_after: status
                    .details
                    .as_ref()
                    .map(|details| details.retry_after_seconds)
                    .filter(|s| *s > 0),
            },
            kube::Error::SerdeError(error) => HostError::Unexpected {
                call: Box::new(call.clone()),
                problem: error.to_string(),
            },
            // A host that is renewed cannot be loaded.
            kube::Error::Service(error) if error.is::<HostError>() => *error
                .downcast::<HostError>()
                .expect("it was just seen to be one"),
            other => HostError::Unreachable {
                server: self.server.clone(),
                causes: causes_of(&other),
                distrust: distrust_of(&other),
            },
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str, call: &Call) -> Result<T, HostError> {
    serde_json::from_str(text).map_err(|error| HostError::Unexpected {
        call: Box::new(call.clone()),
        problem: error.to_string(),
    })
}

/// Percent-encodes a query value.
pub(super) fn escape(text: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    escaped
}

fn pause_before_retry(failure: &HostError, broken_off: bool, attempt: u32) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let growing = Duration::from_millis(100) * 2_u32.pow(attempt - 1);
    match failure {
        HostError::Refused {
            code: 429 | 503 | 504,
            retry_after,
            ..
        } => {
            let asked = retry_after.map(|seconds| Duration::from_secs(u64::from(seconds)));
            Some(asked.unwrap_or(growing).min(LONGEST_PAUSE))
        }
        HostError::Refused { code: 500, .. } => Some(growing),
        HostError::Unreachable { .. } if broken_off => Some(growing),
        _ => None,
    }
}

/// Whether the connection broke after it had been made: asking again makes a new one.
fn is_broken_off(error: &kube::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
        {
            return true;
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{
                BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof,
            };
            return matches!(
                error.kind(),
                ConnectionReset | BrokenPipe | UnexpectedEof | ConnectionAborted
            );
        }
        next = cause.source();
    }
    false
}
