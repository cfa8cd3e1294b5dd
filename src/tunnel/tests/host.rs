//! A host of our own making: pods that change when told to, and port-forwarding to one service.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::TokioIo;
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::{Target, Tunnel, Upstream, bind};
use super::pod_side::{Faults, Protocol, serve_upgraded};

/// A host, until dropped.
pub(super) struct Host {
    address: SocketAddr,
    answers: Arc<Answers>,
    _tasks: JoinSet<()>,
}

/// What the host answers, and what it was asked.
pub(super) struct Answers {
    /// The pods; each change is an event of the watches.
    pub(super) pods: watch::Sender<Vec<Value>>,
    /// How many times port-forwarding was asked for.
    pub(super) upgrades: AtomicUsize,
    /// Refuses `SPDY/3.1+portforward.k8s.io`, as hosts before 1.31 do.
    pub(super) no_tunnelling: AtomicBool,
    /// Refuses `SPDY/3.1`, as some proxies do.
    pub(super) no_spdy: AtomicBool,
    /// What the next requests for streams are refused with, whatever they ask for.
    pub(super) refusals: Mutex<VecDeque<u16>>,
    /// Which ways of streams were asked for, in order.
    pub(super) ways: Mutex<Vec<&'static str>>,
    /// What goes wrong after an upgrade.
    pub(super) faults: Arc<Faults>,
    service: SocketAddr,
}

/// A pod as the API has it.
pub(super) fn pod(name: &str, is_ready: bool) -> Value {
    json!({
        "metadata": { "name": name, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "status": { "conditions": [{ "type": "Ready", "status": if is_ready { "True" } else { "False" } }] },
    })
}

impl Host {
    /// A host with the ready pod `a`. Port 80 of every pod leads to `service`.
    pub(super) async fn new(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Answers {
            pods: watch::Sender::new(vec![pod("a", true)]),
            upgrades: AtomicUsize::new(0),
            no_tunnelling: AtomicBool::new(false),
            no_spdy: AtomicBool::new(false),
            refusals: Mutex::default(),
            ways: Mutex::default(),
            faults: Arc::default(),
            service,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, answers.clone()));
        Self {
            address,
            answers,
            _tasks: tasks,
        }
    }

    /// A tunnel to port 80 of its pods, and the tunnel's local port.
    pub(super) async fn tunnel(&self) -> (u16, Tunnel) {
        self.tunnel_through(self.upstream()).await
    }

    /// The host as several tunnels may share it.
    pub(super) fn upstream(&self) -> Upstream {
        Upstream::new(client(self.address))
    }

    pub(super) async fn tunnel_through(&self, upstream: impl Into<Upstream>) -> (u16, Tunnel) {
        let (port, listeners) = bind(None).await.unwrap();
        let target = Target {
            namespace: "team".to_owned(),
            selector: "app=web".to_owned(),
            port: 80,
        };
        (port, Tunnel::open(upstream, target, listeners))
    }
}

