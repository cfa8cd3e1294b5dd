//! `vc config`.

use insta::assert_snapshot;

use crate::support::sandbox::Sandbox;

const FILE: &str = "config/vc/config.yaml";

#[test]
fn each_setting_says_where_it_comes_from() {
    let vc = Sandbox::new().with_variable("VC_REGISTRY", "registry.example.com");
    vc.write(FILE, "timeout: 5m\nk8s: 1.30\noutput: json\n");
    vc.write("work/vc.yaml", "namespace: team-a\noutput: wide\n");
    assert_snapshot!(vc.run("config -o table"));
    assert_snapshot!(vc.run("config -o json"));
    assert!(vc.run("config").stdout.contains("MEANING"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn setting_one_keeps_the_rest_of_the_file() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("config path"));
    assert_snapshot!(vc.run("config set timeout 5m"));
    assert_eq!(vc.read(FILE), "timeout: 5m\n");
    vc.write(FILE, "# mine\ntimeout: 5m # for slow hosts\n\nyes: true\n");
    assert_snapshot!(vc.run("config set timeout 90s"));
    vc.run("config set k8s 1.30");
    assert_eq!(
        vc.read(FILE),
        "# mine\ntimeout: 90s # for slow hosts\n\nyes: true\nk8s: '1.30'\n"
    );
    assert_snapshot!(vc.run("config set k8s 1.30"));
    assert_snapshot!(vc.run("config unset timeout -o json"));
    assert_snapshot!(vc.run("config unset timeout"));
    assert_eq!(vc.read(FILE), "# mine\n\nyes: true\nk8s: '1.30'\n");
}

#[test]
fn a_value_that_cannot_be_is_refused_and_nothing_written() {
    let vc = Sandbox::new();
    for line in [
        "config set timeout soon",
        "config set namespace Team_A",
        "config set timout 5m",
        "config unset timout",
        "config set context ''",
    ] {
        let output = vc.run(line);
        assert_eq!(output.code, Some(2), "{output}");
        assert!(!vc.path(FILE).exists(), "{output}");
    }
    assert_snapshot!(vc.run("config set timeout soon"));
    assert_snapshot!(vc.run("config set timout 5m"));
    assert_snapshot!(vc.run("config unset timout"));
}

#[test]
fn a_file_that_is_broken_is_told_of_and_can_be_mended() {
    let vc = Sandbox::new();
    vc.write(FILE, "namespase: team-a\ntimeout: 5m\n");
    assert_snapshot!(vc.run("config"));
    assert_eq!(vc.run("config unset namespase").code, Some(0));
    assert_eq!(vc.read(FILE), "timeout: 5m\n");
    vc.write(FILE, "timeout: [5m]\n");
    assert_snapshot!(vc.run("config set k8s 1.35"));
    assert_eq!(vc.read(FILE), "timeout: [5m]\n");
}

#[test]
fn what_comes_first_is_told() {
    let vc = Sandbox::new().with_variable("VC_TIMEOUT", "1m");
    assert_snapshot!(vc.run("config set timeout 5m"));
}

#[test]
fn many_at_once_lose_nothing() {
    let vc = Sandbox::new();
    let lines = [
        "config set timeout 5m",
        "config set k8s 1.35",
        "config set registry a.example.com",
        "config set namespace team-a",
        "config set yes true",
    ];
    let started: Vec<_> = lines.iter().map(|line| vc.start(line)).collect();
    for started in started {
        let output = started.finish();
        assert_eq!(output.code, Some(0), "{output}");
    }
    assert_eq!(vc.read(FILE).lines().count(), lines.len());
}
