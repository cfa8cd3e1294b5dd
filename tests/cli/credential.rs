//! `vc credential`, as the kubeconfig entries that `vc connect` writes run it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{
    api_server::{Fault, Nth},
    cluster::{running, sleeping},
    sandbox::{Output, Sandbox},
};

/// The command line of the plugin in the user's kubeconfig, as a client runs it.
fn plugin(vc: &Sandbox) -> String {
    let kubeconfig: Value = yaml_serde::from_str(&vc.kubeconfig()).expect("YAML");
    let users = kubeconfig["users"].as_array().expect("a list");
    let exec = users
        .iter()
        .find_map(|user| user["user"].get("exec"))
        .expect("an entry with a plugin");
    assert_eq!(exec["command"], env!("CARGO_BIN_EXE_vc"));
    assert_eq!(exec["interactiveMode"], "Never");
    let arguments = exec["args"].as_array().expect("a list");
    let words: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    words.join(" ")
}

/// A user who is connected to `dev`.
fn connected() -> Sandbox {
    let vc = Sandbox::new().with(running("dev"));
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    vc
}

/// What the host was asked by anyone but a tunnel that follows its pods.
fn calls(vc: &Sandbox) -> Vec<String> {
    let calls = vc.each_call().0;
    let own = calls.iter().filter(|call| !call.is_of_a_tunnel());
    own.map(ToString::to_string).collect()
}

/// Runs the plugin until it ends with this code: what became of a pod reaches the agent by its watch, a moment later.
fn until_code(vc: &Sandbox, line: &str, code: i32) -> Output {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let output = vc.run(line);
        if output.code == Some(code) || Instant::now() > end {
            return output;
        }
    }
}

#[test]
fn when_all_is_well_the_host_is_asked_nothing() {
    let vc = connected();
    vc.host.forget_calls();
    let output = vc.run(&plugin(&vc));
    assert_eq!(calls(&vc), Vec::<String>::new());
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
    let credential: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(credential["kind"], "ExecCredential");
    assert_eq!(credential["apiVersion"], "client.authentication.k8s.io/v1");
    let status = &credential["status"];
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    assert!(text("clientCertificateData").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(text("clientKeyData").contains("PRIVATE KEY"));
    let end: jiff::Timestamp = text("expirationTimestamp").parse().expect("a time");
    let left = end.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((60..=600).contains(&left), "{left} s");
}

#[test]
fn the_kubeconfig_and_the_state_folder_hold_no_key() {
    let vc = connected();
    assert!(!vc.kubeconfig().contains("client-key-data"));
    for folder in ["state", "run"] {
        assert_eq!(
            vc.files_with(folder, "PRIVATE KEY"),
            Vec::<std::path::PathBuf>::new()
        );
    }
    let embedding = Sandbox::new().with(running("dev"));
    embedding.run("connect dev --embed");
    assert!(embedding.kubeconfig().contains("client-key-data"));
    assert!(!embedding.kubeconfig().contains("exec:"));
}

#[test]
fn after_the_agent_was_killed_the_context_works() {
    let vc = connected();
    vc.kill_agent();
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
    assert!(vc.agent().is_some());
}

#[test]
fn twenty_at_once_start_one_agent_and_wake_the_cluster_once() {
    let vc = connected();
    let port = vc.tunnels();
    vc.run("sleep dev");
    vc.kill_agent();
    std::fs::remove_dir_all(vc.path("run")).expect("a folder");
    vc.host.forget_calls();
    let line = plugin(&vc);
    let started: Vec<_> = (0..20).map(|_| vc.start(&line)).collect();
    for started in started {
        let output = started.finish();
        assert_eq!(output.code, Some(0), "{output}");
        assert!(output.stderr.contains("waking `dev`"), "{output}");
    }
    let asked = calls(&vc);
    let is_wake = |call: &&String| call.starts_with("patch") && call.contains("/statefulsets/dev");
    assert_eq!(asked.iter().filter(is_wake).count(), 1, "{asked:?}");
    let log = std::fs::read_to_string(vc.path("state/vc/tunnels/agent.log")).expect("its log");
    assert_eq!(log.matches("the agent begins").count(), 2, "{log}");
    assert_eq!(vc.tunnels(), port);
}

#[test]
fn a_sleeping_cluster_is_woken_unless_the_user_does_not_want_it() {
    let vc = connected();
    vc.run("sleep dev");
    let line = plugin(&vc);
    vc.host.forget_calls();
    assert_snapshot!(until_code(&vc, &format!("{line} --no-wake"), 1));
    assert!(!calls(&vc).iter().any(|call| call.starts_with("patch")));
    vc.write("config/vc/config.yaml", "wake_on_use: false\n");
    assert_eq!(vc.run(&line).code, Some(1));
    vc.write("config/vc/config.yaml", "");
    let output = vc.run(&line);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("waking `dev`"), "{output}");
    let quiet = vc.run(&line);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_context_that_does_not_wake_says_so_itself() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.run("connect dev --no-wake");
    assert!(plugin(&vc).ends_with(" --no-wake"));
}

