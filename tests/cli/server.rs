//! Contexts that lead to where the host offers a cluster's API to the outside, without a tunnel.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{
    api_server::{Fault, Nth, Scope},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

const NAMESPACE: &str = "vcluster-dev";
const SERVICE: &str = "/api/v1/namespaces/vcluster-dev/services/dev";
const CONTEXT: &str = "vcluster_dev_vcluster-dev_host";

/// A user of a host with the cluster `dev`, and the port that leads to its API from outside.
fn with_way_to_dev() -> (Sandbox, u16) {
    let vc = Sandbox::new().with(running("dev"));
    let port = vc.host.way_to(NAMESPACE, "dev");
    (vc, port)
}

/// The same, where the Service of the cluster is of this type.
fn exposed(kind: &str) -> (Sandbox, u16) {
    let (vc, port) = with_way_to_dev();
    vc.host.set(|host| {
        host.node_port = Some(port);
        host.load_balancer = Some(port);
    });
    vc.host
        .edit(SERVICE, |service| service["spec"]["type"] = kind.into());
    (vc, port)
}

/// The entry of the cluster in the user's kubeconfig.
fn cluster_entry(vc: &Sandbox) -> Value {
    let kubeconfig: Value = yaml_serde::from_str(&vc.kubeconfig()).expect("YAML");
    let clusters = kubeconfig["clusters"].as_array().expect("a list");
    let ours = clusters.iter().find(|entry| entry["name"] == CONTEXT);
    ours.expect("an entry of ours")["cluster"].clone()
}

/// The command line of the plugin in the user's kubeconfig.
fn plugin(vc: &Sandbox) -> String {
    let kubeconfig: Value = yaml_serde::from_str(&vc.kubeconfig()).expect("YAML");
    let users = kubeconfig["users"].as_array().expect("a list");
    let exec = users.iter().find_map(|user| user["user"].get("exec"));
    let arguments = exec.expect("a plugin")["args"].as_array().expect("a list");
    let words: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    words.join(" ")
}

/// Asks the cluster that the context of ours leads to.
fn assert_leads_there(vc: &Sandbox) {
    let output = vc.run(&format!("list --context {CONTEXT} -o json"));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
}

/// Connects to where there is nothing yet, which ends with the time limit, and says why and what to do.
fn assert_waits(vc: &Sandbox, reason: &str, hint: &str) {
    // Long enough for a busy machine to come to the wait.
    let output = vc.run("connect dev --expose --timeout 6s");
    assert_eq!(output.code, Some(6), "{output}");
    assert!(output.stderr.contains("error: timed out"), "{output}");
    assert!(output.stderr.contains(reason), "{output}");
    assert!(output.stderr.contains(hint), "{output}");
}

#[test]
fn a_server_that_is_the_clusters_own_needs_no_tunnel() {
    let (vc, port) = with_way_to_dev();
    assert_snapshot!(vc.run(&format!("connect dev --server 127.0.0.1:{port}")));
    assert_snapshot!(vc.calls());
    assert_snapshot!(vc.kubeconfig_text());
    assert_eq!((vc.agent(), vc.tunnels()), (None, Vec::new()));
    assert_leads_there(&vc);
    assert_snapshot!(vc.run("list"));
    assert_eq!(vc.run("tunnels -o json").stdout, "[]\n");
    assert_snapshot!(vc.run("disconnect"));
    assert_eq!(vc.kubeconfig(), vc.host.kubeconfig());
}

#[test]
fn json_tells_the_address_and_that_there_is_no_port() {
    let (vc, port) = with_way_to_dev();
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{port} -o json"));
    let view: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(view["server"], format!("https://127.0.0.1:{port}"));
    assert_eq!(view["port"], Value::Null);
}

#[test]
fn a_certificate_that_is_not_for_the_address_is_checked_for_the_clusters_name() {
    let (vc, port) = with_way_to_dev();
    let output = vc.run(&format!("connect dev --server https://127.0.0.2:{port}/"));
    assert_eq!(output.code, Some(0), "{output}");
    let cluster = cluster_entry(&vc);
    assert_eq!(cluster["server"], format!("https://127.0.0.2:{port}"));
    assert_eq!(cluster["tls-server-name"], "dev.vcluster-dev");
    assert_leads_there(&vc);
}

