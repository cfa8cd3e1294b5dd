//! Asking servers of charts: bounded in time and size, with redirects that never take a login to another server.

mod dial;
mod tls;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use self::dial::Connector;
pub(super) use self::dial::Proxies;
use super::address::{Address, Scheme};
use super::error::{Cause, FetchError};

/// How long an answer, or the next piece of one, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often something is tried that may be otherwise in a moment, and how long it is waited in between.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(300);
/// How many redirects are followed.
const REDIRECTS: usize = 10;
/// How much of a refusal is read, in bytes.
const REFUSAL: usize = 16 << 10;
/// What we call ourselves.
const AGENT: &str = concat!("vc/", env!("CARGO_PKG_VERSION"));

/// Files that say whom to trust, and who we are, beyond what the system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Certificates of more authorities.
    pub(super) authority: Option<PathBuf>,
    /// Our certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// The way to servers.
pub(super) struct Web {
    proxies: Proxies,
    tls: TlsFiles,
    /// Whether servers without TLS may be asked that are not this machine.
    plain_http: bool,
    /// Made when first needed: reading the system's certificates takes its time.
    client: OnceLock<Client<Connector, Full<Bytes>>>,
}

/// One thing to ask.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) address: Address,
    /// What kinds of answer are understood.
    pub(super) accept: &'static str,
    pub(super) authorization: Option<HeaderValue>,
    /// Further headers.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// A form to send.
    pub(super) form: Option<String>,
    /// How long the answer may be, in bytes.
    pub(super) limit: usize,
}

/// What a server said, be it yes or no.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Question {
    /// Asks for something, as nobody in particular.
    pub(super) fn new(address: Address, accept: &'static str, limit: usize) -> Self {
        Self {
            address,
            accept,
            authorization: None,
            headers: Vec::new(),
            form: None,
            limit,
        }
    }
}

impl Answer {
    /// The text of a header.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A refusal as an error: what was asked for and of whom, and whether they were told who we are.
    pub(super) fn to_refusal(
        &self,
        address: String,
        place: String,
        had_login: bool,
        is_registry: bool,
    ) -> FetchError {
        FetchError::Refused {
            address,
            place,
            status: self.status,
            source: is_registry.then(|| said(&self.body)).flatten(),
            had_login,
            is_registry,
        }
    }
}

impl Web {
    pub(super) fn new(proxies: Proxies, tls: TlsFiles, plain_http: bool) -> Self {
        Self {
            proxies,
            tls,
            plain_http,
            client: OnceLock::new(),
        }
    }

    /// The way to registries is without TLS only if that was asked for.
    pub(super) fn registry_scheme(&self) -> Scheme {
        if self.plain_http {
            Scheme::Http
        } else {
            Scheme::Https
        }
    }

    /// Asks, follows redirects, and asks once more where that may help. What is no yes is an answer, too.
    pub(super) async fn ask(&self, question: &Question) -> Result<Answer, FetchError> {
        for _ in 1..TRIES {
            let answer = self.ask_once(question).await;
            let is_passing = match &answer {
                Ok(answer) => is_passing(answer.status),
                Err(error) => error.is_passing(),
            };
            if !is_passing {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.ask_once(question).await
    }

    async fn ask_once(&self, question: &Question) -> Result<Answer, FetchError> {
        let mut step = question.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&step).await?;
            let Some(location) = location(&response) else {
                return self.read(response, &step).await;
            };
            let to = step.address.resolve(&location);
            let to = to.map_err(|error| redirect(question, error.to_string()))?;
            if to.scheme == Scheme::Oci || step.form.is_some() {
                return Err(redirect(
                    question,
                    "it is no place for a download".to_owned(),
                ));
            }
            if step.address.scheme == Scheme::Https && to.scheme == Scheme::Http {
                return Err(redirect(
                    question,
                    format!("`{to}` is not protected by TLS"),
                ));
            }
            if !to.is_same_origin(&step.address) {
                step.authorization = None;
            }
            step.address = to;
        }
        Err(FetchError::Redirects {
            address: question.address.to_string(),
        })
    }

    async fn send(&self, question: &Question) -> Result<Response<Incoming>, FetchError> {
        let address = &question.address;
        if address.scheme == Scheme::Http && !self.plain_http && !address.is_loopback() {
            return Err(FetchError::PlainHttp {
                address: address.to_string(),
            });
        }
        let request = to_request(question);
        tracing::debug!(%address, "asking");
        let client = self.client()?;
        match timeout(PATIENCE, client.request(request)).await {
            Ok(Ok(response)) => {
                tracing::debug!(%address, status = %response.status(), "answered");
                Ok(response)
            }
            Ok(Err(error)) => Err(self.unreachable(address, &error)),
            Err(_) => Err(silent(address)),
        }
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        question: &Question,
    ) -> Result<Answer, FetchError> {
        let address = &question.address;
        let (parts, mut incoming) = response.into_parts();
        let is_yes = parts.status.is_success();
        let limit = if is_yes { question.limit } else { REFUSAL };
        let mut body = Vec::new();
        while let Some(frame) = timeout(PATIENCE, incoming.frame())
            .await
            .map_err(|_| silent(address))?
        {
            let frame = match frame {
                Ok(frame) => frame,
                // What a server says of its refusal is not worth another failure.
                Err(_) if !is_yes => break,
                Err(error) => {
                    return Err(FetchError::CutOff {
                        address: address.to_string(),
                        source: Cause::innermost(&error),
                    });
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if body.len() + data.len() > limit {
                if !is_yes {
                    break;
                }
                return Err(FetchError::TooLarge {
                    address: address.to_string(),
                    limit: question.limit >> 20,
                });
            }
            body.extend_from_slice(&data);
        }
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    fn client(&self) -> Result<&Client<Connector, Full<Bytes>>, FetchError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let connector = dial::connector(self.proxies.clone(), tls::config(&self.tls)?);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(self.client.get_or_init(|| client))
    }

    fn unreachable(&self, address: &Address, error: &dyn std::error::Error) -> FetchError {
        let place = address.place();
        let source = Cause::innermost(error);
        match self.proxies.of(address) {
            Some(proxy) if !source.0.contains("certificate") => FetchError::Proxy {
                place,
                proxy,
                source,
            },
            _ => FetchError::Unreachable { place, source },
        }
    }
}

/// Whether a refusal may be none in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

fn to_request(question: &Question) -> Request<Full<Bytes>> {
    let uri = question
        .address
        .to_uri()
        .expect("an address was an URL when it was read");
    let method = if question.form.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let body = question.form.clone().unwrap_or_default();
    let mut request = Request::new(Full::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static(question.accept));
    if question.form.is_some() {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
    }
    if let Some(authorization) = &question.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    headers.extend(question.headers.iter().cloned());
    request
}

/// Where a redirect leads; `None` if it is none.
fn location(response: &Response<Incoming>) -> Option<String> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    location.to_str().ok().map(str::to_owned)
}

fn redirect(question: &Question, why: String) -> FetchError {
    FetchError::Redirect {
        address: question.address.to_string(),
        why,
    }
}

fn silent(address: &Address) -> FetchError {
    FetchError::Silent {
        place: address.place(),
        seconds: PATIENCE.as_secs(),
    }
}

/// What a registry says of a refusal: the first of `errors`, in one line without anything that moves a cursor.
fn said(body: &[u8]) -> Option<Cause> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = &body["errors"][0];
    let text = ["message", "code"]
        .iter()
        .find_map(|key| first[*key].as_str().filter(|text| !text.is_empty()))?;
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(200)
        .collect();
    Some(Cause(line))
}