fn client(address: SocketAddr) -> Client {
    let mut config = Config::new(format!("http://{address}").parse().unwrap());
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

impl Deref for Host {
    type Target = Answers;

    fn deref(&self) -> &Answers {
        &self.answers
    }
}

async fn serve(listener: TcpListener, answers: Arc<Answers>) {
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        connection.set_nodelay(true).unwrap();
        let answers = answers.clone();
        connections.spawn(async move {
            let answer = hyper::service::service_fn(move |request| {
                let answer = answers.answer(request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), answer)
                .with_upgrades()
                .await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Answers {
    fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        if request.uri().path().ends_with("/portforward") {
            return self.forward(request).map(BodyExt::boxed_unsync);
        }
        if !request
            .uri()
            .query()
            .unwrap_or_default()
            .contains("watch=true")
        {
            let list =
                json!({ "metadata": { "resourceVersion": "1" }, "items": *self.pods.borrow() });
            return Response::new(Full::from(list.to_string()).boxed_unsync());
        }
        let mut pods = self.pods.subscribe();
        // Told again, as nothing may be missed between the list and the watch.
        pods.mark_changed();
        let events = futures_util::stream::unfold(pods, |mut pods| async move {
            pods.changed().await.ok()?;
            let pods_now = pods.borrow_and_update().clone();
            let event = |pod| format!("{}\n", json!({ "type": "MODIFIED", "object": pod }));
            let events: String = pods_now.into_iter().map(event).collect();
            Some((Ok(Frame::data(Bytes::from(events))), pods))
        });
        Response::new(StreamBody::new(events.boxed()).boxed_unsync())
    }

    fn forward(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.upgrades.fetch_add(1, Ordering::SeqCst);
        let asks_for = |name: &str| {
            request
                .headers()
                .get("sec-websocket-protocol")
                .is_some_and(|had| had == name)
        };
        let way = match request.headers().get("upgrade") {
            Some(upgrade) if upgrade == "SPDY/3.1" => "plain",
            _ if asks_for("SPDY/3.1+portforward.k8s.io") => "tunnelled",
            _ => "channels",
        };
        self.ways.lock().unwrap().push(way);
        if let Some(status) = self.refusals.lock().unwrap().pop_front() {
            return Response::builder()
                .status(status)
                .body(Full::default())
                .unwrap();
        }
        let Some((protocol, response)) = negotiate(request.headers(), request.uri().query(), self)
        else {
            let message =
                r#"{"kind":"Status","status":"Failure","message":"unable to upgrade","code":400}"#;
            let refusal = Response::builder()
                .status(400)
                .header("content-type", "application/json");
            return refusal.body(Full::from(message)).unwrap();
        };
        let (service, faults) = (self.service, self.faults.clone());
        let dial = move |port| async move {
            if port == 80 {
                TcpStream::connect(service).await
            } else {
                Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "connection refused",
                ))
            }
        };
        tokio::spawn(async move {
            if let Ok(io) = hyper::upgrade::on(request).await {
                serve_upgraded(TokioIo::new(io), protocol, dial, faults).await;
            }
        });
        response.body(Full::default()).unwrap()
    }
}

/// What the client asks for and how it is told that it has it; `None` if it asks for nothing known.
fn negotiate(
    headers: &HeaderMap,
    query: Option<&str>,
    host: &Answers,
) -> Option<(Protocol, http::response::Builder)> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let upgrade = header("upgrade")?;
    let switching = Response::builder()
        .status(101)
        .header("connection", "Upgrade")
        .header("upgrade", upgrade);
    if upgrade.eq_ignore_ascii_case("SPDY/3.1") {
        let streams = "x-stream-protocol-version";
        let protocol = header(streams).filter(|_| !host.no_spdy.load(Ordering::SeqCst))?;
        return Some((Protocol::Spdy, switching.header(streams, protocol)));
    }
    let (protocol, name) = header("sec-websocket-protocol")?
        .split(',')
        .map(str::trim)
        .find_map(|name| match name {
            "SPDY/3.1+portforward.k8s.io" if !host.no_tunnelling.load(Ordering::SeqCst) => {
                Some((Protocol::SpdyInWebSocket, name))
            }
            "v4.channel.k8s.io" => {
                let ports = query?
                    .split('&')
                    .filter_map(|pair| pair.strip_prefix("ports="));
                // The separator may come percent-encoded.
                let ports = ports
                    .flat_map(|all| all.split([',', '%']))
                    .map(|port| port.trim_start_matches("2C"));
                Some((
                    Protocol::Channels(ports.filter_map(|port| port.parse().ok()).collect()),
                    name,
                ))
            }
            _ => None,
        })?;
    let accept = derive_accept_key(header("sec-websocket-key")?.as_bytes());
    Some((
        protocol,
        switching
            .header("sec-websocket-accept", accept)
            .header("sec-websocket-protocol", name),
    ))
}
