//! What the built-in chart renders, held against the table of value paths.

mod rights;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::builtin;
use super::kind::Kind;
use super::table::{self, Fate};
use crate::helm;

static CHART: LazyLock<helm::Chart> =
    LazyLock::new(|| helm::Chart::from_files(builtin::files()).expect("the embedded chart"));

/// The objects of a release `dev` in a namespace of a host.
fn render_in(namespace: &str, kube_version: &str, values: &Value) -> Result<Vec<Value>, String> {
    let release = helm::ReleaseInfo {
        name: "dev".to_owned(),
        namespace: namespace.to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = helm::Capabilities {
        kube_version: kube_version.to_owned(),
        ..helm::Capabilities::default()
    };
    let prepared = helm::prepare(&CHART, values).map_err(|error| error.to_string())?;
    match helm::render(
        &prepared,
        &release,
        &capabilities,
        &helm::Lookups::default(),
    ) {
        Ok(helm::Rendering::Done(rendered)) => Ok(rendered
            .manifests
            .into_iter()
            .map(|manifest| manifest.object)
            .collect()),
        Ok(_) => Err("the chart looks something up".to_owned()),
        Err(error) => Err(format!("{error:?}")),
    }
}

fn render_on(kube_version: &str, values: &Value) -> Result<Vec<Value>, String> {
    render_in("team-a", kube_version, values)
}

fn render(values: &Value) -> Vec<Value> {
    render_on("v1.36.0", values).expect("the values render")
}

/// What is left when the copies of the whole values are taken out: the configuration and its hash.
fn without_config(mut objects: Vec<Value>) -> Vec<Value> {
    for object in &mut objects {
        if object["metadata"]["name"] == "vc-config-dev" {
            object["data"]["config.yaml"] = json!("(the merged values)");
        }
        if let Some(hash) =
            object.pointer_mut("/spec/template/metadata/annotations/vClusterConfigHash")
        {
            *hash = json!("(the hash of the merged values)");
        }
    }
    objects
}

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}

/// `{"a": {"b": value}}` for `a.b`.
fn nested(path: &str, value: Value) -> Value {
    path.rsplit('.')
        .fold(value, |inner, key| json!({ key: inner }))
}

fn merged(mut base: Value, over: &Value) -> Value {
    match (&mut base, over) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                let below = into.remove(key).unwrap_or(Value::Null);
                into.insert(key.clone(), merged(below, value));
            }
            base
        }
        _ => over.clone(),
    }
}

fn defaults() -> Value {
    let file = builtin::files()
        .into_iter()
        .find(|file| file.name == "values.yaml")
        .expect("the default values");
    yaml_serde::from_slice(&file.data).expect("the default values parse")
}

fn at<'a>(values: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(values, |inside, key| &inside[key])
}

/// A value of the right kind that is not the default.
fn sample(path: &str, kind: &Kind, defaults: &Value) -> Value {
    let default = at(defaults, path);
    match kind {
        Kind::Bool => json!(default != &json!(true)),
        Kind::Int => json!(default.as_u64().unwrap_or(0) + 1),
        Kind::Text if path.ends_with(".version") => json!("v1.0.0"),
        Kind::Text => json!("sample"),
        Kind::Amount => json!(1),
        Kind::Auto if path.ends_with("volumeClaim.enabled") => json!(false),
        Kind::Auto => json!(true),
        Kind::OneOf(choices) => choices
            .iter()
            .find(|choice| default != **choice)
            .map(|choice| json!(choice))
            .expect("two"),
        Kind::Texts => json!(["sample"]),
        Kind::Objects(keys) => json!([{ keys.first().copied().unwrap_or("name"): "sample" }]),
        Kind::Labels => json!({"sample": "1"}),
        Kind::Map => json!({"sample": 1}),
        Kind::Any | Kind::Only(_) => unreachable!("refused paths have no sample"),
    }
}

