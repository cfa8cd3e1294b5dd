//! `vc list` of many clusters.

use serde_json::{Value, json};

use crate::measure::{Runs, output, peak_memory, time};
use crate::report::{Report, Unit, say};
use crate::world::World;

/// How many clusters are listed.
const CLUSTERS: usize = 200;

/// Makes the clusters, measures, and removes them.
pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    world.reset_kubeconfig()?;
    let namespace = format!("{}-many", world.word);
    say(&format!("making {CLUSTERS} clusters to list"));
    output(&mut world.kubectl(&format!("create namespace {namespace}")))?;
    world.write("many.json", &many(&namespace).to_string())?;
    output(&mut world.kubectl("create -f many.json -o name"))?;
    let measured = measure_list(world, report);
    output(&mut world.kubectl(&format!("delete namespace {namespace}")))?;
    measured
}

fn measure_list(world: &World, report: &mut Report) -> Result<(), String> {
    let list = || world.vc("list");
    let ours = Runs::of(11, || time(&mut list()))?;
    report.figure(
        &format!("`vc list` of {CLUSTERS}"),
        &ours,
        Unit::Milliseconds,
        Some(60.0),
    );
    let kubectl = "get statefulsets -A -l app=vcluster";
    let theirs = Runs::of(11, || time(&mut world.kubectl(kubectl)))?;
    report.peer(&format!("`kubectl {kubectl}`"), &theirs);
    if let Some(vcluster) = world.program("vcluster") {
        let list = Runs::of(5, || time(&mut world.command(&vcluster, "list")));
        match list {
            Ok(theirs) => report.peer("`vcluster list`", &theirs),
            Err(why) => report.failed("`vcluster list`", &why),
        }
    } else {
        report.absent("`vcluster list`");
    }

    let (_, log) = output(&mut world.vc("list -v"))?;
    let requests = log
        .lines()
        .filter(|line| line.contains(": requesting "))
        .count();
    // Without such a line in the log there is nothing to count, and a zero would look like a success.
    if requests > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let requests = Runs::one(requests as f64);
        report.figure(
            "  its requests to the host",
            &requests,
            Unit::Count,
            Some(3.0),
        );
    } else {
        report.absent("its requests to the host");
    }
    let peaks: Option<Vec<f64>> = (0..5).map(|_| peak_memory(&mut list())).collect();
    match peaks {
        Some(peaks) => report.figure(
            "  its peak memory",
            &Runs::from(peaks),
            Unit::Megabytes,
            Some(30.0),
        ),
        None => report.absent("its peak memory"),
    }
    let kubectl_peaks: Option<Vec<f64>> = (0..5)
        .map(|_| peak_memory(&mut world.kubectl(kubectl)))
        .collect();
    if let Some(peaks) = kubectl_peaks {
        report.peer("`kubectl`", &Runs::from(peaks));
    }
    Ok(())
}

/// What `list` sees of clusters that need no pods.
fn many(namespace: &str) -> Value {
    let one = |index: usize| {
        let name = format!("many-{index:03}");
        let labels = json!({ "app": "vcluster", "release": name });
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "spec": {
                "replicas": 0,
                "serviceName": name,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "syncer", "image": "ghcr.io/loft-sh/vcluster-oss:0.36.1" }] },
                },
            },
        })
    };
    let items: Vec<Value> = (0..CLUSTERS).map(one).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}
