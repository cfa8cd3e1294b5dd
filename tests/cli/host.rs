//! The API server in memory itself, asked by a plain client: the rules of Kubernetes that the other tests stand on.

use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use kube::{
    Client, Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use crate::support::{
    api_server::{ApiServer, Fault, Nth, PodFate, Scope},
    cluster::running,
    sandbox::Sandbox,
};

/// A client of the server that asks one thing at a time.
struct Asker {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Asker {
    fn new(server: &ApiServer) -> Self {
        // A second test in this process finds it installed already.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime for the client");
        let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig()).expect("a valid kubeconfig");
        let client = runtime.block_on(async {
            let config =
                Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            let mut config = config.expect("a complete kubeconfig");
            config.default_retry = false;
            Client::try_from(config).expect("a client")
        });
        Self { client, runtime }
    }

    fn ask(&self, method: Method, path: &str, media: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media)
            .body(Body::from(body))
            .expect("a valid request");
        self.runtime.block_on(async {
            let response = self.client.send(request).await.expect("an answer");
            let status = response.status();
            let bytes = response
                .into_body()
                .collect()
                .await
                .expect("a whole answer")
                .to_bytes();
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }

    fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, "application/json", &Value::Null)
    }

    fn create(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, "application/json", body)
    }

    fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::DELETE, path, "application/json", &Value::Null)
    }

    fn apply(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::PATCH, path, "application/apply-patch+yaml", body)
    }

    /// The events of a watch that ends by its own time-out: type and name.
    fn watch(&self, path: &str) -> Vec<(String, String)> {
        let request = Request::get(path)
            .body(Body::empty())
            .expect("a valid request");
        let text = self.runtime.block_on(async {
            let response = self.client.send(request).await.expect("an answer");
            response
                .into_body()
                .collect()
                .await
                .expect("a whole answer")
                .to_bytes()
        });
        let event = |line: &[u8]| {
            let event: Value = serde_json::from_slice(line).expect("one event a line");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&event["type"]),
                text(&event["object"]["metadata"]["name"]),
            )
        };
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(event)
            .collect()
    }
}

fn config_map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "labels": { "tier": value } }, "data": { "value": value },
    })
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[test]
fn refusals_are_worded_as_kubernetes_words_them() {
    let server = ApiServer::start();
    server.forbid("list", "pods", Scope::Cluster);
    server.forbid("get", "secrets", Scope::Namespace("default".to_owned()));
    let asker = Asker::new(&server);
    let said = |(status, answer): (StatusCode, Value)| {
        assert_eq!(answer["code"], status.as_u16());
        format!(
            "{} {}: {}",
            status.as_u16(),
            answer["reason"].as_str().unwrap_or_default(),
            answer["message"].as_str().unwrap_or_default()
        )
    };
    asker.create(MAPS, &config_map("one", "a"));
    asker.apply(
        &format!("{MAPS}/one?fieldManager=x"),
        &config_map("one", "b"),
    );
    let answers = [
        said(asker.get("/apis/apps/v1/namespaces/default/statefulsets/dev")),
        said(asker.get("/apis/example.com/v1/things")),
        said(asker.create(MAPS, &config_map("one", "a"))),
        said(asker.create(
            "/api/v1/namespaces/nowhere/configmaps",
            &config_map("one", "a"),
        )),
        said(asker.create(MAPS, &config_map("One", "a"))),
        said(asker.get("/api/v1/pods")),
        said(asker.get("/api/v1/namespaces/default/secrets/one")),
        said(asker.ask(
            Method::PUT,
            &format!("{MAPS}/one"),
            "application/json",
            &json!({ "metadata": { "name": "one", "resourceVersion": "1" } }),
        )),
        said(asker.apply(
            &format!("{MAPS}/one?fieldManager=y"),
            &config_map("one", "c"),
        )),
    ];
    insta::assert_snapshot!(answers.join("\n"));
}