/// Surroundings in which paths matter: by themselves, with what they belong to switched on, without a volume claim.
fn surroundings() -> Vec<Value> {
    let mapping = json!({"mappings": {"byName": {"a/b": "c/d"}}});
    let needed = json!({
        "sync": {"fromHost": {"configMaps": mapping, "secrets": mapping}},
        "controlPlane": {
            "ingress": {"host": "api.example.com"},
            "backingStore": {"etcd": {"external": {"endpoint": "etcd:2379"}}},
        },
    });
    let switched_on = json!({
        "controlPlane": {
            "ingress": {"enabled": true},
            "advanced": {"podDisruptionBudget": {"enabled": true}},
        },
        "policies": {"networkPolicy": {"enabled": true}, "resourceQuota": {"enabled": true}},
        "sync": {"fromHost": {
            "nodes": {"enabled": true},
            "configMaps": {"enabled": true},
            "secrets": {"enabled": true},
        }},
        "networking": {"advanced": {"proxyKubelets": {"byHostname": false}}},
    });
    let external =
        json!({"controlPlane": {"backingStore": {"etcd": {"external": {"enabled": true}}}}});
    let no_claim = nested(
        "controlPlane.statefulSet.persistence.volumeClaim.enabled",
        json!(false),
    );
    vec![
        merged(needed.clone(), &switched_on),
        needed.clone(),
        merged(needed.clone(), &external),
        merged(needed, &no_claim),
    ]
}

#[test]
fn every_default_is_in_the_table_and_none_is_refused() {
    fn walk(values: &Map<String, Value>, above: &str) {
        for (key, value) in values {
            let path = if above.is_empty() {
                key.clone()
            } else {
                format!("{above}.{key}")
            };
            match (table::rows().get(path.as_str()), value) {
                (Some(row), value) => match row.fate {
                    Fate::Refused { .. } => assert!(row.kind.lets_through(value), "{path}"),
                    Fate::Acts | Fate::Passes => {
                        assert_eq!(row.kind.check(value), Ok(()), "{path}");
                    }
                },
                (None, Value::Object(below)) => walk(below, &path),
                (None, _) => panic!("`{path}` has a default and no row in the table"),
            }
        }
    }
    walk(defaults().as_object().expect("a map"), "");
}

fn samples(fate: Fate) -> Vec<(&'static str, Value)> {
    let defaults = defaults();
    let rows = table::rows().iter().filter(|(_, row)| row.fate == fate);
    rows.map(|(path, row)| (*path, nested(path, sample(path, &row.kind, &defaults))))
        .collect()
}

#[test]
fn each_path_that_acts_changes_an_object() {
    let surroundings: Vec<_> = surroundings()
        .into_iter()
        .map(|values| (without_config(render(&values)), values))
        .collect();
    for (path, over) in samples(Fate::Acts) {
        assert_eq!(table::check(&over), Ok(()), "{path}");
        let changes = surroundings.iter().any(|(plain, values)| {
            render_on("v1.36.0", &merged(values.clone(), &over))
                .is_ok_and(|changed| without_config(changed) != *plain)
        });
        assert!(changes, "`{path}` changes no object");
    }
}

#[test]
fn no_path_that_only_passes_changes_an_object() {
    let over = samples(Fate::Passes)
        .into_iter()
        .fold(json!({}), |all, (_, over)| merged(all, &over));
    let over = merged(
        over,
        &nested("exportKubeConfig.server", json!("https://api.example.com")),
    );
    // It contradicts the external etcd of one of the surroundings, which is refused.
    let over = merged(
        over,
        &nested(
            "controlPlane.backingStore.database.embedded.enabled",
            json!(false),
        ),
    );
    assert_eq!(table::check(&over), Ok(()));
    for values in surroundings() {
        assert_eq!(
            without_config(render(&merged(values.clone(), &over))),
            without_config(render(&values))
        );
    }
}

#[test]
fn the_default_objects() {
    let text: Vec<String> = without_config(render(&json!({})))
        .iter()
        .map(|object| yaml_serde::to_string(object).expect("objects are plain data"))
        .collect();
    insta::assert_snapshot!(text.join("---\n"));
}

#[test]
fn nothing_is_cluster_scoped_by_default() {
    for object in render(&json!({})) {
        assert_eq!(
            object["metadata"]["namespace"], "team-a",
            "{}",
            object["kind"]
        );
    }
}

#[test]
fn the_configuration_is_the_merged_values() {
    use base64::Engine as _;

    let values = json!({"sync": {"toHost": {"ingresses": {"enabled": true}}}});
    let objects = render(&values);
    let secret = find(&objects, "Secret", "vc-config-dev").expect("the configuration");
    let data = secret["data"]["config.yaml"].as_str().expect("text");
    let yaml = base64::engine::general_purpose::STANDARD
        .decode(data)
        .expect("base64");
    let config: Value = yaml_serde::from_slice(&yaml).expect("yaml");
    assert_eq!(config, merged(defaults(), &values));
}

