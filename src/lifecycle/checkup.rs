//! Whether a host has what a virtual cluster needs, asked before one is made.

use serde_json::Value;
use tokio::join;

use crate::cluster::{ClusterRef, Plan};
use crate::driver::vcluster::{self, CreateRequest};
use crate::error::{Error, Kind};
use crate::host::read::Partial;
use crate::host::rights::Right;
use crate::host::{Collection, Host, HostError};

use super::plan::draft;

/// The label by which a namespace says which pods it admits.
const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";
/// The mark of the `StorageClass` that claims get which name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// The older name of that mark, which hosts still heed.
const DEFAULT_CLASS_BETA: &str = "storageclass.beta.kubernetes.io/is-default-class";

/// What a host said.
#[derive(Debug)]
pub struct Checkup {
    /// Its Kubernetes version: the proof that it can be reached.
    pub version: Result<String, HostError>,
    /// What is missing of the rights that making a cluster takes.
    pub missing: Result<Vec<Right>, HostError>,
    /// Whether the control plane keeps its state in a volume of the default `StorageClass`.
    pub needs_storage_class: bool,
    /// The default `StorageClass`, if there is one.
    pub storage_class: Result<Option<String>, HostError>,
    /// What the namespace enforces, if it is there and enforces something.
    pub pod_security: Result<Option<String>, HostError>,
    /// Whether the control plane's pod is admitted where that is `restricted`.
    pub is_restricted_pod: bool,
}

/// Asks a host for all of it: four requests, and one more for each right that it does not list.
pub async fn check_up(host: &Host, reference: &ClusterRef) -> Result<Checkup, Error> {
    let plan = usual_plan(reference)?;
    let namespace = reference.namespace.as_str();
    let (namespaces, classes) = (
        Collection::of("Namespace", None),
        Collection::of("StorageClass", None),
    );
    let (version, found, classes) = join!(
        host.fetch_version(),
        host.fetch::<Partial>(&namespaces, namespace),
        host.list::<Partial>(&classes, ""),
    );
    let missing = host
        .missing_rights(needed(&plan, matches!(found, Ok(None))), namespace)
        .await;
    let is_default = |class: &Partial| {
        [DEFAULT_CLASS, DEFAULT_CLASS_BETA].iter().any(|mark| {
            class
                .metadata
                .annotations
                .get(*mark)
                .is_some_and(|value| value == "true")
        })
    };
    Ok(Checkup {
        version: version.map(|version| version.git_version),
        missing,
        needs_storage_class: plan.objects.iter().any(claims_default_storage),
        storage_class: classes.map(|classes| {
            classes
                .into_iter()
                .find(is_default)
                .map(|class| class.metadata.name)
        }),
        pod_security: found.map(|found| found?.metadata.labels.get(POD_SECURITY).cloned()),
        is_restricted_pod: plan
            .objects
            .iter()
            .filter_map(pod_spec)
            .all(meets_restricted),
    })
}

/// What `vc create` would make with no option at all.
fn usual_plan(reference: &ClusterRef) -> Result<Plan, Error> {
    let chart = vcluster::chart()
        .map_err(|error| Error::new(Kind::Bug, "the built-in chart is broken").because(&error))?;
    let request = CreateRequest {
        reference: reference.clone(),
        values: Value::Object(serde_json::Map::new()),
    };
    draft(&chart, &request)
}

/// The rights that making the objects of a plan, recording the release, and connecting take.
fn needed(plan: &Plan, makes_namespace: bool) -> Vec<Right> {
    let namespace = plan.reference.namespace.as_str();
    let of = |kind: &str, verb: &str| Collection::of(kind, Some(namespace)).right(verb);
    let mut rights = vec![of("Pod", "list"), of("Pod", "watch"), of("Service", "get")];
    rights.extend(["get", "list", "watch", "create", "update"].map(|verb| of("Secret", verb)));
    rights.extend(["get", "create"].map(|verb| of("Pod", verb).on("portforward")));
    if makes_namespace {
        rights.push(Collection::of("Namespace", None).right("create"));
    }
    for object in &plan.objects {
        // Server-side apply is a patch, and a create as well where there is nothing yet.
        rights.extend(
            ["create", "patch"]
                .iter()
                .filter_map(|verb| Right::to(verb, &object.reference)),
        );
    }
    rights.sort();
    rights.dedup();
    rights
}

fn claims_default_storage(object: &crate::cluster::Object) -> bool {
    let templates = object.body.pointer("/spec/volumeClaimTemplates");
    let templates = templates.and_then(Value::as_array).into_iter().flatten();
    templates
        .into_iter()
        .any(|claim| claim.pointer("/spec/storageClassName").is_none())
}

fn pod_spec(object: &crate::cluster::Object) -> Option<&Value> {
    object.body.pointer("/spec/template/spec")
}

/// Whether a pod is as the level `restricted` of the pod security standards wants it, as far as we can fail that.
fn meets_restricted(pod: &Value) -> bool {
    let of_pod = &pod["securityContext"];
    let lists = ["containers", "initContainers"].map(|key| pod[key].as_array());
    lists.into_iter().flatten().flatten().all(|container| {
        let own = &container["securityContext"];
        let either = |pointer: &str| own.pointer(pointer).or_else(|| of_pod.pointer(pointer));
        either("/runAsNonRoot") == Some(&Value::Bool(true))
            && either("/runAsUser") != Some(&Value::from(0))
            && own["allowPrivilegeEscalation"] == false
            && own["capabilities"]["drop"]
                .as_array()
                .is_some_and(|drop| drop.iter().any(|all| all == "ALL"))
            && either("/seccompProfile/type").is_some_and(|kind| kind != "Unconfined")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Name, Namespace};

    fn plan() -> Plan {
        let namespace = Namespace::parse("team-a").unwrap();
        usual_plan(&ClusterRef {
            namespace,
            name: Name::parse("dev").unwrap(),
        })
        .unwrap()
    }

    #[test]
    fn what_is_needed_follows_from_what_is_made() {
        let rights: Vec<String> = needed(&plan(), true)
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(rights.join("\n"));
    }

    #[test]
    fn the_usual_pod_runs_as_root_and_a_strict_one_does_not() {
        assert!(
            !plan()
                .objects
                .iter()
                .filter_map(pod_spec)
                .all(meets_restricted)
        );
        let strict = serde_json::json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            }}],
        });
        assert!(meets_restricted(&strict));
    }
}
