//! Connections to servers, through the proxy that the environment names for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use super::super::address::Address;
use crate::process::Process;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What requests go over.
pub(super) type Connector = HttpsConnector<Dial>;

/// Which proxy leads to which server: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not.
#[derive(Clone)]
pub(in crate::chart) struct Proxies(Arc<Matcher>);

impl Proxies {
    /// Those of the environment.
    pub(in crate::chart) fn of_process(process: &Process) -> Self {
        let said = |name: &str| {
            let small = name.to_ascii_lowercase();
            let said = process.variable(name).or_else(|| process.variable(&small));
            said.and_then(|said| said.to_str())
                .unwrap_or_default()
                .to_owned()
        };
        let matcher = Matcher::builder()
            .all(said("ALL_PROXY"))
            .http(said("HTTP_PROXY"))
            .https(said("HTTPS_PROXY"))
            .no(said("NO_PROXY"));
        Self(Arc::new(matcher.build()))
    }

    /// The proxy that leads to an address, without its user.
    pub(super) fn of(&self, address: &Address) -> Option<String> {
        let proxy = self.intercept(&address.to_uri().ok()?)?;
        Some(proxy.uri().to_string().trim_end_matches('/').to_owned())
    }

    /// A proxy would take this machine for itself.
    fn intercept(&self, to: &Uri) -> Option<Intercept> {
        let is_here = Address::parse(&to.to_string()).is_ok_and(|address| address.is_loopback());
        if is_here { None } else { self.0.intercept(to) }
    }
}

/// A connector for what these proxies lead to.
pub(super) fn connector(proxies: Proxies, tls: ClientConfig) -> Connector {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_connect_timeout(Some(CONNECT_TIMEOUT));
    HttpsConnector::from((Dial { direct, proxies }, tls))
}

/// Makes connections, each directly or through its proxy.
#[derive(Clone)]
pub(super) struct Dial {
    direct: HttpConnector,
    proxies: Proxies,
}

type Connection = TokioIo<TcpStream>;

impl Service<Uri> for Dial {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(BoxError::from)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.intercept(&to) else {
            let connecting = self.direct.call(to);
            return Box::pin(async { connecting.await.map_err(BoxError::from) });
        };
        let (at, direct) = (proxy.uri().clone(), self.direct.clone());
        match at.scheme_str() {
            Some("http") => {
                let mut tunnel = Tunnel::new(at, direct);
                if let Some(user) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(user.clone());
                }
                let connecting = tunnel.call(with_port(to));
                Box::pin(async { connecting.await.map_err(BoxError::from) })
            }
            Some("socks5" | "socks5h") => {
                let is_local = at.scheme_str() == Some("socks5");
                let mut socks = SocksV5::new(at, direct).local_dns(is_local);
                if let Some((user, password)) = proxy.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                let connecting = socks.call(with_port(to));
                Box::pin(async { connecting.await.map_err(BoxError::from) })
            }
            other => {
                let other = other.unwrap_or_default().to_owned();
                Box::pin(async move {
                    Err(BoxError::from(format!(
                        "a proxy that speaks `{other}` cannot be used; `http` and `socks5` can"
                    )))
                })
            }
        }
    }
}

/// Proxies are told a port: a tunnel would take that of TLS for one without.
fn with_port(to: Uri) -> Uri {
    if to.port().is_some() || to.scheme_str() != Some("http") {
        return to;
    }
    let host = to.host().unwrap_or_default().to_owned();
    let built = Uri::builder()
        .scheme("http")
        .authority(format!("{host}:80"))
        .path_and_query("/")
        .build();
    built.unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let environment = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Proxies::of_process(&Process {
            environment: environment.collect(),
            ..Process::current()
        })
    }

    #[test]
    fn the_environment_says_which_proxy_leads_where() {
        let some = proxies(&[
            ("HTTPS_PROXY", "http://me:secret@proxy.example:3128"),
            ("no_proxy", "inside.example,10.0.0.0/8"),
        ]);
        let of = |to: &str| some.of(&Address::parse(to).unwrap());
        assert_eq!(
            of("https://charts.example").as_deref(),
            Some("http://proxy.example:3128")
        );
        assert_eq!(
            of("oci://charts.example/a").as_deref(),
            Some("http://proxy.example:3128")
        );
        for direct in [
            "https://inside.example",
            "https://a.inside.example",
            "https://10.1.2.3",
            "https://127.0.0.1:5000",
            "https://localhost",
            "http://charts.example",
        ] {
            assert_eq!(of(direct), None, "{direct}");
        }
        assert_eq!(
            proxies(&[]).of(&Address::parse("https://a.example").unwrap()),
            None
        );
    }

    #[test]
    fn a_tunnel_to_a_server_without_tls_has_its_port() {
        let port = |to: &str| with_port(to.parse().unwrap()).port_u16();
        assert_eq!(port("http://a.example/x"), Some(80));
        assert_eq!(port("http://a.example:8080/x"), Some(8080));
        assert_eq!(port("https://a.example/x"), None);
    }
}