#[test]
fn lists_select_and_page() {
    let server = ApiServer::start();
    let asker = Asker::new(&server);
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "z"), ("e", "x")] {
        asker.create(MAPS, &config_map(name, tier));
    }
    let names = |answer: &Value| -> Vec<String> {
        let items = answer["items"].as_array().expect("a list").iter();
        items
            .map(|item| {
                item["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    };
    let selected = |query: &str| names(&asker.get(&format!("{MAPS}?{query}")).1);
    assert_eq!(selected("labelSelector=tier%3Dx"), ["a", "c", "e"]);
    assert_eq!(selected("labelSelector=tier%20in%20(y,z)"), ["b", "d"]);
    assert_eq!(selected("labelSelector=tier,tier!%3Dx"), ["b", "d"]);
    assert_eq!(selected("fieldSelector=metadata.name%3Dd"), ["d"]);
    let (_, page) = asker.get(&format!("{MAPS}?limit=2&labelSelector=tier%3Dx"));
    assert_eq!(names(&page), ["a", "c"]);
    let token = page["metadata"]["continue"]
        .as_str()
        .expect("more pages")
        .to_owned();
    let rest = format!(
        "{MAPS}?limit=2&labelSelector=tier%3Dx&continue={}",
        token.replace('=', "%3D")
    );
    assert_eq!(names(&asker.get(&rest).1), ["e"]);
    server.forget_history();
    assert_eq!(asker.get(&rest).0, StatusCode::GONE);
}

#[test]
fn a_watch_tells_what_happened_since() {
    let server = ApiServer::start();
    let asker = Asker::new(&server);
    asker.create(MAPS, &config_map("one", "a"));
    let version = asker.get(MAPS).1["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    asker.create(MAPS, &config_map("two", "a"));
    asker.apply(
        &format!("{MAPS}/one?fieldManager=x"),
        &config_map("one", "b"),
    );
    asker.delete(&format!("{MAPS}/two"));
    let watch = |query: &str| {
        let events = asker.watch(&format!("{MAPS}?watch=1&timeoutSeconds=0&{query}"));
        events
            .iter()
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        watch(&format!("resourceVersion={version}")),
        ["ADDED two", "MODIFIED one", "DELETED two"]
    );
    assert_eq!(
        watch(&format!("resourceVersion={version}&labelSelector=tier%3Da")),
        ["ADDED two", "DELETED one", "DELETED two"]
    );
    assert_eq!(watch("fieldSelector=metadata.name%3Done"), ["ADDED one"]);
    assert_eq!(
        watch(
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%3Done"
        ),
        ["ADDED one", "BOOKMARK "]
    );
    server.forget_history();
    assert_eq!(watch(&format!("resourceVersion={version}")), ["ERROR "]);
}

#[test]
fn faults_hit_the_request_that_is_meant() {
    let server = ApiServer::start();
    server.fault(
        "get */configmaps/one",
        Nth::Only(2),
        Fault::RetryAfter(429, 7),
    );
    server.fault("create *", Nth::Every, Fault::Status(500));
    let asker = Asker::new(&server);
    let path = format!("{MAPS}/one");
    let codes = [0; 3].map(|_| asker.get(&path).0.as_u16());
    assert_eq!(codes, [404, 429, 404]);
    assert_eq!(
        asker.create(MAPS, &config_map("one", "a")).0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    server.behave();
    assert_eq!(
        asker.create(MAPS, &config_map("one", "a")).0,
        StatusCode::CREATED
    );
}

#[test]
fn deleting_a_namespace_deletes_what_is_in_it() {
    let server = ApiServer::start();
    let before = server.paths();
    let vc = Sandbox::new().with(running("dev").with_tenant_pods(2));
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/secrets/vc-dev")
            .is_some()
    );
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn deleting_the_service_takes_along_what_it_owns() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.set(|settings| settings.kubeconfig_after = None);
    vc.host
        .delete("/api/v1/namespaces/vcluster-dev/services/dev");
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/secrets/vc-dev")
            .is_none()
    );
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/secrets/vc-config-dev")
            .is_some()
    );
}

#[test]
fn pods_end_up_as_they_are_told() {
    let vc = Sandbox::new();
    vc.host.set(|settings| settings.fate = PodFate::Unready);
    let vc = vc.with(running("dev"));
    let pod = "/api/v1/namespaces/vcluster-dev/pods/dev-0";
    let ready =
        || vc.host.get(pod).expect("the pod")["status"]["containerStatuses"][0]["ready"].clone();
    assert_eq!(ready(), false);
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/secrets/vc-dev")
            .is_none()
    );
    vc.host.set(|settings| settings.fate = PodFate::Ready);
    assert_eq!(ready(), true);
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/secrets/vc-dev")
            .is_some()
    );
}

#[test]
fn a_claim_in_use_stays_until_its_pod_is_gone() {
    let vc = Sandbox::new().with(running("dev"));
    let claim = "/api/v1/namespaces/vcluster-dev/persistentvolumeclaims/data-dev-0";
    vc.host.delete(claim);
    assert!(vc.host.get(claim).is_some());
    vc.host
        .delete("/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev");
    assert!(vc.host.get(claim).is_none());
}

#[test]
fn the_log_tells_of_each_request() {
    let vc = Sandbox::new();
    let output = vc.run("list -v");
    let told = output
        .stderr
        .matches(": requesting method=GET uri=http")
        .count();
    assert!(told > 0, "{output}");
    assert_eq!(told, vc.each_call().0.len(), "{output}");
    assert_eq!(told, output.stderr.matches(": answered status=200").count());
    assert!(!output.stderr.contains(vc.host.token()), "{output}");
}
