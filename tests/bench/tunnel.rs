//! A tunnel to a pod, beside `kubectl port-forward` to the same pod.
//!
//! Both run as processes of their own and take turns, so that what else the machine does weighs on both alike.

mod child;
mod client;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{Runs, output};
use crate::report::{Report, Unit, say};
use crate::world::{self, World};

pub(crate) use child::{WORD, serve};

/// How often each of the two has its turn.
const TURNS: usize = 3;

/// Small answers in each turn.
const SMALL: usize = 300;

/// Bytes of one download.
const LARGE: u64 = 300_000_000;

/// How many downloads at once.
const STREAMS: usize = 8;

/// How many connections are open at once.
const CROWD: usize = 1000;

/// How long a forwarder may take to take connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one program took.
#[derive(Default)]
struct Figures {
    small: Vec<f64>,
    beside: Vec<f64>,
    refused: Vec<f64>,
    one_stream: Vec<f64>,
    many_streams: Vec<f64>,
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

/// Measures both by turns.
pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    world.reset_kubeconfig()?;
    let namespace = format!("{}-tunnel", world.word);
    serve_bytes(world, &namespace)?;
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for turn in 0..TURNS {
        say(&format!("forwarding a port ({} of {TURNS})", turn + 1));
        ours.take(&mut Forwarder::ours(world, &namespace)?)?;
        theirs.take(&mut Forwarder::kubectl(world, &namespace)?)?;
    }
    ours.report(&theirs, report);
    Ok(())
}

/// A pod that answers with few bytes and with many.
fn serve_bytes(world: &World, namespace: &str) -> Result<(), String> {
    let script = format!(
        "mkdir /www && echo hello >/www/small && truncate -s {LARGE} /www/large && exec httpd -f -p 8080 -h /www"
    );
    let pod = format!(
        r#"{{"apiVersion": "v1", "kind": "List", "items": [
            {{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{namespace}"}}}},
            {{"apiVersion": "v1", "kind": "Pod",
              "metadata": {{"name": "bytes", "namespace": "{namespace}", "labels": {{"app": "bytes"}}}},
              "spec": {{"terminationGracePeriodSeconds": 0, "containers": [{{
                "name": "bytes", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", "{script}"],
                "readinessProbe": {{"tcpSocket": {{"port": 8080}}, "periodSeconds": 1}}}}]}}}}]}}"#
    );
    world.write("bytes.json", &pod)?;
    output(&mut world.kubectl("apply -f bytes.json"))?;
    let wait = format!("wait -n {namespace} --for=condition=Ready pod/bytes --timeout=120s");
    output(&mut world.kubectl(&wait)).map(|_| ())
}

/// A program that forwards a local port to the pod, until dropped.
struct Forwarder {
    child: Child,
    port: u16,
}

impl Forwarder {
    fn ours(world: &World, namespace: &str) -> Result<Self, String> {
        let arguments = format!("{WORD} {namespace} app=bytes 8080");
        Self::start(world.command(&world::own_program()?, &arguments))
    }

    fn kubectl(world: &World, namespace: &str) -> Result<Self, String> {
        Self::start(world.kubectl(&format!("port-forward -n {namespace} pod/bytes :8080")))
    }

    /// Both say the port as the first number after a colon on their first line.
    fn start(mut command: Command) -> Result<Self, String> {
        let failed = |why: &str| format!("a forwarder did not start: {why}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        lines
            .read_line(&mut line)
            .map_err(|error| failed(&error.to_string()))?;
        // Kept open: kubectl says something for each connection.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let digits = line.split(':').nth(1).unwrap_or_default();
        let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
        let port = digits.parse().map_err(|_| failed(line.trim()));
        let forwarder = Self { child, port: port? };
        forwarder.wait()?;
        Ok(forwarder)
    }

    fn wait(&self) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            match client::get(self.port, "small") {
                Err(why) if begin.elapsed() > PATIENCE => return Err(why),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
                Ok(_) => return Ok(()),
            }
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Figures {
    /// Has a program forward what is measured.
    fn take(&mut self, forwarder: &mut Forwarder) -> Result<(), String> {
        for _ in 0..SMALL {
            self.small.push(client::get(forwarder.port, "small")?.0);
        }
        let pid = forwarder.child.id();
        let cpu = world::cpu_seconds(pid);
        self.one_stream.push(client::rate(forwarder.port, 1)?);
        self.many_streams
            .push(client::rate(forwarder.port, STREAMS)?);
        if let (Some(before), Some(after)) = (cpu, world::cpu_seconds(pid)) {
            #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than that")]
            let gigabytes = (LARGE * (1 + STREAMS as u64)) as f64 / 1e9;
            self.cpu.push((after - before) * 1000.0 / gigabytes);
        }
        self.memory.extend(world::memory(pid));
        self.beside.extend(client::beside_a_copy(forwarder.port)?);
        #[expect(clippy::cast_precision_loss, reason = "a thousand at most")]
        self.refused
            .push(client::unanswered(forwarder.port, CROWD) as f64);
        Ok(())
    }

    fn report(self, theirs: &Self, report: &mut Report) {
        let kubectl = "`kubectl port-forward`";
        let mut beside = |what: &str, ours: &Runs, unit, theirs: &Runs, part| {
            report.figure(what, ours, unit, None);
            report.peer_within(kubectl, theirs, part);
        };
        let (small, theirs_small) = (Runs::from(self.small), Runs::from(theirs.small.clone()));
        let (last, theirs_last) = (small.percentile(99.0), theirs_small.percentile(99.0));
        beside(
            "a tunnel: small GET on a new connection",
            &small,
            Unit::Milliseconds,
            &theirs_small,
            0.7,
        );
        beside(
            "  the slowest in a hundred of them",
            &Runs::one(last),
            Unit::Milliseconds,
            &Runs::one(theirs_last),
            1.0,
        );
        let runs = |figures: &[f64]| Runs::from(figures.to_vec());
        beside(
            "  small GET while much is copied",
            &runs(&self.beside),
            Unit::Milliseconds,
            &runs(&theirs.beside),
            1.0,
        );
        beside(
            "  time for a gigabyte in one stream",
            &runs(&self.one_stream),
            Unit::Seconds,
            &runs(&theirs.one_stream),
            1.0,
        );
        beside(
            &format!("  time for a gigabyte in {STREAMS} streams"),
            &runs(&self.many_streams),
            Unit::Seconds,
            &runs(&theirs.many_streams),
            1.0,
        );
        if !self.cpu.is_empty() {
            beside(
                "  processor time for a gigabyte",
                &runs(&self.cpu),
                Unit::Seconds,
                &runs(&theirs.cpu),
                0.5,
            );
        }
        report.figure(
            &format!("  unanswered, of {CROWD} connections open at once"),
            &runs(&self.refused),
            Unit::Count,
            Some(0.0),
        );
        report.peer(kubectl, &runs(&theirs.refused));
        if !self.memory.is_empty() {
            report.figure(
                "  memory afterwards",
                &runs(&self.memory),
                Unit::Megabytes,
                Some(15.0),
            );
            report.peer(kubectl, &runs(&theirs.memory));
        }
    }
}
