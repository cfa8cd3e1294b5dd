//! docs/transcript.md: what every command says, on a host in memory, kept true by being made anew each time.
//!
//! `make generate` writes the page. What differs from run to run is replaced by what it might be.

use std::fmt::Write;
use std::sync::LazyLock;
use std::{fs, path::Path};

use jiff::SignedDuration;
use regex::Regex;
use serde_json::json;

use crate::support::{
    api_server::{Fault, Nth, PodFate, Scope},
    cluster::{running, sleeping},
    sandbox::{Output, Sandbox},
};

const HEAD: &str = "\
# Transcript

What `vc` says, command by command. This page is made by running them on the host in memory that the tests have, so it
is true; times, ports and addresses are made up. Standard error and standard output are shown as a terminal shows them;
an exit code is told where it is not 0.
";

/// What stands for what differs from run to run.
static MADE_UP: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // A step that ended is told only where it took long, which depends on the machine.
        (r"(?m)^[a-z][^\n]* \(\[TIME\]\)\n", ""),
        (r"https://\[HOST\]", "https://203.0.113.7:6443"),
        (r"\[HOST\]", "203.0.113.7:6443"),
        (r"\[SANDBOX\]/home", "/home/me"),
        (r"\[SANDBOX\]/work", "/home/me/project"),
        (r"\[SANDBOX\]", "/home/me"),
        (r":\[PORT\]", ":41235"),
        (r"\[NUMBER\]", "41235"),
        (r"\[UID\]", "0f3c5e1a-7b2d-4c55-9d7e-2f1b6a8c9e10"),
        (r"\[TIMESTAMP\]", "2026-01-02T15:04:05Z"),
        (r#"("seconds": ?)\[TIME\]"#, "${1}4.2"),
        (r"\[WHO\]", "me@laptop"),
        (r"\[DAY AND TIME\]", "Fri Jan  2 15:04:05 2026"),
        // Ages, in a column; and an example, which is always the same.
        (r"\[TIME\]( +node-1)", "4s${1}"),
        (r"(0\.36\.1 +)\[TIME\]", "${1}4s"),
        (r"example `\[TIME\]`", "example `90s`"),
        (r"\[TIME\]", "4.2 s"),
    ]
    .into_iter()
    .map(|(pattern, text)| (Regex::new(pattern).expect("a valid pattern"), text))
    .collect()
});

struct Page(String);

impl Page {
    fn heading(&mut self, text: &str) {
        write!(self.0, "\n## {text}\n").expect("memory takes any length");
    }

    fn say(&mut self, text: &str) {
        write!(self.0, "\n{text}\n").expect("memory takes any length");
    }

    /// Runs a command and shows what a terminal would.
    fn run(&mut self, vc: &Sandbox, command: &str) {
        self.show(command, &vc.run_in_shell("exec 2>&1", command));
    }

    /// Shows what a command said; one of the two streams is all that it used.
    fn show(&mut self, command: &str, output: &Output) {
        let shown = output.to_string();
        let said = shown.split_once(" -----\n").map_or("", |(_, said)| said);
        let said = MADE_UP
            .iter()
            .fold(said.to_owned(), |said, (pattern, text)| {
                pattern.replace_all(&said, *text).into_owned()
            });
        let code = match output.code {
            Some(0) => String::new(),
            Some(code) => format!("[exit code {code}]\n"),
            None => "[ended by a signal]\n".to_owned(),
        };
        write!(self.0, "\n```console\n$ vc {command}\n{said}{code}```\n")
            .expect("memory takes any length");
    }
}

fn with_node(vc: &Sandbox) {
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" },
        "status": { "allocatable": { "cpu": "2", "memory": "8Gi" } },
    })]);
}

fn page() -> String {
    let mut page = Page(HEAD.to_owned());
    from_beginning_to_end(&mut page);
    several(&mut page);
    how_it_is(&mut page);
    another_wish(&mut page);
    charts(&mut page);
    settings(&mut page);
    for_scripts(&mut page);
    in_the_way(&mut page);
    that_cannot_start(&mut page);
    cut_off(&mut page);
    out_of_reach(&mut page);
    page.0
}