#[test]
fn what_is_not_the_clusters_own_server_is_refused_and_nothing_is_changed() {
    let (vc, _) = with_way_to_dev();
    let vc = vc.with(running("other"));
    let other = vc.host.way_to("vcluster-other", "other");
    let twin = vc.host.twin_of(NAMESPACE, "dev");
    let before = vc.kubeconfig();
    let host = vc.host.url();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = silent.local_addr().expect("an address").port();
    drop(silent);
    for (name, server) in [
        ("another-cluster", format!("127.0.0.1:{other}")),
        ("the-host", host),
        ("a-twin", format!("127.0.0.1:{twin}")),
        ("nobody", format!("127.0.0.1:{closed}")),
        ("plain-http", "http://127.0.0.1:1".to_owned()),
    ] {
        let output = vc.run(&format!("connect dev --server {server}"));
        assert_snapshot!(format!("refused-{name}"), output);
        assert_eq!(vc.kubeconfig(), before);
    }
    assert_eq!(vc.agent(), None);
}

#[test]
fn a_server_without_tls_is_refused() {
    let (vc, _) = with_way_to_dev();
    let before = vc.kubeconfig();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("does not speak TLS"), "{output}");
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_server_whose_certificate_has_expired_is_refused() {
    let vc = Sandbox::new();
    vc.host.set(|host| host.expired_control_planes = true);
    let vc = vc.with(running("dev"));
    let port = vc.host.way_to(NAMESPACE, "dev");
    let before = vc.kubeconfig();
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    assert_eq!(output.code, Some(1), "{output}");
    for words in [
        "is not valid now",
        "certificate expired",
        "`vc sleep dev -n",
    ] {
        assert!(output.stderr.contains(words), "{output}");
    }
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_cluster_that_publishes_no_authority_is_refused() {
    let (vc, port) = with_way_to_dev();
    let secret = "/api/v1/namespaces/vcluster-dev/secrets/vc-dev";
    let config = json!({
        "clusters": [{ "name": "a", "cluster": { "server": "https://localhost:8443" } }],
        "users": [{ "name": "a", "user": { "token": "secret" } }],
    });
    let config = crate::support::api_server::base64(config.to_string());
    vc.host
        .edit(secret, |secret| secret["data"]["config"] = config.into());
    assert_snapshot!(vc.run(&format!("connect dev --server 127.0.0.1:{port}")));
}

#[test]
fn without_the_right_to_forward_certificate_and_credentials_have_to_do() {
    let (vc, port) = with_way_to_dev();
    vc.host.forbid("*", "pods/portforward", Scope::Anywhere);
    assert_snapshot!(vc.run(&format!("connect dev --server 127.0.0.1:{port}")));
    assert_leads_there(&vc);
    let twin = vc.host.twin_of(NAMESPACE, "dev");
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{twin}"));
    assert!(output.stderr.contains("have to do"), "{output}");
}

#[test]
fn a_node_port_is_found_and_its_certificate_checked_for_the_clusters_name() {
    let (vc, port) = exposed("NodePort");
    assert_snapshot!(vc.run("connect dev --expose"));
    assert_snapshot!(vc.calls());
    let cluster = cluster_entry(&vc);
    assert_eq!(cluster["server"], format!("https://127.0.0.1:{port}"));
    assert_eq!(cluster["tls-server-name"], "dev.vcluster-dev");
    assert_leads_there(&vc);
}

#[test]
fn a_load_balancer_is_found() {
    let (vc, port) = exposed("LoadBalancer");
    assert_snapshot!(vc.run("connect dev --expose"));
    let cluster = cluster_entry(&vc);
    assert_eq!(cluster["server"], format!("https://127.0.0.1:{port}"));
    assert_eq!(cluster["tls-server-name"], Value::Null);
    assert_leads_there(&vc);
}

#[test]
fn a_load_balancer_without_an_address_is_waited_for_and_why_is_said() {
    let (vc, port) = with_way_to_dev();
    vc.host.edit(SERVICE, |service| {
        service["spec"]["type"] = "LoadBalancer".into();
    });
    let before = vc.kubeconfig();
    assert_waits(
        &vc,
        "the host has given its load balancer no address yet: no load balancer can be had",
        "hint: a host without load balancers never does",
    );
    assert_eq!(vc.kubeconfig(), before);
    let started = vc.start("connect dev --expose");
    started.until_asked("watch /api/v1/namespaces/vcluster-dev/services");
    vc.host.set(|host| host.load_balancer = Some(port));
    let output = started.finish();
    assert_eq!(output.code, Some(0), "{output}");
    assert_leads_there(&vc);
}

#[test]
fn an_ingress_without_a_controller_is_waited_for_and_why_is_said() {
    let (vc, _) = with_way_to_dev();
    let ingress = |host: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": { "name": "dev", "namespace": NAMESPACE },
            "spec": { "rules": [{ "host": host }] },
        })
    };
    vc.host.create_all([ingress(Value::Null)]);
    assert_waits(
        &vc,
        "no Ingress controller has given it an address yet",
        "hint: see that the host has an Ingress controller",
    );
    let path = "/apis/networking.k8s.io/v1/namespaces/vcluster-dev/ingresses/dev";
    vc.host.edit(path, |object| {
        object["spec"]["rules"][0]["host"] = "nothing.invalid".into();
    });
    assert_waits(&vc, "`https://nothing.invalid`", "hint: check the address");
}

