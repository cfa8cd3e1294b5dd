//! The process in the background: what it costs, and how long the credential plugin takes when all is well.

mod relay;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vc::tunnel::background::{Agent, Answer, Ask, Environment, Key, Opening, Place, Way};

use self::relay::Relay;
use crate::measure::{Runs, output, time};
use crate::report::{Report, Unit, say};
use crate::world::{self, World};

/// How often the plugin is called.
const CALLS: usize = 200;

/// How many tunnels are many.
const MANY: usize = 50;

/// How long an agent is watched that has nothing to do.
const IDLE: Duration = Duration::from_secs(20);

/// How long pods may take to run.
const PATIENCE: Duration = Duration::from_mins(3);

/// Measures one agent with one tunnel, and then with many.
pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    world.reset_kubeconfig()?;
    let name = format!("{}-agent", world.word);
    let relay = Relay::before(world)?;
    say("creating a cluster for the credential plugin");
    output(&mut world.vc(&format!("create {name}")))?;
    let process = agent_of(world)?;
    calls(world, &relay, report)?;
    let one = world::memory(process).ok_or("the system does not tell what a process holds")?;
    report.figure(
        "the agent: memory with 1 tunnel",
        &Runs::one(one),
        Unit::Megabytes,
        Some(15.0),
    );
    rest(process, "  of a processor, with 1 idle tunnel", report)?;
    say(&format!("opening {MANY} tunnels"));
    if let Err(why) = open_many(world, &relay).and_then(|()| with_many(process, report)) {
        report.failed(&format!("memory with {MANY} tunnels"), &why);
    }
    output(&mut world.vc("tunnels stop --all"))?;
    output(&mut world.vc(&format!("delete {name}"))).map(|_| ())
}

/// What the agent takes when it keeps many tunnels.
fn with_many(process: u32, report: &mut Report) -> Result<(), String> {
    let many = world::memory(process).ok_or("the system does not tell what a process holds")?;
    report.figure(
        &format!("  memory with {MANY} tunnels"),
        &Runs::one(many),
        Unit::Megabytes,
        Some(25.0),
    );
    let what = format!("  of a processor, with {MANY} idle tunnels");
    rest(process, &what, report)
}

/// Calls the plugin as the user's kubeconfig says.
fn calls(world: &World, relay: &Relay, report: &mut Report) -> Result<(), String> {
    let kubeconfig: Value = yaml_serde::from_str(&world.read("kubeconfig")?)
        .map_err(|error| format!("the kubeconfig cannot be read: {error}"))?;
    let users = kubeconfig["users"].as_array().into_iter().flatten();
    let exec = users
        .filter_map(|user| user["user"].get("exec"))
        .find(|exec| exec["args"][0] == "credential")
        .ok_or("the kubeconfig has no credential plugin of ours")?;
    let program = exec["command"].as_str().unwrap_or_default();
    let arguments = exec["args"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    let line = arguments.join(" ");
    let mut asking = 0.0;
    let call = || {
        let before = relay.sent();
        let time = time(&mut world.command(Path::new(program), &line))?;
        if relay.sent() > before {
            asking += 1.0;
        }
        Ok(time)
    };
    let times = Runs::of(CALLS, call)?;
    let last = times.percentile(99.0);
    report.figure(
        "the credential plugin, when all is well",
        &times,
        Unit::Milliseconds,
        Some(5.0),
    );
    report.figure(
        "  the slowest in a hundred calls",
        &Runs::one(last),
        Unit::Milliseconds,
        None,
    );
    report.figure(
        &format!("  of {CALLS} calls, those in which the host was asked something"),
        &Runs::one(asking),
        Unit::Count,
        Some(0.0),
    );
    Ok(())
}

/// The part of a processor that the agent takes while nobody asks it anything.
fn rest(process: u32, what: &str, report: &mut Report) -> Result<(), String> {
    let taken = || world::cpu_seconds(process).ok_or("the system does not tell processor times");
    let (before, begin) = (taken()?, Instant::now());
    thread::sleep(IDLE);
    let part = (taken()? - before) / begin.elapsed().as_secs_f64();
    report.figure(what, &Runs::one(part * 100.0), Unit::Percent, Some(0.1));
    Ok(())
}

/// The process of the agent.
fn agent_of(world: &World) -> Result<u32, String> {
    let holder = world.read(".local/state/vc/tunnels/agent.lock")?;
    let holder: Value = serde_json::from_str(&holder).map_err(|error| error.to_string())?;
    let process = holder["pid"].as_u64().and_then(|pid| pid.try_into().ok());
    process.ok_or_else(|| "no agent says which process it is".to_owned())
}

/// Has the agent keep so many tunnels, each to a pod of its own that only looks like a control plane.
fn open_many(world: &World, relay: &Relay) -> Result<(), String> {
    let namespace = format!("{}-many", world.word);
    let names: Vec<String> = (1..MANY).map(|number| format!("b{number}")).collect();
    let pods = names.iter().map(|name| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": namespace,
                "labels": { "app": "vcluster", "release": name },
            },
            "spec": { "terminationGracePeriodSeconds": 0, "containers": [{
                "name": "syncer", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "3600"],
            }] },
        })
    });
    let own = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    let items: Vec<Value> = std::iter::once(own).chain(pods).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });

    let agent = Agent::new(
        Place::new(&world.path(".local/state/vc"), None),
        Path::new(world::VC).to_owned(),
        vec!["agent".to_owned()],
        Environment::default(),
    );
    let ask = |ask: &Ask| agent.ask_running(ask).map_err(|error| error.to_string());
    let Some(Answer::Tunnels { tunnels }) = ask(&Ask::List)? else {
        return Err("the agent does not tell its tunnels".to_owned());
    };
    let first = tunnels.first().ok_or("the agent has no tunnel")?;

    // The current context is the virtual cluster; the pods are to be on its host.
    let host = &first.host_context;
    world.write("many.json", &list.to_string())?;
    output(&mut world.kubectl(&format!("apply --context {host} -f many.json")))?;
    let seconds = PATIENCE.as_secs();
    output(&mut world.kubectl(&format!(
        "wait --context {host} -n {namespace} --for=condition=Ready pods --all --timeout={seconds}s"
    )))?;

    for name in &names {
        let opening = Opening {
            key: Key {
                host: relay.url().to_owned(),
                namespace: namespace.clone(),
                name: name.clone(),
            },
            uid: String::new(),
            way: Way {
                context: first.host_context.clone(),
                kubeconfigs: vec![world.path("kubeconfig")],
            },
            contexts_in: Vec::new(),
            environment: Environment::default(),
        };
        match ask(&Ask::Open(Box::new(opening)))? {
            Some(Answer::Opened { .. }) => {}
            other => return Err(format!("a tunnel is not opened: {other:?}")),
        }
    }
    let begin = Instant::now();
    loop {
        let ready = match ask(&Ask::List)? {
            Some(Answer::Tunnels { tunnels }) => {
                let ready = tunnels.iter().filter(|tunnel| tunnel.state == "ready");
                ready.count()
            }
            _ => 0,
        };
        if ready >= MANY {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("only {ready} of {MANY} tunnels are ready"));
        }
        thread::sleep(Duration::from_millis(100));
    }
}
