//! The wire: TLS connections on loopback, who is calling, and the way from a request to its answer.

use std::{convert::Infallible, io, sync::Arc};

use http::{HeaderName, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    Shared,
    calls::Call,
    discovery, logs,
    request::{Request, Target},
    script::Fault,
    status::Failure,
    verbs,
    watch::{self, Body},
};

/// Serves until the runtime ends.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let acceptor = TlsAcceptor::from(shared.pki.server_config());
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(shared.clone(), acceptor.clone(), stream));
    }
}

/// Serves one connection that is already open.
async fn connection(shared: Arc<Shared>, acceptor: TlsAcceptor, stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let has_certificate = has_certificate(&stream);
    let service = service_fn(move |request| answer(shared.clone(), has_certificate, request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.with_upgrades().await.ok();
}

fn has_certificate(stream: &TlsStream<TcpStream>) -> bool {
    stream
        .get_ref()
        .1
        .peer_certificates()
        .is_some_and(|chain| !chain.is_empty())
}

/// An error here makes hyper drop the connection without an answer.
async fn answer(
    shared: Arc<Shared>,
    has_certificate: bool,
    mut incoming: http::Request<Incoming>,
) -> io::Result<Response<Body>> {
    let body = incoming
        .body_mut()
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    let request = Request::new(incoming.method(), incoming.uri(), incoming.headers(), &body);
    let (number, fault) = record(&shared, &request);
    match &fault {
        Some(Fault::Reset) => return Err(io::Error::other("reset by the script of the test")),
        Some(Fault::Hang) => {
            shared.script.until_cleared().await;
            return Err(io::Error::other(
                "never answered, by the script of the test",
            ));
        }
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let is_lost = fault == Some(Fault::LoseAnswer);
    let scripted = match fault {
        Some(Fault::Status(code)) => Some(Failure::scripted(code, None)),
        Some(Fault::Refuse(code, ref words)) => Some(Failure::refused(code, words)),
        Some(Fault::RetryAfter(code, seconds)) => Some(Failure::scripted(code, Some(seconds))),
        _ => None,
    };
    let response = match scripted {
        Some(failure) => refusal(&failure),
        None => match respond(&shared, has_certificate, &request, incoming, fault) {
            Ok(response) => response,
            Err(failure) => refusal(&failure),
        },
    };
    shared.calls.lock().expect("no request panics").all[number].answer = response.status().as_u16();
    if is_lost {
        return Err(io::Error::other(
            "the answer is lost by the script of the test",
        ));
    }
    Ok(response)
}

fn record(shared: &Shared, request: &Request) -> (usize, Option<Fault>) {
    let call = Call {
        verb: request.verb(),
        path: request.path.clone(),
        query: request.query.clone(),
        body: request.body.clone(),
        answer: 0,
    };
    let fault = shared.script.fault_of(&call);
    let mut calls = shared.calls.lock().expect("no request panics");
    calls.all.push(call);
    (calls.all.len() - 1, fault)
}

fn respond(
    shared: &Arc<Shared>,
    has_certificate: bool,
    request: &Request,
    incoming: http::Request<Incoming>,
    fault: Option<Fault>,
) -> Result<Response<Body>, Failure> {
    let token = request
        .header(header::AUTHORIZATION)
        .strip_prefix("Bearer ");
    if !has_certificate && token != Some(&shared.token) {
        return Err(Failure::unauthorized());
    }
    if matches!(request.path.as_str(), "/healthz" | "/readyz" | "/livez") {
        return Ok(text(StatusCode::OK, "ok"));
    }
    let accept = request.header(header::ACCEPT);
    if let Some(found) = discovery::answer(&request.path, accept, &shared.version()) {
        return Ok(discovered(accept, &found));
    }
    let target = Target::parse(&request.path)?;
    let verb = match request.verb() {
        "apply" => "patch",
        "forward" => "create",
        verb => verb,
    };
    if shared
        .script
        .is_forbidden(verb, &target.resource(), &target.namespace)
    {
        let user = super::USER;
        return Err(Failure::forbidden(
            user,
            verb,
            target.kind,
            &target.namespace,
            &target.name,
        ));
    }
    match (
        request.verb(),
        target.kind.plural,
        target.subresource.as_str(),
    ) {
        ("watch", ..) => {
            let body = watch::open(shared, request, &target, fault)?;
            Ok(Response::builder()
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
                .expect("fixed headers"))
        }
        ("forward", ..) => shared.forward(&target, request, incoming),
        ("create", "selfsubjectaccessreviews", _) => {
            Ok(json_response(201, &review(shared, request)))
        }
        // What ended is told at once; the log of what runs has a place of its own.
        ("get", "pods", "log")
            if request.parameter("previous") == "true" && !shared.log().is_empty() =>
        {
            Ok(text(StatusCode::OK, &shared.log()))
        }
        ("create", "selfsubjectrulesreviews", _) => Ok(json_response(201, &rules(shared, request))),
        ("get", "pods", "log") => logs::open(shared, request, &target),
        _ => shared
            .change(|store| verbs::answer(store, request, &target))
            .map(|(code, body)| json_response(code, &body)),
    }
}

fn review(shared: &Shared, request: &Request) -> Value {
    let asked = &request.body["spec"]["resourceAttributes"];
    let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
    let mut resource = text("resource");
    if !text("subresource").is_empty() {
        resource = format!("{resource}/{}", text("subresource"));
    }
    let is_allowed = !shared
        .script
        .is_forbidden(&text("verb"), &resource, &text("namespace"));
    let mut review = request.body.clone();
    review["status"] = json!({ "allowed": is_allowed });
    review
}

/// All is allowed, unless something is forbidden: then no rule says what, and each right has to be asked for.
fn rules(shared: &Shared, request: &Request) -> Value {
    let all = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    let has_refusals = shared.script.has_refusals();
    let mut review = request.body.clone();
    review["status"] = json!({
        "resourceRules": if has_refusals { json!([]) } else { all },
        "nonResourceRules": [],
        "incomplete": has_refusals,
    });
    review
}

fn discovered(accept: &str, found: &Value) -> Response<Body> {
    let mut response = json_response(200, found);
    if accept.contains("APIGroupDiscoveryList") && found["kind"] == "APIGroupDiscoveryList" {
        let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media.parse().expect("a fixed header"));
    }
    response
}

fn refusal(failure: &Failure) -> Response<Body> {
    let mut response = json_response(failure.code, &failure.to_status());
    if let Some(seconds) = failure.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn json_response(code: u16, body: &Value) -> Response<Body> {
    let code = StatusCode::from_u16(code).expect("a status code");
    with_body(
        code,
        header::HeaderValue::from_static("application/json"),
        body.to_string(),
    )
}

fn text(code: StatusCode, body: &str) -> Response<Body> {
    with_body(
        code,
        header::HeaderValue::from_static("text/plain; charset=utf-8"),
        body.to_owned(),
    )
}

fn with_body(code: StatusCode, media: header::HeaderValue, body: String) -> Response<Body> {
    let body = Full::from(body)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response.headers_mut().insert(
        HeaderName::from_static("audit-id"),
        header::HeaderValue::from_static("0"),
    );
    response
}