fn from_beginning_to_end(page: &mut Page) {
    let vc = Sandbox::new();
    page.heading("From beginning to end");
    page.run(&vc, "list");
    page.run(&vc, "create dev");
    page.run(&vc, "create dev");
    page.run(&vc, "connect dev -- true");
    page.run(&vc, "disconnect");
    page.run(&vc, "connect dev");
    page.run(&vc, "sleep dev");
    page.run(&vc, "sleep dev");
    page.run(&vc, "wake dev");
    page.run(&vc, "delete dev");
    page.run(&vc, "delete dev");
}

fn several(page: &mut Page) {
    page.heading("Several at once");
    let vc = Sandbox::new().with_all([running("dev"), running("test"), sleeping("old")]);
    page.run(&vc, "list");
    page.run(&vc, "sleep dev test");
    page.run(&vc, "wake dev test");
    page.run(&vc, "delete dev test --keep-volumes");
    page.run(&vc, "connect odl");
}

fn how_it_is(page: &mut Page) {
    page.heading("How it is doing");
    let vc = Sandbox::new().with_all([running("dev").with_tenant_pods(1), sleeping("old")]);
    let say = |line: &str| {
        vc.host.say(
            "vcluster-dev",
            "dev-0",
            "syncer",
            line,
            SignedDuration::ZERO,
        );
    };
    say("2026-01-02 15:04:05\tINFO\tstarting\t{\"component\": \"vcluster\"}");
    say(
        "2026-01-02 15:04:06\tINFO\tserving\t{\"component\": \"vcluster\", \"component\": \"apiserver\"}",
    );
    page.run(&vc, "status dev");
    page.run(&vc, "status old");
    page.run(&vc, "logs dev");
    page.run(&vc, "logs dev --component apiserver");
    page.run(&vc, "logs old");
}

fn another_wish(page: &mut Page) {
    page.heading("Another wish, and back");
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    page.run(&vc, "history dev");
    page.run(
        &vc,
        "upgrade dev --set controlPlane.service.annotations.team=a --diff --dry-run",
    );
    page.run(
        &vc,
        "upgrade dev --set controlPlane.service.annotations.team=a",
    );
    page.run(
        &vc,
        "upgrade dev --set controlPlane.service.annotations.team=a",
    );
    page.run(
        &vc,
        "upgrade dev --set controlPlane.statefulSet.persistence.volumeClaim.size=9Gi",
    );
    page.run(&vc, "upgrade dev --k8s 1.34");
    page.run(&vc, "history dev");
    page.run(&vc, "rollback dev");
    page.run(&vc, "rollback dev 9");
    page.run(&vc, "history dev -o name");
    page.run(&vc, "history dve");
}

