//! An HTTP client for a host, as kube makes one but for how it treats the connection below.
//!
//! kube's own leaves Nagle's algorithm on, which holds back every small message until the one before it was
//! acknowledged: 40 ms for each, where a tunnel carries many conversations over one connection.

use std::time::Duration;

use http::{Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{ClientBuilder, ConfigExt};
use kube::{Client, Config, Result};
use tower::ServiceBuilder;
use tower_http::decompression::DecompressionLayer;

/// After how much silence the system asks whether the other side is still there, how often, and how many times.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

/// How long a connection waits for the next request. A machine that slept meanwhile would not know that it is dead.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// A client for the host of `config`. Sends nothing yet.
pub(super) fn client(config: Config) -> Result<Client> {
    if config.proxy_url.is_some() {
        // kube knows all kinds of proxies; what passes through one is not our connection to tune.
        return Client::try_from(config);
    }
    let namespace = config.default_namespace.clone();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .map_request(|request: Request<_>| {
            // Never its headers, which hold the credentials.
            tracing::debug!(method = %request.method(), uri = %request.uri(), "requesting");
            request
        })
        .map_response(|response: Response<_>| {
            tracing::debug!(status = response.status().as_u16(), "answered");
            response
        })
        .service(
            HttpClient::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_LIMIT)
                .build(connector(&config)?),
        );
    Ok(ClientBuilder::new(service, namespace).build())
}

fn connector(config: &Config) -> Result<TimeoutConnector<HttpsConnector<HttpConnector>>> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    connector.set_keepalive_retries(Some(KEEPALIVE_PROBES));
    let mut connector =
        TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    Ok(connector)
}
