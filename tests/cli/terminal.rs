//! Whatever a command is started from: none holds it after its end, and the tunnel lives, or the plugin revives it.

use crate::support::{
    cluster::running,
    sandbox::{Output, Sandbox},
};

const CONTEXT: &str = "vcluster_dev_vcluster-dev_host";

/// Runs `vc` as the shell does it that is written here as `"$0" "$@"`.
fn run_as(vc: &Sandbox, script: &str, arguments: &str) -> Output {
    vc.run_in_shell(&format!("{script}; exit $?"), arguments)
}

/// The context of `dev` leads there, by the tunnel that is still open.
fn assert_connected(vc: &Sandbox) {
    assert!(vc.agent().is_some(), "the agent has ended");
    assert_eq!(vc.tunnels().len(), 1);
    assert_answers(vc);
}

fn assert_answers(vc: &Sandbox) {
    let output = vc.run(&format!("list --context {CONTEXT} -o json"));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "[]\n"),
        "{output}"
    );
}

/// Every way to start a command that a terminal, a script or a runner has, and what it prints then.
const WAYS: [(&str, &str); 6] = [
    ("a pipe", r#""$0" "$@" 2>&1 | cat"#),
    (
        "a substitution",
        r#"said=$("$0" "$@" 2>&1) && echo "$said""#,
    ),
    ("nohup", r#"nohup "$0" "$@" >said 2>&1 && cat said"#),
    ("no standard input", r#""$0" "$@" <&- 2>&1"#),
    ("a terminal", r#"script -qec "$0 $*" /dev/null"#),
    ("a session", r#"setsid -w "$0" "$@" 2>&1"#),
];

#[test]
fn create_ends_and_its_tunnel_lives() {
    for (way, script) in WAYS {
        let vc = Sandbox::new();
        let output = run_as(&vc, script, "create dev");
        assert_eq!(output.code, Some(0), "{way}: {output}");
        assert!(output.stdout.contains("Created `dev`"), "{way}: {output}");
        assert_connected(&vc);
    }
}

#[test]
fn connect_ends_and_its_tunnel_lives() {
    for (way, script) in WAYS {
        let vc = Sandbox::new().with(running("dev"));
        let output = run_as(&vc, script, "connect dev");
        assert_eq!(output.code, Some(0), "{way}: {output}");
        assert!(
            output.stdout.contains("Connected to `dev`"),
            "{way}: {output}"
        );
        assert_connected(&vc);
    }
}

#[test]
fn a_failure_is_told_to_whoever_started_it() {
    for (way, script) in WAYS.into_iter().filter(|(way, _)| *way != "a pipe") {
        let vc = Sandbox::new();
        let output = run_as(&vc, script, "connect dev");
        assert_eq!(output.code, Some(4), "{way}: {output}");
        assert_eq!(vc.agent(), None, "{way}");
    }
}

#[test]
fn a_runner_that_ends_its_process_group_does_not_end_the_tunnel() {
    for command in ["create dev", "connect dev"] {
        let vc = if command.starts_with("create") {
            Sandbox::new()
        } else {
            Sandbox::new().with(running("dev"))
        };
        // The shell of the step leads a group, in which it is killed with all that it has left.
        let step = r#"setsid -w sh -c '"$0" "$@" && touch done; kill -s KILL 0' "$0" "$@""#;
        let output = run_as(&vc, step, command);
        assert_ne!(output.code, Some(0), "the group was not killed: {output}");
        assert!(vc.path("work/done").exists(), "{output}");
        assert_connected(&vc);
    }
}

#[test]
fn a_terminal_that_is_closed_does_not_end_the_tunnel() {
    let vc = Sandbox::new().with(running("dev"));
    // Whatever still belongs to the terminal gets a hang-up when it goes.
    let script = r#"script -qec "$0 $*; sleep 100" /dev/null & terminal=$!
        while ! grep -q vcluster_dev "$KUBECONFIG"; do sleep 0.05; done
        kill -s KILL $terminal; wait $terminal"#;
    run_as(&vc, script, "connect dev");
    assert_connected(&vc);
}

#[test]
fn a_runner_that_ends_everything_leaves_a_context_that_works() {
    let vc = Sandbox::new();
    let output = run_as(&vc, r#""$0" "$@" | cat"#, "create dev");
    assert_eq!(output.code, Some(0), "{output}");
    vc.kill_agent();
    assert_answers(&vc);
    assert_connected(&vc);
}

#[test]
fn the_plugin_holds_nobody_either() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    for (way, script) in WAYS {
        vc.kill_agent();
        let output = run_as(&vc, script, &format!("list --context {CONTEXT} -o json"));
        assert_eq!(output.code, Some(0), "{way}: {output}");
        assert!(output.stdout.contains("[]"), "{way}: {output}");
        assert_connected(&vc);
    }
}
