//! Turns a request to the host into a connection for SPDY, plain or wrapped in a WebSocket.

use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use http::{Method, Request, Response, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tokio_util::bytes::{Bytes, BytesMut};

use super::cause::chain;

/// The way of SPDY through a WebSocket, which proxies between us and the host are likelier to let pass.
const TUNNELLING: &str = "SPDY/3.1+portforward.k8s.io";

/// The way of SPDY by itself, which every host knows.
const PLAIN: &str = "SPDY/3.1";

/// What is spoken over either.
const STREAMS: &str = "portforward.k8s.io";

const CHUNK: usize = 64 * 1024;

/// How long an explanation may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(2);

/// Both halves of a connection for SPDY.
pub(super) type Transport = (Receiver, Sender);

type Io = TokioIo<Upgraded>;

/// Why the host did not switch to SPDY.
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
        matches!(
            self,
            Self::Refused {
                status: StatusCode::UNAUTHORIZED,
                ..
            }
        )
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
    let key = generate_key();
    let request = request(Method::GET, path)
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, TUNNELLING);
    let response = switch(client, request).await?;
    let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    let protocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    if accept.is_none_or(|accept| accept != derive_accept_key(key.as_bytes()).as_str())
        || protocol.is_none_or(|protocol| protocol != TUNNELLING)
    {
        return Err(UpgradeError::Protocol(TUNNELLING));
    }
    let io = TokioIo::new(hyper::upgrade::on(response).await?);
    Ok(web_socket(io).await)
}

/// Asks for SPDY.
pub(super) async fn plain(client: &Client, path: &str) -> Result<Transport, UpgradeError> {
    let request = request(Method::POST, path)
        .header(header::UPGRADE, PLAIN)
        .header("X-Stream-Protocol-Version", STREAMS);
    let response = switch(client, request).await?;
    let io = TokioIo::new(hyper::upgrade::on(response).await?);
    Ok(bytes(io))
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

fn bytes(io: Io) -> Transport {
    let (read, write) = tokio::io::split(io);
    (Receiver::Bytes(read, BytesMut::new()), Sender::Bytes(write))
}

async fn web_socket(io: Io) -> Transport {
    // Frames are put together before they come here: waiting for more of them would only add delay.
    let config = WebSocketConfig::default().write_buffer_size(0);
    let (sink, stream) = WebSocketStream::from_raw_socket(io, Role::Client, Some(config))
        .await
        .split();
    (Receiver::Messages(stream), Sender::Messages(sink))
}

/// The half that comes from the host.
pub(super) enum Receiver {
    /// SPDY by itself.
    Bytes(ReadHalf<Io>, BytesMut),
    /// SPDY in messages; where one ends has no meaning.
    Messages(SplitStream<WebSocketStream<Io>>),
}

impl Receiver {
    /// Some more bytes, or `None` at the end.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Bytes(read, buffer) => {
                buffer.reserve(CHUNK);
                let length = read.read_buf(buffer).await?;
                Ok((length > 0).then(|| buffer.split().freeze()))
            }
            Self::Messages(messages) => loop {
                match messages.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes)),
                    Some(Ok(Message::Close(_))) | None => return Ok(None),
                    // Pings are answered by the library.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(web_socket_error(error)),
                }
            },
        }
    }
}

/// The half that goes to the host.
pub(super) enum Sender {
    /// SPDY by itself.
    Bytes(WriteHalf<Io>),
    /// SPDY in messages.
    Messages(SplitSink<WebSocketStream<Io>, Message>),
}

impl Sender {
    /// Sends whole frames.
    pub(super) async fn send(&mut self, frames: Bytes) -> io::Result<()> {
        match self {
            Self::Bytes(write) => {
                write.write_all(&frames).await?;
                write.flush().await
            }
            Self::Messages(messages) => messages
                .send(Message::Binary(frames))
                .await
                .map_err(web_socket_error),
        }
    }

    /// Says that nothing more will come.
    pub(super) async fn close(&mut self) {
        // The other side learns of it either way.
        let _ = match self {
            Self::Bytes(write) => write.shutdown().await,
            Self::Messages(messages) => messages.close().await.map_err(web_socket_error),
        };
    }
}

fn web_socket_error(error: WebSocketError) -> io::Error {
    match error {
        WebSocketError::Io(error) => error,
        error => io::Error::other(error),
    }
}
