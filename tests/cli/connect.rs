//! `vc connect`.

use std::sync::atomic::Ordering;

use insta::assert_snapshot;

use crate::support::{
    api_server::{Fault, Nth, Scope},
    cluster::{running, sleeping},
    sandbox::{Sandbox, is_private},
};

#[test]
fn a_context_is_added_and_becomes_the_current_one() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.calls());
    assert_snapshot!(vc.kubeconfig_text());
    assert_snapshot!(vc.run("list"));
    assert_eq!(vc.tunnels().len(), 1);
}

#[test]
fn json_tells_what_a_script_needs() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dev -o json"));
}

#[test]
fn a_second_time_changes_nothing() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    let before = (vc.kubeconfig(), vc.tunnels());
    vc.host.forget_calls();
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.calls());
    assert_eq!((vc.kubeconfig(), vc.tunnels()), before);
}

#[test]
fn the_port_is_the_same_after_a_disconnect() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    let before = vc.kubeconfig();
    vc.run("disconnect dev");
    vc.run("connect dev");
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn without_a_name_the_only_cluster_is_meant() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect"));
}

#[test]
fn without_a_name_and_with_many_clusters_the_names_are_told() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    assert_snapshot!(vc.run("connect"));
}

#[test]
fn a_name_that_is_almost_right_is_hinted_at() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dve"));
    assert_snapshot!(vc.run("connect nothing-like-it"));
    assert_snapshot!(vc.run("connect dev -n team-a"));
}

#[test]
fn a_name_in_two_namespaces_needs_one() {
    let vc = Sandbox::new()
        .with(running("dev").in_namespace("team-a"))
        .with(running("dev").in_namespace("team-b"));
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.run("connect dev -n team-b"));
}

#[test]
fn a_sleeping_cluster_is_woken() {
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.calls());
    assert_eq!(
        vc.run("list --context vcluster_dev_vcluster-dev_host -o json")
            .stdout,
        "[]\n"
    );
}

#[test]
fn print_leaves_everything_alone() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("connect dev --print"));
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn no_switch_keeps_the_current_context() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dev --no-switch"));
    assert!(vc.kubeconfig().contains("current-context: host\n"));
    assert!(vc.kubeconfig().contains("vcluster_dev_vcluster-dev_host"));
}

#[test]
fn a_kubeconfig_of_its_own_is_private() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("connect dev --kubeconfig-out dev.yaml"));
    assert!(is_private(&vc.path("work/dev.yaml")));
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_command_runs_connected_and_its_code_is_ours() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("connect dev -- sh -c 'grep current-context $KUBECONFIG; exit 7'"));
    let output = vc.run("connect dev -- sh -c 'echo $KUBECONFIG; ls -l $KUBECONFIG | cut -c1-10'");
    let (file, mode) = output
        .stdout
        .trim_end()
        .split_once('\n')
        .expect("two lines");
    assert_eq!(mode, "-rw-------");
    assert!(
        !std::path::Path::new(file).exists(),
        "{file} is left behind"
    );
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_signal_reaches_the_command() {
    let vc = Sandbox::new().with(running("dev"));
    let started = vc.start(
        "connect dev -- sh -c 'trap \"exit 9\" TERM; touch ready; while :; do sleep 0.05; done'",
    );
    let ready = vc.path("work/ready");
    while !ready.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    started.signal("TERM");
    assert_snapshot!(started.finish());
}

#[test]
fn a_command_that_is_not_there_is_said() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dev -- no-such-program"));
}

/// Connects to a cluster, and then has another one of the same name in its place.
fn made_anew() -> Sandbox {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    vc.host.delete("/api/v1/namespaces/vcluster-dev");
    vc.with(running("dev"))
}

#[test]
fn a_cluster_made_anew_is_not_taken_for_the_old_one() {
    let vc = made_anew();
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("list --context vcluster_dev_vcluster-dev_host"));
    assert_snapshot!(vc.run("connect dev"));
    assert_snapshot!(vc.run("list --context vcluster_dev_vcluster-dev_host"));
}

#[test]
fn a_cluster_made_anew_can_be_connected_to_after_a_disconnect() {
    let vc = made_anew();
    assert_snapshot!(vc.run("disconnect dev"));
    assert_snapshot!(vc.run("connect dev"));
}

#[test]
fn the_tunnel_follows_the_pod() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    vc.host.delete("/api/v1/namespaces/vcluster-dev/pods/dev-0");
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
}

#[test]
fn one_connection_that_fails_does_not_end_the_tunnel() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    vc.host.pod_faults().refuse.store(1, Ordering::SeqCst);
    vc.run("list --context vcluster_dev_vcluster-dev_host");
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
}

#[test]
fn without_the_right_to_forward_the_missing_right_is_named() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.forbid("*", "pods/portforward", Scope::Anywhere);
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("connect dev"));
    assert_eq!((vc.kubeconfig(), vc.tunnels()), (before, Vec::new()));
}

#[test]
fn without_the_right_to_read_the_secret_the_missing_right_is_named() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.forbid("*", "secrets", Scope::Anywhere);
    assert_snapshot!(vc.run("connect dev"));
}

#[test]
fn a_host_that_speaks_only_the_old_protocol_will_do() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.fault("forward *", Nth::Only(1), Fault::Status(400));
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
}