#[test]
fn a_cluster_that_is_not_exposed_says_how_to_expose_it() {
    let (vc, _) = with_way_to_dev();
    assert_snapshot!(vc.run("connect dev --expose"));
}

#[test]
fn create_connects_to_where_the_cluster_is_exposed() {
    let vc = Sandbox::new();
    let port = vc.host.way_to(NAMESPACE, "dev");
    vc.host.set(|host| host.node_port = Some(port));
    assert_snapshot!(vc.run("create dev --expose nodeport"));
    assert_eq!((vc.agent(), vc.tunnels()), (None, Vec::new()));
    let cluster = cluster_entry(&vc);
    assert_eq!(cluster["server"], format!("https://127.0.0.1:{port}"));
    assert_leads_there(&vc);
    let again = vc.run("create dev --expose nodeport");
    assert_eq!(again.code, Some(0), "{again}");
    assert!(again.stdout.contains("already exists"), "{again}");
    let deleted = vc.run("delete dev");
    assert_eq!(deleted.code, Some(0), "{deleted}");
    assert_eq!(vc.kubeconfig(), vc.host.kubeconfig());
}

#[test]
fn create_takes_a_server_too() {
    let vc = Sandbox::new();
    let port = vc.host.way_to(NAMESPACE, "dev");
    let output = vc.run(&format!("create dev --server 127.0.0.1:{port}"));
    assert_eq!(output.code, Some(0), "{output}");
    assert_leads_there(&vc);
    let other = vc.run("create other --server 127.0.0.1:1 --timeout 2s");
    assert_eq!(other.code, Some(6), "{other}");
    assert!(!vc.kubeconfig().contains("vcluster_other"));
}

#[test]
fn the_plugin_wakes_the_cluster_and_opens_no_tunnel() {
    let (vc, port) = with_way_to_dev();
    vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    let line = plugin(&vc);
    let first = vc.run(&line);
    assert_eq!(
        (first.code, first.stderr.as_str()),
        (Some(0), ""),
        "{first}"
    );
    vc.host.forget_calls();
    let second = vc.run(&line);
    assert_eq!(second.code, Some(0), "{second}");
    let asked = vc.each_call().0;
    let own = asked.iter().filter(|call| !call.is_of_a_tunnel());
    assert_eq!(
        own.count(),
        0,
        "all is well, and the host is asked {asked:?}"
    );
    vc.run("sleep dev");
    let refused = vc.run(&format!("{line} --no-wake"));
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("is asleep"), "{refused}");
    let woken = vc.run(&line);
    assert_eq!(woken.code, Some(0), "{woken}");
    assert!(woken.stderr.contains("waking `dev`"), "{woken}");
    assert_leads_there(&vc);
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
    assert_eq!(vc.run("tunnels -o json").stdout, "[]\n");
    assert_eq!(vc.run("tunnels stop --all -o json").code, Some(0));
}

