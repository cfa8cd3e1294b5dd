//! Turns a request to the host into a connection for streams, in each of the three ways that hosts know.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::cause::chain;
use super::transport::Transport;
use super::websocket;

/// The way of SPDY through a WebSocket, which proxies between us and the host are likelier to let pass.
const TUNNELLING: &str = "SPDY/3.1+portforward.k8s.io";

/// The way of SPDY by itself, which every host knows.
const PLAIN: &str = "SPDY/3.1";

/// The old way: a connection for each port, with two channels.
const CHANNELS: &str = "v4.channel.k8s.io";

/// What is spoken over SPDY.
const STREAMS: &str = "portforward.k8s.io";

/// How long an explanation may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(2);

/// Why the host did not switch to streams.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    /// It answered something else.
    #[error("the host answered {status} to port-forwarding{}", message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The answer.
        status: StatusCode,
        /// What the host said about it.
        message: Option<String>,
    },
    /// It switched to something that was not asked for.
    #[error("the host switched to another protocol than `{0}`")]
    Protocol(&'static str),
    /// It did not answer.
    #[error("{}", chain(.0.as_ref()))]
    Request(#[from] Box<kube::Error>),
    /// It broke off.
    #[error(transparent)]
    Upgrade(#[from] hyper::Error),
}

impl UpgradeError {
    /// Whether the credentials were refused.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether the user may not do this.
    pub(super) fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether another way may succeed where this one failed.
    pub(super) fn is_about_the_way(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                !matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
            }
            Self::Protocol(_) | Self::Upgrade(_) => true,
            Self::Request(_) => false,
        }
    }
}

/// Asks for SPDY in a WebSocket.
pub(super) async fn tunnelled(client: &Client, path: &str) -> Result<Transport, UpgradeError> {
    web_socket(client, path, TUNNELLING).await
}

/// Asks for SPDY.
pub(super) async fn plain(client: &Client, path: &str) -> Result<Transport, UpgradeError> {
    let request = request(Method::POST, path)
        .header(header::UPGRADE, PLAIN)
        .header("X-Stream-Protocol-Version", STREAMS);
    let response = switch(client, request).await?;
    let upgrade = response.headers().get(header::UPGRADE);
    if upgrade.is_none_or(|upgrade| !upgrade.as_bytes().eq_ignore_ascii_case(PLAIN.as_bytes())) {
        return Err(UpgradeError::Protocol(PLAIN));
    }
    Ok(Transport::plain(hyper::upgrade::on(response).await?))
}

/// Asks for the channels of one port.
pub(super) async fn channels(
    client: &Client,
    path: &str,
    port: u16,
) -> Result<Transport, UpgradeError> {
    web_socket(client, &format!("{path}?ports={port}"), CHANNELS).await
}

async fn web_socket(
    client: &Client,
    path: &str,
    protocol: &'static str,
) -> Result<Transport, UpgradeError> {
    let key = websocket::generate_key();
    let request = request(Method::GET, path)
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    let response = switch(client, request).await?;
    let headers = response.headers();
    let is = |name, value: &str| headers.get(name).is_some_and(|had| had == value);
    let is_agreed = is(header::SEC_WEBSOCKET_ACCEPT, &websocket::answer_to(&key))
        && is(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    if !is_agreed {
        return Err(UpgradeError::Protocol(protocol));
    }
    Ok(Transport::web_socket(hyper::upgrade::on(response).await?))
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONNECTION, "Upgrade")
}

async fn switch(
    client: &Client,
    request: http::request::Builder,
) -> Result<Response<Body>, UpgradeError> {
    let request = request
        .body(Body::empty())
        .map_err(|error| Box::new(kube::Error::HttpError(error)))?;
    let response = client.send(request).await.map_err(Box::new)?;
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    Err(UpgradeError::Refused {
        status,
        message: explanation(response).await,
    })
}

/// What the host said about a refusal, if it said it soon.
async fn explanation(response: Response<Body>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    let body = timeout(BODY_LIMIT, response.into_body().collect_bytes())
        .await
        .ok()?
        .ok()?;
    serde_json::from_slice(&body)
        .ok()
        .map(|status: Status| status.message)
}
