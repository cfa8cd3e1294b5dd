//! The main job: a cluster from nothing, a workload in it, and nothing left of it.

use crate::support::{Story, json};

/// A workload that runs only if what it mounts is there, and is ready only when its volume takes a file.
const WEB: &str = "
apiVersion: v1
kind: Secret
metadata: {name: word}
stringData: {word: secret}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: word}
data: {word: plain}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: words}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Mi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes:
      - {name: secret, secret: {secretName: word}}
      - {name: plain, configMap: {name: word}}
      - {name: words, persistentVolumeClaim: {claimName: words}}
      containers:
      - name: web
        image: busybox:1.36
        command: [sh, -c, 'cat /secret/word /plain/word >/words/both; exec sleep 2147483647']
        readinessProbe:
          exec: {command: [grep, -q, secretplain, /words/both]}
          periodSeconds: 1
        volumeMounts:
        - {name: secret, mountPath: /secret}
        - {name: plain, mountPath: /plain}
        - {name: words, mountPath: /words}
";

#[test]
fn a_cluster_is_made_used_listed_and_leaves_no_trace() {
    let story = Story::new("whole");
    let before = story.kubeconfig();
    let namespace = story.namespace();

    let created = story.vc_does("create NAME");
    assert!(
        created
            .stdout
            .contains(&format!("Created `{}` in `{namespace}` in ", story.name)),
        "{created}"
    );
    let context = format!("vcluster_{}_{namespace}_vc-host", story.name);
    assert_eq!(story.kubectl("config current-context").trim(), context);
    assert!(
        story
            .kubectl("get namespaces -o name")
            .lines()
            .any(|line| line == "namespace/default")
    );

    run_a_workload(&story);
    list_in_every_form(&story);

    let deleted = story.vc_does("delete NAME");
    assert_eq!(
        deleted.stdout,
        format!("Deleted `{}` in `{namespace}`\n", story.name)
    );
    story.assert_no_trace(&before);
    story
        .vc("delete NAME")
        .assert_refused(4, &["error: there is no virtual cluster"]);
    story.vc_does("delete NAME --ignore-missing");
}

fn run_a_workload(story: &Story) {
    let web = story.write("work/web.yaml", WEB);
    story.kubectl(&format!("apply -f {}", web.display()));
    story.kubectl("wait --for=condition=Available deployment/web --timeout=120s");
    let virtual_pods = json(&story.kubectl("get pods -l app=web -o json"));
    let virtual_pod = &virtual_pods["items"][0]["metadata"];
    let namespace = story.namespace();
    let host_pods = story.host_json(&format!("get pods -n {namespace} -l app=web"));
    let host_pod = &host_pods["items"][0]["metadata"];
    let pod = virtual_pod["name"].as_str().expect("a name");
    assert_eq!(
        host_pod["name"],
        format!("{pod}-x-default-x-{}", story.name)
    );
    assert_eq!(
        host_pod["labels"]["vcluster.loft.sh/managed-by"],
        story.name.as_str()
    );
    assert_eq!(host_pod["labels"]["vcluster.loft.sh/namespace"], "default");
    assert_eq!(host_pod["annotations"]["vcluster.loft.sh/object-name"], pod);
    assert_eq!(
        host_pod["annotations"]["vcluster.loft.sh/object-uid"],
        virtual_pod["uid"]
    );
    let owner = &host_pod["ownerReferences"][0];
    assert_eq!(owner["kind"], "Service");
    assert_eq!(owner["name"], story.name.as_str());
}

fn list_in_every_form(story: &Story) {
    let (name, namespace) = (story.name.as_str(), story.namespace());
    let columns = |form: &str| -> Vec<Vec<String>> {
        let listed = story.vc_does(&format!("list -n {namespace} {form}")).stdout;
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        listed.lines().map(cells).collect()
    };
    let table = columns("");
    assert_eq!(
        table[0],
        ["NAME", "NAMESPACE", "STATE", "VERSION", "AGE", "CONNECTED"]
    );
    assert_eq!(table[1][..4], [name, &namespace, "Running", "0.36.1"]);
    assert_eq!(table.len(), 2);
    let wide = columns("-o wide");
    assert!(wide[0].len() > table[0].len(), "{wide:?}");
    assert_eq!(columns("-o name"), [[name]]);

    let everywhere = json(&story.vc_does("list -o json").stdout);
    let everywhere = everywhere.as_array().expect("an array");
    let own = everywhere
        .iter()
        .find(|cluster| cluster["name"] == name)
        .expect("our cluster among all");
    assert_eq!(own["namespace"], namespace.as_str());
    assert_eq!(own["state"], "Running");
    assert_eq!(own["version"], "0.36.1");
    assert_eq!(own["connected"], true);
    assert!(own["created"].is_string(), "{own}");
    let none = story.vc_does("list -n default -o json").stdout;
    assert_eq!(json(&none), json("[]"));
}