#[test]
fn a_sleeping_cluster_is_woken_first() {
    let vc = Sandbox::new().with(sleeping("dev"));
    let port = vc.host.way_to(NAMESPACE, "dev");
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    assert_eq!(output.code, Some(0), "{output}");
    assert_leads_there(&vc);
}

#[test]
fn the_last_connect_says_which_way_the_context_leads() {
    let (vc, port) = with_way_to_dev();
    vc.run("connect dev");
    assert_eq!(vc.tunnels().len(), 1);
    vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
    assert_leads_there(&vc);
    vc.run("connect dev");
    assert_eq!(vc.tunnels().len(), 1);
    assert!(!plugin(&vc).contains("--server"));
    assert_leads_there(&vc);
    // Both at once, each with a context of its own.
    vc.run(&format!(
        "connect dev --server 127.0.0.1:{port} --context-name direct"
    ));
    assert_eq!(vc.tunnels().len(), 1);
    assert_leads_there(&vc);
    assert_eq!(vc.run("list --context direct -o json").stdout, "[]\n");
}

#[test]
fn other_ways_to_connect_take_a_server_too() {
    let (vc, port) = with_way_to_dev();
    let before = vc.kubeconfig();
    let server = format!("https://127.0.0.1:{port}");
    let printed = vc.run(&format!("connect dev --server {server} --print"));
    assert!(
        printed.stdout.contains(&format!("server: {server}\n")),
        "{printed}"
    );
    assert!(printed.stdout.contains("client-key-data"), "{printed}");
    let written = vc.run(&format!(
        "connect dev --server {server} --kubeconfig-out dev.yaml"
    ));
    assert_eq!(written.code, Some(0), "{written}");
    assert!(
        vc.read("work/dev.yaml")
            .contains(&format!("server: {server}\n"))
    );
    let command = vc.run(&format!(
        "connect dev --server {server} -- sh -c 'grep server: $KUBECONFIG'"
    ));
    assert!(command.stdout.contains(&server), "{command}");
    assert_eq!((vc.kubeconfig(), vc.agent()), (before, None));
    let embedded = vc.run(&format!("connect dev --server {server} --embed"));
    assert_eq!(embedded.code, Some(0), "{embedded}");
    assert!(vc.kubeconfig().contains("client-key-data"));
    assert_leads_there(&vc);
    assert_eq!(vc.agent(), None);
}

#[test]
fn doctor_and_status_know_such_contexts() {
    let (vc, port) = with_way_to_dev();
    vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    let status = vc.run("status dev -o json");
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(status["endpoint"]["context"], CONTEXT);
    assert_eq!(
        status["endpoint"]["local"],
        format!("https://127.0.0.1:{port}")
    );
    let healthy = vc.run("doctor --kubeconfig");
    assert!(
        healthy
            .stdout
            .contains("clusters of contexts that are there: 1"),
        "{healthy}"
    );
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    let gone = vc.run(&plugin(&vc));
    assert_eq!(gone.code, Some(4), "{gone}");
    let mended = vc.run("doctor --kubeconfig --yes");
    assert!(mended.stdout.contains(CONTEXT), "{mended}");
    assert_eq!(vc.kubeconfig(), vc.host.kubeconfig());
}

#[test]
fn a_server_that_is_busy_is_no_other_cluster() {
    let (vc, port) = with_way_to_dev();
    vc.host
        .fault("get */secrets/*", Nth::Only(1), Fault::Status(503));
    let output = vc.run(&format!("connect dev --server 127.0.0.1:{port}"));
    assert_eq!(output.code, Some(0), "{output}");
}
