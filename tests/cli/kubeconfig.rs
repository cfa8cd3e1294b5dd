//! The user's kubeconfig: whose file is edited, what stays, and which host a virtual context stands for.

use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use crate::support::{
    cluster::running,
    sandbox::{Sandbox, is_private},
};

#[test]
fn with_a_virtual_context_as_the_current_one_its_host_is_meant() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    vc.run("connect dev");
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("connect other"));
    assert_snapshot!(vc.kubeconfig_text());
    assert_snapshot!(vc.run("disconnect"));
    assert_snapshot!(vc.kubeconfig_text());
}

#[test]
fn an_explicit_context_nests() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    assert_snapshot!(vc.run("list --context vcluster_dev_vcluster-dev_host"));
}

#[test]
fn comments_and_unknown_fields_stay() {
    let vc = Sandbox::new().with(running("dev"));
    let before = format!(
        "# mine\n{}x-unknown: {{a: [1, 2]}} # kept\n",
        vc.kubeconfig()
    );
    vc.write("home/.kube/config", &before);
    vc.run("connect dev");
    assert!(vc.kubeconfig().contains("x-unknown: {a: [1, 2]} # kept"));
    assert!(vc.kubeconfig().starts_with("# mine\n"));
    vc.run("disconnect");
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_file_that_is_named_is_the_only_one_touched() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    vc.write("work/named.yaml", &before);
    assert_eq!(vc.run("connect dev --kubeconfig named.yaml").code, Some(0));
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(
        vc.files_with("work", "vcluster_dev_vcluster-dev_host"),
        [vc.path("work/named.yaml")]
    );
    assert_eq!(
        vc.run("disconnect dev --kubeconfig named.yaml").code,
        Some(0)
    );
    assert_eq!(
        vc.files_with("work", "vcluster_dev"),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn of_many_files_the_first_that_exists_takes_what_is_new() {
    let vc = Sandbox::new().with(running("dev"));
    let (first, second) = (vc.path("home/first"), vc.path("home/.kube/config"));
    vc.write("home/first", "apiVersion: v1\nkind: Config\n");
    let before = vc.kubeconfig();
    let list = format!(
        "{}:{}:{}",
        vc.path("home/missing").display(),
        first.display(),
        second.display()
    );
    let vc = vc.with_variable("KUBECONFIG", &list);
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(
        vc.files_with("home", "vcluster_dev_vcluster-dev_host"),
        [first]
    );
    assert!(!vc.path("home/missing").exists());
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("disconnect"));
}

#[test]
fn a_symlink_is_followed_and_the_file_is_private() {
    let vc = Sandbox::new().with(running("dev"));
    std::fs::rename(vc.path("home/.kube/config"), vc.path("home/real")).expect("a file to move");
    symlink(vc.path("home/real"), vc.path("home/.kube/config")).expect("a symlink");
    vc.run("connect dev");
    assert!(vc.path("home/.kube/config").is_symlink());
    assert!(vc.kubeconfig().contains("vcluster_dev_vcluster-dev_host"));
}

#[test]
fn new_files_are_private_from_birth() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("connect dev --kubeconfig-out missing/dev.yaml"));
    vc.run("connect dev --kubeconfig-out dev.yaml");
    assert!(is_private(&vc.path("work/dev.yaml")));
}

#[test]
fn a_lock_of_kubectl_is_waited_for() {
    let vc = Sandbox::new().with(running("dev"));
    let lock = vc.path("home/.kube/config.lock");
    vc.write("home/.kube/config.lock", "");
    let started = vc.start("connect dev");
    started.until_asked("forward ");
    assert!(!vc.kubeconfig().contains("vcluster_dev"));
    std::fs::remove_file(lock).expect("our own lock");
    let output = started.finish();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(vc.kubeconfig().contains("vcluster_dev"));
}

#[test]
fn many_creates_at_once_lose_nothing() {
    let vc = Sandbox::new();
    let started: Vec<_> = (0..8)
        .map(|number| vc.start(&format!("create c{number}")))
        .collect();
    for started in started {
        let output = started.finish();
        assert_eq!(output.code, Some(0), "{output}");
    }
    for number in 0..8 {
        let output = vc.run(&format!(
            "list -o json --context vcluster_c{number}_vcluster-c{number}_host"
        ));
        assert_eq!(output.stdout, "[]\n", "{output}");
    }
}

#[test]
fn secrets_are_never_told() {
    let vc = Sandbox::new();
    let token = vc.host.token().to_owned();
    for command in [
        "create dev -vv",
        "list -vv",
        "connect dev -vv -o json",
        "delete dev -vv",
    ] {
        let output = vc.run(command);
        assert_eq!(output.code, Some(0), "{output}");
        for secret in [
            token.as_str(),
            "PRIVATE KEY",
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS",
        ] {
            assert!(
                !output.stdout.contains(secret),
                "{secret} in the answer of `{command}`"
            );
            assert!(
                !output.stderr.contains(secret),
                "{secret} in the log of `{command}`"
            );
        }
    }
}

#[test]
fn the_agents_process_and_its_files_hold_no_secret() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with_variable("CLOUD_PASSWORD", "hunter2");
    vc.run("connect dev -v");
    let process = vc.agent().expect("an agent");
    for (file, secret) in [("cmdline", vc.host.token()), ("environ", "hunter2")] {
        let text = std::fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
        assert!(!text.is_empty() && !String::from_utf8_lossy(&text).contains(secret));
    }
    assert_eq!(
        vc.files_with("state/vc/tunnels", "hunter2"),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(
        vc.files_with("state/vc/tunnels", vc.host.token()),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(
        vc.files_with("state/vc/tunnels", "PRIVATE KEY"),
        Vec::<std::path::PathBuf>::new()
    );
}