fn charts(page: &mut Page) {
    page.heading("What a chart makes");
    let vc = Sandbox::new();
    vc.write(
        "work/chart/Chart.yaml",
        "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    );
    vc.write("work/chart/values.yaml", "word: hello\n");
    vc.write(
        "work/chart/templates/words.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  word: {{ .Values.word | quote }}\n",
    );
    page.run(&vc, "template dev --chart chart --set word=goodbye");
    page.run(&vc, "template dev -s templates/disruptionbudget.yaml --set controlPlane.advanced.podDisruptionBudget.enabled=true");
    vc.write(
        "work/chart/templates/words.yaml",
        "kind: ConfigMap\ndata:\n  word: {{ .Values.word | upcase }}\n",
    );
    page.run(&vc, "template dev --chart chart");
}

fn settings(page: &mut Page) {
    page.heading("Settings");
    let vc = Sandbox::new().with_variable("VC_REGISTRY", "registry.example.com");
    page.run(&vc, "config path");
    page.run(&vc, "config set timeout 5m");
    page.run(&vc, "config");
    page.run(&vc, "config set timout 5m");
    page.run(&vc, "config set timeout soon");
    page.run(&vc, "config unset timeout");
}

fn for_scripts(page: &mut Page) {
    page.heading("For scripts");
    let vc = Sandbox::new();
    page.run(&vc, "create dev -o json");
    page.run(&vc, "list -o json");
    page.run(&vc, "list -o name");
    page.run(&vc, "connect dve -o json");
    page.run(&vc, "delete dev -q -o name");
}

fn in_the_way(page: &mut Page) {
    page.heading("What is refused before anything is touched");
    let vc = Sandbox::new().with(running("dev"));
    vc.write(
        "work/values.yaml",
        "controlPlane:\n  statefulSet:\n    replicas: 3\nsync:\n  toHost:\n    ingreses:\n      enabled: true\n",
    );
    page.run(&vc, "creat dev");
    page.run(&vc, "create Dev");
    page.run(&vc, "create test --k8s 1.99");
    page.run(
        &vc,
        "create test -f values.yaml --set sync.toHost.pods.enabled=maybe",
    );
    page.run(&vc, "create dev --ephemeral");
    page.run(&vc, "create test -n vcluster-dev");
    page.run(&vc, "sleep test");
}

fn cut_off(page: &mut Page) {
    page.heading("Interrupted");
    let stopped = |page: &mut Page, vc: &Sandbox, command: &str, at: &str| {
        vc.host.forget_calls();
        vc.host.fault(at, Nth::Every, Fault::Hang);
        let started = vc.start(command);
        started.until_asked(at.trim_start_matches(['*', ' ']).trim_end_matches('*'));
        started.signal("INT");
        page.show(command, &started.finish());
        vc.host.behave();
    };
    let vc = Sandbox::new();
    stopped(
        page,
        &vc,
        "create dev",
        "apply /apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev",
    );
    page.run(&vc, "list -o wide");
    page.run(&vc, "create dev");
    stopped(
        page,
        &vc,
        "sleep dev",
        "patch /apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev",
    );
    stopped(
        page,
        &vc,
        "delete dev",
        "delete /api/v1/namespaces/vcluster-dev",
    );
    page.run(&vc, "delete dev");
}

fn that_cannot_start(page: &mut Page) {
    page.heading("A cluster that cannot start");
    page.say("What waiting can help is waited for, and said meanwhile:");
    let with = |fate: PodFate| {
        let vc = Sandbox::new();
        with_node(&vc);
        vc.host.set(|settings| settings.fate = fate);
        vc
    };
    let full = "0/1 nodes are available: 1 Insufficient memory. preemption: none";
    let vc = with(PodFate::Unschedulable(full.to_owned()));
    page.run(&vc, "create dev --timeout 2s");
    page.say("What it cannot help ends the command at once:");
    let words = "failed to pull and unpack image \"ghcr.io/a/b:9\": failed to resolve reference \"ghcr.io/a/b:9\": \
                 ghcr.io/a/b:9: not found";
    let vc = with(PodFate::Waits("ErrImagePull", words.to_owned()));
    page.run(&vc, "create dev");
    let selector = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: none";
    let vc = with(PodFate::Unschedulable(selector.to_owned()));
    page.run(
        &vc,
        "create dev --set controlPlane.statefulSet.scheduling.nodeSelector.disk=fast",
    );
    let quota = "pods \"dev-0\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3";
    let vc = with(PodFate::Refused(quota.to_owned()));
    page.run(&vc, "create dev");
    let vc = with(PodFate::Crashes(3));
    vc.host.set(|settings| {
        "starting the API server\nError: unknown flag: --wrong\n".clone_into(&mut settings.log);
    });
    page.run(&vc, "create dev --api-server-arg=--wrong=1");
}

fn out_of_reach(page: &mut Page) {
    page.heading("A host that is out of reach, or refuses");
    let vc = Sandbox::new();
    page.run(&vc, "list --context hots");
    page.run(&vc, "list --kubeconfig missing.yaml");
    vc.host.forbid("create", "namespaces", Scope::Anywhere);
    page.run(&vc, "create dev");
    let kubeconfig = vc.kubeconfig().replace(vc.host.token(), "expired");
    vc.write("home/.kube/config", &kubeconfig);
    page.run(&vc, "list");
    let vc = Sandbox::new();
    vc.host.fault("*", Nth::Every, Fault::Hang);
    page.run(&vc, "list --timeout 1s");
}

#[test]
fn the_transcript_is_what_the_commands_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transcript.md");
    let page = page();
    #[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
    let is_to_be_written = std::env::var_os("VC_GENERATE").is_some();
    if is_to_be_written {
        fs::write(&file, page).expect("a writable file");
        return;
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == page,
        "docs/transcript.md is out of date: run `make generate` and read what changes"
    );
}
