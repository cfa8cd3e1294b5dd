//! `vc tunnels`, and the one agent in the background that keeps them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::{cluster::running, sandbox::Sandbox};

#[test]
fn without_an_agent_there_are_none_and_none_is_started() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("tunnels"));
    assert_snapshot!(vc.run("tunnels -o json"));
    assert_snapshot!(vc.run("tunnels stop --all"));
    assert_snapshot!(vc.run("tunnels stop dev"));
    assert_eq!(vc.agent(), None);
    assert_eq!(vc.calls(), "");
}

#[test]
fn one_agent_keeps_the_tunnels_of_all_clusters() {
    let vc = Sandbox::new().with(running("dev")).with(running("test"));
    vc.run("connect dev");
    let agent = vc.agent();
    vc.run("connect test");
    assert_eq!(vc.agent(), agent);
    assert_eq!(vc.tunnels().len(), 2);
    assert_snapshot!(vc.run("tunnels -o name"));
    assert_snapshot!(vc.run("tunnels stop dev"));
    assert_snapshot!(vc.run("tunnels -o name"));
    assert_snapshot!(vc.run("tunnels stop --all"));
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
    // Its lock is free, so it is about to end.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while vc.agent().is_some() {
        assert!(std::time::Instant::now() < end, "the agent goes on");
    }
}

#[test]
fn many_commands_at_once_start_one_agent() {
    let clusters = ["a", "b", "c", "d", "e", "f"];
    let vc = Sandbox::new().with_all(clusters.map(running));
    let started = clusters.map(|name| vc.start(&format!("connect {name} --no-switch")));
    for started in started {
        let output = started.finish();
        assert_eq!(output.code, Some(0), "{output}");
    }
    let log = std::fs::read_to_string(vc.path("state/vc/tunnels/agent.log")).expect("its log");
    assert_eq!(log.matches("the agent begins").count(), 1, "{log}");
    assert_eq!(vc.tunnels().len(), clusters.len());
}

#[test]
fn an_agent_that_was_killed_is_started_again_with_every_tunnel() {
    let vc = Sandbox::new().with(running("dev")).with(running("test"));
    vc.run("connect dev");
    vc.run("connect test");
    let ports = vc.tunnels();
    vc.kill_agent();
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(vc.tunnels(), ports);
    // Nobody has connected to it anew: its port is listened on, and its host is asked when it is used.
    let output = vc.run("list --context vcluster_test_vcluster-test_host");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn an_agent_whose_socket_is_gone_is_replaced() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    let agent = vc.agent();
    std::fs::remove_dir_all(vc.path("run")).expect("a folder");
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(vc.agent().is_some() && vc.agent() != agent);
}

/// A process that holds the place of an agent and is of another version.
struct Other {
    thread: JoinHandle<Vec<String>>,
}

impl Other {
    /// Answers each question with the next of these, and ends after the last.
    fn take_place(vc: &Sandbox, answers: &'static [&'static str]) -> Self {
        let folder = vc.path("state/vc/tunnels");
        std::fs::create_dir_all(&folder).expect("a folder");
        let socket = vc.path("run/other.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let lock = std::fs::File::create(folder.join("agent.lock")).expect("a file");
        lock.try_lock().expect("a lock that nobody has");
        let holder = serde_json::json!({ "pid": std::process::id(), "socket": socket, "vc": "x" });
        (&lock)
            .write_all(holder.to_string().as_bytes())
            .expect("a file");
        let thread = thread::spawn(move || {
            let _held = lock;
            let ask = |answer: &&str| {
                let (stream, _) = listener.accept().expect("a question");
                let mut line = String::new();
                let mut reader = BufReader::new(stream);
                reader.read_line(&mut line).expect("a line");
                writeln!(reader.get_mut(), "{answer}").expect("somebody who waits");
                line
            };
            answers.iter().map(ask).collect()
        });
        Self { thread }
    }

    /// The questions that it was asked.
    fn questions(self) -> Vec<String> {
        self.thread.join().expect("all answers were asked for")
    }
}

