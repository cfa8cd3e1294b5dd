//! Streams into pods: the answer to the upgrade, and which virtual API server a pod's port leads to.

use std::{io, sync::Arc};

use http::{HeaderName, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    Shared, kinds,
    request::{Request, Target},
    status::Failure,
    store::Key,
    watch::Body,
};
use crate::support::pod_side::{self, Protocol};

/// Where a control plane serves inside its pod.
const API_PORT: u16 = 8443;
const TUNNELLED_SPDY: &str = "SPDY/3.1+portforward.k8s.io";
const CHANNELS: &str = "v4.channel.k8s.io";

impl Shared {
    /// Answers a port-forward request; the streams live on in a task of their own.
    pub(super) fn forward(
        self: &Arc<Self>,
        target: &Target,
        request: &Request,
        incoming: http::Request<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let release = self.release_behind(target)?;
        let (protocol, response) = switch(request)?;
        let cluster = (target.namespace.clone(), release);
        let shared = self.clone();
        tokio::spawn(async move {
            let Ok(upgraded) = hyper::upgrade::on(incoming).await else {
                return;
            };
            let faults = shared.pod_faults.clone();
            let dial = move |port| shared.clone().dial(cluster.clone(), port);
            pod_side::serve_upgraded(TokioIo::new(upgraded), protocol, dial, faults).await;
        });
        Ok(response)
    }

    /// The release that a running pod belongs to.
    fn release_behind(&self, target: &Target) -> Result<String, Failure> {
        let pods = kinds::by_path("", "v1", "pods").expect("pods are known");
        let key = Key::new(pods, &target.namespace, &target.name);
        let state = self.state.lock().expect("no request panics");
        let pod = state
            .store
            .get(&key)
            .ok_or_else(|| Failure::not_found(pods, &target.name))?;
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        if phase != "Running" {
            let message = format!(
                "unable to forward port because pod is not running. Current status={phase}"
            );
            return Err(Failure::bad_request(message));
        }
        Ok(pod["metadata"]["labels"]["release"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Leads everything that comes to a listener to the API server of a control plane, while it has one.
    pub(super) async fn lead_to(self: Arc<Self>, cluster: (String, String), listener: TcpListener) {
        while let Ok((mut client, _)) = listener.accept().await {
            let (shared, cluster) = (self.clone(), cluster.clone());
            tokio::spawn(async move {
                if let Ok(mut server) = shared.dial(cluster, API_PORT).await {
                    tokio::io::copy_bidirectional(&mut client, &mut server)
                        .await
                        .ok();
                }
            });
        }
    }

    async fn dial(self: Arc<Self>, cluster: (String, String), port: u16) -> io::Result<TcpStream> {
        let pki = {
            let state = self.state.lock().expect("no request panics");
            state.controllers.control_planes.get(&cluster).cloned()
        };
        let Some(pki) = pki.filter(|_| port == API_PORT) else {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                "connect: connection refused",
            ));
        };
        let mut servers = self.virtual_servers.lock().await;
        let address = match servers.get(&cluster) {
            Some((of, address)) if Arc::ptr_eq(of, &pki) => *address,
            _ => {
                let address = super::start(Self::new(pki.clone())).await?;
                servers.insert(cluster, (pki, address));
                address
            }
        };
        drop(servers);
        TcpStream::connect(address).await
    }
}

/// The protocol that the client and we both speak, and the answer that begins it.
fn switch(request: &Request) -> Result<(Protocol, Response<Body>), Failure> {
    let upgrade = request.header(header::UPGRADE);
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, upgrade);
    let offered = request.header(header::SEC_WEBSOCKET_PROTOCOL);
    let offers = |protocol: &str| offered.split(',').any(|offer| offer.trim() == protocol);
    let (protocol, response) = if upgrade.eq_ignore_ascii_case("SPDY/3.1") {
        let streams = HeaderName::from_static("x-stream-protocol-version");
        (
            Protocol::Spdy,
            response.header(streams, "portforward.k8s.io"),
        )
    } else if offers(TUNNELLED_SPDY) || offers(CHANNELS) {
        let key = request.header(header::SEC_WEBSOCKET_KEY);
        let (protocol, name) = if offers(TUNNELLED_SPDY) {
            (Protocol::SpdyInWebSocket, TUNNELLED_SPDY)
        } else {
            let ports = request
                .parameter("ports")
                .split(',')
                .filter_map(|port| port.parse().ok());
            (Protocol::Channels(ports.collect()), CHANNELS)
        };
        let response = response
            .header(header::SEC_WEBSOCKET_PROTOCOL, name)
            .header(
                header::SEC_WEBSOCKET_ACCEPT,
                derive_accept_key(key.as_bytes()),
            );
        (protocol, response)
    } else {
        return Err(Failure::bad_request(
            "unable to upgrade: unknown protocol for port forwarding",
        ));
    };
    let body = Empty::<Bytes>::new()
        .map_err(|never| match never {})
        .boxed_unsync();
    Ok((
        protocol,
        response
            .body(body)
            .expect("headers that the client sent or we wrote"),
    ))
}
