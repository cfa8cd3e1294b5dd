//! `vc create`, from the first byte of the program to the first answer of the cluster.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{Runs, milliseconds, output, time};
use crate::report::{Report, Unit, say};
use crate::world::{World, registry};

/// How often a cluster is made by each program.
const RUNS: usize = 5;

/// A `vcluster` that takes longer than this is given up.
const PATIENCE: Duration = Duration::from_mins(3);

/// The moments of one create, in milliseconds since its start.
struct Moments {
    last_object: f64,
    secret: f64,
    returned: f64,
    answered: f64,
}

/// Makes and deletes clusters by turns with both programs.
pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    let vcluster = world
        .program("vcluster")
        .filter(|_| world.program("helm").is_some());
    let mut ours = Vec::new();
    let mut theirs = Ok(Vec::new());
    for run in 0..RUNS {
        say(&format!("creating a cluster ({} of {RUNS})", run + 1));
        ours.push(create(world, &format!("{}-{run}", world.word))?);
        if let (Some(_), Ok(times)) = (&vcluster, &mut theirs) {
            match create_by_vcluster(world, &format!("{}-v{run}", world.word)) {
                Ok(time) => times.push(time),
                Err(why) => theirs = Err(why),
            }
        }
    }
    let runs = |figure: fn(&Moments) -> f64| Runs::from(ours.iter().map(figure).collect());
    report.figure(
        "`vc create` to the last object applied",
        &runs(|moments| moments.last_object),
        Unit::Milliseconds,
        Some(250.0),
    );
    report.figure(
        "  from its kubeconfig Secret to connected",
        &runs(|moments| moments.returned - moments.secret),
        Unit::Milliseconds,
        Some(250.0),
    );
    let answered = runs(|moments| moments.answered);
    report.figure(
        "  to the first answer for `kubectl`",
        &answered,
        Unit::Seconds,
        None,
    );
    match theirs {
        Ok(times) if times.is_empty() => report.absent("`vcluster create` with `helm`"),
        Ok(times) => report.peer_within("`vcluster create`", &Runs::from(times), 0.65),
        Err(why) => report.failed("`vcluster create`", &why),
    }
    Ok(())
}

fn create(world: &World, name: &str) -> Result<Moments, String> {
    world.reset_kubeconfig()?;
    let secret = format!(
        "get secrets -n vcluster-{name} --field-selector metadata.name=vc-{name} --watch -o name"
    );
    let (mut watch, watched) = lines_of(world.kubectl(&secret), Stream::Stdout)?;
    let begin = Instant::now();
    let (mut child, said) = lines_of(
        world.vc(&format!("create {name} -o json{}", registry())),
        Stream::Stderr,
    )?;
    let status = child.wait();
    let returned = begin.elapsed();
    let first_answer = time(&mut world.kubectl("get namespaces"));
    let answered = begin.elapsed();
    watch.kill().ok();
    watch.wait().ok();
    let said: Vec<(Instant, String)> = said.iter().collect();
    let deleted = output(&mut world.vc(&format!("delete {name}")));
    if !status.is_ok_and(|status| status.success()) {
        let last = said.last().map_or("", |(_, line)| line);
        return Err(format!("`vc create {name}` failed: {last}"));
    }
    first_answer?;
    deleted?;
    let end_of = |step: &str| {
        let begins = format!(r#""step":"{step}"#);
        let line = said
            .iter()
            .find(|(_, line)| line.contains(r#""event":"end""#) && line.contains(&begins));
        line.map(|(when, _)| milliseconds(when.duration_since(begin)))
            .ok_or_else(|| format!("`vc create -o json` did not tell of the end of `{step}`"))
    };
    // Whoever of the two saw the Secret first; both learn of it by a watch.
    let seen_by_vc = end_of("waiting for the control plane")?;
    let seen_by_kubectl = watched
        .iter()
        .next()
        .map(|(when, _)| milliseconds(when.saturating_duration_since(begin)));
    Ok(Moments {
        last_object: end_of("creating the objects")?,
        secret: seen_by_kubectl.map_or(seen_by_vc, |seen| seen.min(seen_by_vc)),
        returned: milliseconds(returned),
        answered: milliseconds(answered),
    })
}

fn create_by_vcluster(world: &World, name: &str) -> Result<f64, String> {
    world.reset_kubeconfig()?;
    let vcluster = world
        .program("vcluster")
        .ok_or("`vcluster` is not on the path")?;
    let run = |arguments: &str| bounded(world.command(&vcluster, arguments));
    // The default image is of a paid product; this is the one that `vc` takes too.
    let image = "--set controlPlane.statefulSet.image.repository=loft-sh/vcluster-oss";
    let image_registry = registry().replace(
        " --registry ",
        " --set controlPlane.advanced.defaultImageRegistry=",
    );
    let begin = Instant::now();
    let answered = run(&format!(
        "create {name} --connect=false --add=false {image}{image_registry}"
    ))
    .and_then(|()| {
        run(&format!(
            "connect {name} --background-proxy=false -- kubectl get namespaces"
        ))
    })
    .map(|()| milliseconds(begin.elapsed()));
    run(&format!("delete {name}")).ok();
    answered
}

/// Runs a program that has to succeed in time.
pub(crate) fn bounded(mut command: Command) -> Result<(), String> {
    let program = format!("{command:?}");
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|error| error.to_string())?;
    let (send, ended) = channel();
    let process = child.id();
    let waiting = thread::spawn(move || send.send(child.wait()));
    let status = ended.recv_timeout(PATIENCE);
    if status.is_err() {
        let process = process.to_string();
        Command::new("kill")
            .args(["-s", "KILL", &process])
            .status()
            .ok();
    }
    waiting.join().ok();
    match status {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program}: {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => Err(format!("{program}: no end within {} s", PATIENCE.as_secs())),
    }
}

/// One of the streams of a program.
#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// Starts a program and notes when each line of one of its streams arrives.
fn lines_of(
    mut command: Command,
    stream: Stream,
) -> Result<(Child, Receiver<(Instant, String)>), String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let reader: Option<Box<dyn Read + Send>> = match stream {
        Stream::Stdout => child.stdout.take().map(|stream| Box::new(stream) as _),
        Stream::Stderr => child.stderr.take().map(|stream| Box::new(stream) as _),
    };
    let reader = BufReader::new(reader.ok_or("a program has no such stream")?);
    let (send, lines) = channel();
    thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            if send.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    });
    Ok((child, lines))
}