#[test]
fn an_agent_of_an_older_version_is_replaced() {
    let vc = Sandbox::new().with(running("dev"));
    let other = Other::take_place(
        &vc,
        &[
            r#"{"vc":"0.0.1","answer":{"is":"tunnels","tunnels":[]}}"#,
            r#"{"vc":"0.0.1","answer":{"is":"outdated"}}"#,
            r#"{"vc":"0.0.1","answer":{"is":"left","openings":[]}}"#,
        ],
    );
    let _ = vc.run("tunnels");
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(other.questions()[2].contains(r#""what":"leave""#));
    assert_eq!(vc.tunnels().len(), 1);
}

#[test]
fn an_agent_of_a_newer_version_says_so() {
    let vc = Sandbox::new().with(running("dev"));
    let other = Other::take_place(
        &vc,
        &[concat!(
            r#"{"vc":"99.0.0","answer":{"is":"failed","code":1,"#,
            r#""message":"the agent in the background is of `vc` 99.0.0, and this is `vc` 0.1.0","#,
            r#""causes":[],"hints":["use the newer `vc`"]}}"#
        )],
    );
    assert_snapshot!(vc.run("connect dev"));
    other.questions();
}

/// Asks the agent of this sandbox as a program of another version would.
fn ask_as(vc: &Sandbox, version: &str, ask: &serde_json::Value) -> serde_json::Value {
    let holder = std::fs::read(vc.path("state/vc/tunnels/agent.lock")).expect("an agent");
    let holder: serde_json::Value = serde_json::from_slice(&holder).expect("JSON");
    let socket = holder["socket"].as_str().expect("a path");
    let mut stream = UnixStream::connect(socket).expect("somebody who listens");
    let question = serde_json::json!({ "vc": version, "protocol": 1, "ask": ask });
    writeln!(stream, "{question}").expect("somebody who reads");
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("an answer");
    let reply: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    reply["answer"].clone()
}

fn until_no_agent(vc: &Sandbox) {
    let end = Instant::now() + Duration::from_secs(20);
    while vc.agent().is_some() {
        assert!(Instant::now() < end, "the agent goes on");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_agent_hands_its_tunnels_over_to_a_newer_one() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with(running("test"))
        .with_variable("CLOUD_PROFILE", "mine");
    vc.run("connect dev");
    vc.run("connect test");
    let ports = vc.tunnels();
    let list = serde_json::json!({ "what": "list" });
    assert_eq!(ask_as(&vc, "99.0.0", &list)["is"], "outdated");
    let left = ask_as(&vc, "99.0.0", &serde_json::json!({ "what": "leave" }));
    let openings = left["openings"].as_array().expect("a list");
    let names: Vec<_> = openings
        .iter()
        .map(|opening| opening["key"]["name"].as_str())
        .collect();
    assert_eq!(names, [Some("dev"), Some("test")]);
    for opening in openings {
        assert_eq!(opening["environment"]["CLOUD_PROFILE"], "mine");
    }
    until_no_agent(&vc);
    // Nobody has closed them: the next agent listens on the same ports.
    let output = vc.run("list --context vcluster_test_vcluster-test_host -o json");
    assert_eq!(output.stdout, "[]\n", "{output}");
    assert_eq!(vc.tunnels(), ports);
}

#[test]
fn a_newer_program_takes_over_the_tunnels_of_the_agent_that_it_replaces() {
    let vc = Sandbox::new().with(running("dev")).with(running("test"));
    vc.run("connect dev");
    vc.run("connect test");
    let ports = vc.tunnels();
    let left = ask_as(&vc, "99.0.0", &serde_json::json!({ "what": "leave" }));
    until_no_agent(&vc);
    std::fs::remove_file(vc.path("state/vc/tunnels/agent.lock")).expect("a file");
    let reply = serde_json::json!({ "vc": "0.0.1", "answer": left }).to_string();
    let replies: &'static [&'static str] = Vec::leak(vec![
        r#"{"vc":"0.0.1","answer":{"is":"outdated"}}"#,
        String::leak(reply),
    ]);
    let other = Other::take_place(&vc, replies);
    let output = vc.run("connect dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(other.questions()[1].contains(r#""what":"leave""#));
    let open = vc.run("tunnels -o name");
    assert_eq!(open.stdout, "dev\ntest\n", "{open}");
    assert_eq!(vc.tunnels(), ports);
}

#[test]
fn an_agent_that_nobody_uses_ends_and_comes_back() {
    let vc = Sandbox::new().with(running("dev"));
    vc.write("config/vc/config.yaml", "agent_idle: 1s\n");
    vc.run("connect dev");
    until_no_agent(&vc);
    let log = vc.read("state/vc/tunnels/agent.log");
    assert!(log.contains("nobody has used a tunnel for long"), "{log}");
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(output.stdout, "[]\n", "{output}");
    let log = vc.read("state/vc/tunnels/agent.log");
    assert_eq!(log.matches("the agent begins").count(), 2, "{log}");
}

#[test]
fn an_agent_that_is_used_does_not_end() {
    let vc = Sandbox::new().with(running("dev"));
    vc.write("config/vc/config.yaml", "agent_idle: 2s\n");
    vc.run("connect dev");
    let agent = vc.agent();
    let port = u16::try_from(vc.tunnels()[0]).expect("a port");
    // Silent, and yet somebody's.
    let connection = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a tunnel");
    thread::sleep(Duration::from_secs(4));
    assert!(agent.is_some() && vc.agent() == agent);
    drop(connection);
    until_no_agent(&vc);
}

#[test]
fn a_log_that_is_long_begins_anew() {
    let vc = Sandbox::new().with(running("dev"));
    let before = format!("{}\n", "x".repeat(1 << 20));
    vc.write("state/vc/tunnels/agent.log", &before);
    vc.run("connect dev");
    let log = vc.read("state/vc/tunnels/agent.log");
    assert!(log.contains("the agent begins") && log.len() < 1 << 20);
    assert_eq!(vc.read("state/vc/tunnels/agent.log.1"), before);
}