#[test]
fn a_deleted_cluster_is_told_and_how_to_remove_its_context() {
    let vc = connected();
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    assert_snapshot!(until_code(&vc, &plugin(&vc), 4));
    let output = vc.run("disconnect dev -n vcluster-dev");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn a_cluster_made_anew_is_refused() {
    let vc = connected();
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    let vc = vc.with(running("dev"));
    let line = plugin(&vc);
    assert_snapshot!(until_code(&vc, &line, 5));
    vc.kill_agent();
    assert_snapshot!(vc.run(&line));
}

#[test]
fn a_host_that_cannot_be_reached_is_said() {
    let vc = connected();
    vc.kill_agent();
    vc.host.fault("*", Nth::Every, Fault::Status(503));
    assert_snapshot!(vc.run(&plugin(&vc)));
}

/// Listens on the port of a process that was just killed, as soon as the system has closed it.
fn take_over(port: u16) -> TcpListener {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < end, "port {port}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_port_that_another_program_has_taken_moves() {
    let vc = connected();
    let port = vc.tunnels()[0];
    let line = plugin(&vc);
    vc.kill_agent();
    let stranger = take_over(u16::try_from(port).expect("a port"));
    let told = json!({ "spec": { "cluster": { "server": format!("https://127.0.0.1:{port}") } } });
    let vc = vc.with_variable("KUBERNETES_EXEC_INFO", &told.to_string());
    assert_snapshot!(vc.run(&line));
    let moved = vc.tunnels()[0];
    assert_ne!(moved, port);
    assert!(
        vc.kubeconfig()
            .contains(&format!("https://127.0.0.1:{moved}"))
    );
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
    drop(stranger);
}

#[test]
fn without_the_state_folder_the_entry_says_enough() {
    let vc = connected();
    vc.kill_agent();
    std::fs::remove_dir_all(vc.path("state/vc")).expect("a folder");
    let output = vc.run(&plugin(&vc));
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn a_program_that_was_moved_is_found_again() {
    let vc = connected();
    let moved = vc
        .kubeconfig()
        .replace(env!("CARGO_BIN_EXE_vc"), "/opt/old/bin/vc");
    vc.write("home/.kube/config", &moved);
    assert_snapshot!(vc.run("list"));
    assert!(vc.kubeconfig().contains(env!("CARGO_BIN_EXE_vc")));
    assert!(!vc.kubeconfig().contains("/opt/old"));
}

#[test]
fn a_context_is_called_as_the_user_wants() {
    let vc = Sandbox::new().with(running("dev")).with(running("test"));
    vc.write("config/vc/config.yaml", "context_name: '{name}'\n");
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.run("connect test --context-name '{namespace}/{name}'"));
    assert_snapshot!(vc.run("connect test --context-name dev"));
    assert_snapshot!(vc.run("connect test --context-name host"));
    assert_snapshot!(vc.run("connect test --context-name '{user}'"));
    assert_snapshot!(vc.run("disconnect"));
}

/// A user who is connected to `dev` by an agent whose watch tells it nothing of what becomes of the pod.
fn connected_without_news() -> Sandbox {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .fault("watch */pods", Nth::Every, Fault::SilentWatch);
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    let is_watched = || {
        let calls = vc.each_call().0;
        calls
            .iter()
            .any(|call| call.verb == "watch" && call.path.ends_with("/pods"))
    };
    let end = Instant::now() + Duration::from_secs(20);
    while !is_watched() {
        assert!(Instant::now() < end, "the pods are not watched");
        std::thread::sleep(Duration::from_millis(2));
    }
    vc.host.behave();
    let line = plugin(&vc);
    vc.host.forget_calls();
    assert_eq!(vc.run(&line).code, Some(0));
    assert_eq!(calls(&vc), Vec::<String>::new());
    vc
}

#[test]
fn after_a_sleep_no_earlier_answer_is_given() {
    let vc = connected_without_news();
    let line = plugin(&vc);
    let slept = vc.run("sleep dev");
    assert_eq!(slept.code, Some(0), "{slept}");
    let output = vc.run(&format!("{line} --no-wake"));
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("is asleep"), "{output}");
}

#[test]
fn after_a_deletion_no_earlier_answer_is_given() {
    let vc = connected_without_news();
    let line = plugin(&vc);
    let deleted = vc.run("delete dev");
    assert_eq!(deleted.code, Some(0), "{deleted}");
    let output = vc.run(&line);
    assert_eq!(output.code, Some(4), "{output}");
}

#[test]
fn after_a_create_in_its_place_no_earlier_answer_is_given() {
    let vc = connected_without_news();
    let line = plugin(&vc);
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    let created = vc.run("create dev --no-connect");
    assert_eq!(created.code, Some(0), "{created}");
    let output = vc.run(&line);
    assert_eq!(output.code, Some(5), "{output}");
}

#[test]
fn telling_the_agent_of_a_change_asks_the_host_nothing_and_starts_none() {
    let vc = Sandbox::new().with(running("dev"));
    assert_eq!(vc.run("sleep dev").code, Some(0));
    assert_eq!(vc.run("delete dev").code, Some(0));
    assert_eq!(vc.run("create dev --no-connect").code, Some(0));
    assert_eq!(vc.agent(), None);
    // Nor is a home missed in which there could be one.
    let output = vc.run_in_shell("unset HOME XDG_STATE_HOME", "sleep dev");
    assert_eq!(output.code, Some(0), "{output}");
}
