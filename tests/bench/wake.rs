//! `vc wake`, from the first byte of the program to the first answer of the cluster.

use std::time::Instant;

use crate::create::bounded;
use crate::measure::{Runs, milliseconds, time};
use crate::report::{Report, Unit, say};
use crate::world::{World, registry};

/// How often a cluster is woken by each program.
const RUNS: usize = 5;

/// Wakes one cluster by turns with both programs.
pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    let name = format!("{}-w", world.word);
    world.reset_kubeconfig()?;
    let measured = time(&mut world.vc(&format!("create {name}{}", registry())))
        .and_then(|_| wake_by_turns(world, &name));
    world.reset_kubeconfig()?;
    time(&mut world.vc(&format!("delete {name}")))?;
    let (returned, answered, theirs) = measured?;
    report.figure("`vc wake`", &Runs::from(returned), Unit::Seconds, None);
    report.figure(
        "  to the first answer for `kubectl`",
        &Runs::from(answered),
        Unit::Seconds,
        None,
    );
    match theirs {
        Ok(times) if times.is_empty() => report.absent("`vcluster resume` and `connect`"),
        Ok(times) => {
            report.peer_within("`vcluster resume` and `connect`", &Runs::from(times), 0.9);
        }
        Err(why) => report.failed("`vcluster resume` and `connect`", &why),
    }
    Ok(())
}

/// The milliseconds to the end of `vc wake`, to the first answer after it, and to that by `vcluster`.
type Times = (Vec<f64>, Vec<f64>, Result<Vec<f64>, String>);

fn wake_by_turns(world: &World, name: &str) -> Result<Times, String> {
    let vcluster = world.program("vcluster");
    let (mut returned, mut answered, mut theirs) = (Vec::new(), Vec::new(), Ok(Vec::new()));
    for run in 0..RUNS {
        say(&format!("waking a cluster ({} of {RUNS})", run + 1));
        world.reset_kubeconfig()?;
        time(&mut world.vc(&format!("connect {name}")))?;
        time(&mut world.vc(&format!("sleep {name}")))?;
        let begin = Instant::now();
        returned.push(time(&mut world.vc(&format!("wake {name}")))?);
        time(&mut world.kubectl("get namespaces"))?;
        answered.push(milliseconds(begin.elapsed()));
        if let (Some(vcluster), Ok(times)) = (&vcluster, &mut theirs) {
            world.reset_kubeconfig()?;
            time(&mut world.vc(&format!("sleep {name}")))?;
            let begin = Instant::now();
            let resumed =
                bounded(world.command(vcluster, &format!("resume {name}"))).and_then(|()| {
                    let connect = format!(
                        "connect {name} --background-proxy=false -- kubectl get namespaces"
                    );
                    bounded(world.command(vcluster, &connect))
                });
            match resumed {
                Ok(()) => times.push(milliseconds(begin.elapsed())),
                Err(why) => {
                    theirs = Err(why);
                    time(&mut world.vc(&format!("wake {name}")))?;
                }
            }
        }
    }
    Ok((returned, answered, theirs))
}
