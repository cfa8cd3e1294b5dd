//! Many writers of one kubeconfig at once, writers that are killed, and what they leave behind.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use vc::kubeconfig::Files;

use crate::support::sandbox::Sandbox;

/// A kubeconfig with connections to the clusters `c0`, `c1` and so on, and something of the user's own.
fn with_connections(base: &str, count: usize) -> String {
    let mut contexts = String::new();
    for number in 0..count {
        let name = context(number);
        let identity = format!(
            "{{hostContext: host, hostKubeconfig: null, hostServer: 'https://127.0.0.1:1', name: c{number}, namespace: ns, uid: u}}"
        );
        _ = write!(
            contexts,
            "- name: {name}\n  context: {{cluster: {name}, user: {name}, extensions: [{{name: vc, extension: {identity}}}]}}\n"
        );
    }
    base.replace("contexts:\n", &format!("contexts:\n{contexts}"))
}

fn context(number: usize) -> String {
    format!("vcluster_c{number}_ns_host")
}

const BASE: &str = "# mine\napiVersion: v1\nkind: Config\nclusters:\n- name: host\n  cluster: {server: 'https://127.0.0.1:1'} # kept\ncontexts:\n- name: host\n  context: {cluster: host, user: host}\nusers: null\ncurrent-context: host\n";

#[test]
fn a_hundred_at_once_lose_nothing() {
    lose_nothing(100);
}

#[test]
#[ignore = "takes minutes: `make each-fault`"]
fn five_hundred_at_once_lose_nothing() {
    lose_nothing(500);
}

fn lose_nothing(count: usize) {
    let vc = Sandbox::new();
    vc.write("home/.kube/config", &with_connections(BASE, count));
    let started: Vec<_> = (0..count)
        .map(|number| vc.start_quietly(&format!("disconnect c{number}")))
        .collect();
    let ends: Vec<_> = started.into_iter().map(|mut child| child.wait()).collect();
    let is_done = |end: &std::io::Result<ExitStatus>| matches!(end, Ok(status) if status.success());
    let said = || fs::read_to_string(vc.path("tmp/said")).unwrap_or_default();
    assert!(ends.iter().all(is_done), "{}", said());
    assert_eq!(vc.kubeconfig(), BASE);
    let left = fs::read_dir(vc.path("home/.kube")).expect("a folder");
    assert_eq!(left.count(), 1);
}

#[test]
fn a_writer_killed_at_any_instant_leaves_a_whole_file() {
    const KILLS: u32 = 200;
    const COUNT: usize = 10;
    let vc = Sandbox::new();
    let path = vc.path("home/.kube/config");
    let full = with_connections(BASE, COUNT);
    vc.write("home/.kube/config", &full);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut readings = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_is_whole(&path);
                readings += 1;
                thread::yield_now();
            }
            readings
        });
        let mut number = 0;
        for kill in 0..KILLS {
            let mut child = vc.start_quietly(&format!("disconnect c{number}"));
            // Spread over the time that a run takes, start and end included.
            thread::sleep(Duration::from_micros(u64::from(kill) * 7919 % 30_000));
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            assert_is_whole(&path);
            age_locks(&vc.path("home/.kube"));
            if !vc.kubeconfig().contains(&context(number)) {
                number = (number + 1) % COUNT;
            }
            if number == 0 {
                vc.write("home/new", &full);
                fs::rename(vc.path("home/new"), &path).expect("a file in the sandbox");
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("no file was broken") > 0);
    });
    let output = vc.run(&format!("disconnect c{}", COUNT - 1));
    assert_eq!(output.code, Some(0), "{output}");
    for number in 0..COUNT - 1 {
        vc.run(&format!("disconnect c{number}"));
    }
    assert_eq!(vc.kubeconfig(), BASE);
}

/// Whether a reader finds a kubeconfig that is valid and to its end.
fn assert_is_whole(path: &Path) {
    let text = fs::read_to_string(path).expect("a file that is always there");
    assert!(
        text.starts_with("# mine\n") && text.ends_with("current-context: host\n"),
        "{text}"
    );
    let kubeconfig = Files::explicit(path)
        .read()
        .expect("a file that is always valid");
    assert!(kubeconfig.cluster("host").is_some());
}

/// Makes locks that were left behind as old as those that are taken over.
fn age_locks(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_name().to_string_lossy().ends_with(".lock") {
            let file = fs::File::open(entry.path())
                .or_else(|_| fs::File::options().write(true).open(entry.path()));
            let time = SystemTime::now() - Duration::from_mins(2);
            if let Ok(file) = file {
                file.set_modified(time).expect("our own file");
            }
        }
    }
}