#[test]
fn any_change_of_the_values_changes_the_pod() {
    let hash = |values: &Value| {
        let objects = render(values);
        let workload = find(&objects, "StatefulSet", "dev").expect("the workload");
        workload["spec"]["template"]["metadata"]["annotations"]["vClusterConfigHash"].clone()
    };
    assert_eq!(hash(&json!({})), hash(&json!({})));
    assert_ne!(
        hash(&json!({})),
        hash(&nested("networking.advanced.clusterDomain", json!("test")))
    );
}

#[test]
fn without_a_volume_claim_the_workload_is_a_deployment_with_its_state_in_the_pod() {
    let objects = render(&nested(
        "controlPlane.statefulSet.persistence.volumeClaim.enabled",
        json!(false),
    ));
    let workload = find(&objects, "Deployment", "dev").expect("the workload");
    assert_eq!(workload["spec"]["strategy"], json!({"type": "Recreate"}));
    let volumes = workload["spec"]["template"]["spec"]["volumes"]
        .as_array()
        .expect("volumes");
    assert!(
        volumes.contains(&json!({"name": "data", "emptyDir": {}})),
        "{volumes:?}"
    );
    assert!(find(&objects, "Service", "dev-headless").is_none());
}

#[test]
fn a_registry_takes_the_place_of_every_image_s_own() {
    let objects = render(&nested(
        "controlPlane.advanced.defaultImageRegistry",
        json!("mirror.test:5000/"),
    ));
    let pod =
        &find(&objects, "StatefulSet", "dev").expect("the workload")["spec"]["template"]["spec"];
    assert_eq!(
        pod["containers"][0]["image"],
        "mirror.test:5000/loft-sh/vcluster-oss:0.36.1"
    );
    assert_eq!(
        pod["initContainers"][0]["image"],
        "mirror.test:5000/loft-sh/kubernetes:v1.36.0"
    );
}

#[test]
fn text_of_the_user_stays_text() {
    let value = "{{ .Values }}: \"x\"\n- y # z";
    let objects = render(&json!({"controlPlane": {
        "statefulSet": {"env": [{"name": "A", "value": value}], "pods": {"annotations": {"note": value}}},
    }}));
    let template = &find(&objects, "StatefulSet", "dev").expect("the workload")["spec"]["template"];
    assert_eq!(template["metadata"]["annotations"]["note"], value);
    let env = template["spec"]["containers"][0]["env"]
        .as_array()
        .expect("env");
    assert_eq!(env.last().expect("one")["value"], value);
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let etcd = json!({"controlPlane": {"backingStore": {"etcd": {"external": {"enabled": true, "endpoint": "e:1"}}}}});
    let replicas = nested(
        "controlPlane.statefulSet.highAvailability.replicas",
        json!(3),
    );
    let cases = [
        (replicas.clone(), "more than one replica needs"),
        (
            nested("controlPlane.ingress.enabled", json!(true)),
            "controlPlane.ingress.host",
        ),
        (
            nested("sync.fromHost.secrets.enabled", json!(true)),
            "sync.fromHost.secrets.mappings.byName",
        ),
        (
            nested("controlPlane.distro.k8s.scheduler.enabled", json!(true)),
            "sync.fromHost.nodes.enabled",
        ),
        (
            nested(
                "controlPlane.backingStore.etcd.external.enabled",
                json!(true),
            ),
            "endpoint",
        ),
        (
            nested("controlPlane.statefulSet.pods.labels", json!({"app": "x"})),
            "the label `app`",
        ),
        (
            nested("controlPlane.distro.k8s.version", json!("1.35")),
            "controlPlane.distro.k8s.version",
        ),
        (
            nested("exportKubeConfig.server", json!("api.test")),
            "exportKubeConfig.server",
        ),
        (
            nested(
                "controlPlane.statefulSet.persistence.dataVolume",
                json!([{"name": "data"}]),
            ),
            "dataVolume",
        ),
    ];
    for (values, expected) in cases {
        let error = render_on("v1.36.0", &values).expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
    let objects = render(&merged(etcd, &replicas));
    assert_eq!(
        find(&objects, "Deployment", "dev").expect("the workload")["spec"]["replicas"],
        3
    );
    assert!(
        rights::rights(&objects, "Role", "vc-dev")
            .contains(&format!("coordination.k8s.io/leases: {}", rights::WRITE))
    );
}
