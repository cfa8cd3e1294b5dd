//! The wire: connections on loopback, who is asking, and the way from a request to its answer.

use std::{fmt::Write as _, io, sync::Arc};

use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Reply, Shared, TOKEN, Tokens,
    content::{digest, hex},
};

pub(super) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, acceptor) = (shared.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => connection(shared, stream).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        connection(shared, stream).await;
                    }
                }
            }
        });
    }
}

async fn connection(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let service = service_fn(move |request| answer(shared.clone(), request));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    served.await.ok();
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let form = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = parts.uri.path().to_owned();
    let login = login(&parts.headers);
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let mut call = format!("{} {}", parts.method, parts.uri);
    if host.is_some_and(|host| host.starts_with("localhost")) {
        call.push_str(" at localhost");
    }
    if let Some(login) = &login {
        write!(call, " as {login}").expect("memory takes any length");
    }
    if !form.is_empty() {
        write!(call, " with {}", String::from_utf8_lossy(&form)).expect("memory takes any length");
    }
    let number = {
        let mut calls = shared.calls.lock().expect("no request panics");
        calls.push(call);
        calls.len() - 1
    };
    let reply = shared.reply(&path, host.unwrap_or_default(), login.as_deref(), &form);
    let response = match reply {
        Reply::Reset => return Err(io::Error::other("reset by the script of the test")),
        Reply::Silence => std::future::pending().await,
        reply => shared.response(reply, &parts.headers),
    };
    // What was asked may have been looked at meanwhile.
    if let Some(call) = shared
        .calls
        .lock()
        .expect("no request panics")
        .get_mut(number)
    {
        write!(call, " -> {}", response.status().as_u16()).expect("memory takes any length");
    }
    Ok(response)
}

/// Who asks: `basic USER:PASSWORD` or `bearer TOKEN`.
fn login(headers: &HeaderMap) -> Option<String> {
    use base64::Engine;
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(token) = said.strip_prefix("Bearer ") {
        return Some(format!("bearer {token}"));
    }
    let packed = said.strip_prefix("Basic ")?;
    let plain = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .ok()?;
    Some(format!("basic {}", String::from_utf8_lossy(&plain)))
}

impl Shared {
    fn reply(&self, path: &str, host: &str, login: Option<&str>, form: &[u8]) -> Reply {
        let tokens = self.tokens.lock().expect("no request panics").clone();
        if path == "/token" {
            return token(&tokens, login, form);
        }
        let refused = |body: &str| Reply::Refusal(401, body.to_owned());
        if path.starts_with("/v2/")
            && tokens != Tokens::None
            && login != Some(&format!("bearer {TOKEN}"))
        {
            return refused(&format!("token {host}"));
        }
        let readers = self.readers.lock().expect("no request panics").clone();
        if let Some((user, password)) = readers
            && login != Some(&format!("basic {user}:{password}"))
        {
            return refused("basic");
        }
        let files = self.files.lock().expect("no request panics");
        files
            .get(path)
            .cloned()
            .unwrap_or_else(|| Reply::Refusal(404, String::new()))
    }

    fn response(&self, reply: Reply, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(whole(Vec::new()));
        let headers = response.headers_mut();
        match reply {
            Reply::File(bytes) | Reply::Kind(_, bytes) if self.is_known(&bytes, asked) => {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
            }
            Reply::File(bytes) => {
                if *self.has_states.lock().expect("no request panics") {
                    headers.insert(header::ETAG, state(&bytes).parse().expect("digits"));
                }
                *response.body_mut() = whole(bytes);
            }
            Reply::Packed(bytes) => {
                headers.insert(
                    header::CONTENT_ENCODING,
                    "gzip".parse().expect("a fixed header"),
                );
                *response.body_mut() = whole(bytes);
            }
            Reply::Kind(kind, bytes) => {
                headers.insert(header::CONTENT_TYPE, kind.parse().expect("a fixed header"));
                headers.insert(
                    "docker-content-digest",
                    digest(&bytes).parse().expect("digits"),
                );
                *response.body_mut() = whole(bytes);
            }
            Reply::Refusal(code, said) => {
                let challenge = match said.split_once(' ') {
                    Some(("token", host)) if code == 401 => Some(format!(
                        "Bearer realm=\"https://{host}/token\",service=\"registry.test\",scope=\"repository:x:pull\""
                    )),
                    _ => (code == 401).then(|| "Basic realm=\"charts\"".to_owned()),
                };
                if let Some(challenge) = challenge {
                    headers.insert(
                        header::WWW_AUTHENTICATE,
                        challenge.parse().expect("plain text"),
                    );
                }
                *response.status_mut() = StatusCode::from_u16(code).expect("a status");
                let body = json!({ "errors": [{ "code": "NO", "message": said }] });
                *response.body_mut() = whole(body.to_string().into_bytes());
            }
            Reply::Redirect(to) => {
                headers.insert(header::LOCATION, to.parse().expect("an address"));
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            }
            Reply::Half(bytes) => {
                headers.insert(header::CONTENT_LENGTH, bytes.len().into());
                let half = Bytes::copy_from_slice(&bytes[..bytes.len() / 2]);
                let first = futures_util::stream::iter([Ok(Frame::data(half))]);
                let end = futures_util::stream::once(async {
                    // What is there is sent before the end.
                    tokio::task::yield_now().await;
                    Err(io::Error::other("cut off by the test"))
                });
                let stream = futures_util::StreamExt::chain(first, end);
                *response.body_mut() = StreamBody::new(stream).boxed_unsync();
            }
            Reply::Endless => {
                let piece = Bytes::from(vec![b'#'; 1 << 20]);
                let stream =
                    futures_util::stream::repeat_with(move || Ok(Frame::data(piece.clone())));
                *response.body_mut() = StreamBody::new(stream).boxed_unsync();
            }
            Reply::Reset | Reply::Silence => unreachable!("they are no answers"),
        }
        response
    }

    fn is_known(&self, bytes: &[u8], asked: &HeaderMap) -> bool {
        let state = state(bytes);
        *self.has_states.lock().expect("no request panics")
            && asked
                .get(header::IF_NONE_MATCH)
                .is_some_and(|known| *known == *state)
    }
}

fn token(tokens: &Tokens, login: Option<&str>, form: &[u8]) -> Reply {
    let is_known = match tokens {
        Tokens::None | Tokens::Anybody => true,
        Tokens::User(user, password) => {
            let form = String::from_utf8_lossy(form);
            login == Some(&format!("basic {user}:{password}"))
                || form.contains(&format!("refresh_token={password}"))
        }
    };
    if is_known {
        Reply::File(json!({ "token": TOKEN }).to_string().into_bytes())
    } else {
        Reply::Refusal(401, "nobody of that name".to_owned())
    }
}

fn state(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex(bytes)[..8])
}

fn whole(bytes: Vec<u8>) -> Body {
    Full::from(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
