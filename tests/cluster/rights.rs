//! A user who may do everything in one namespace, and nothing outside of it.

use crate::support::{Story, json};

const USER: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: user, namespace: team-NAME}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: user, namespace: team-NAME}
rules:
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: user, namespace: team-NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: user}
subjects:
- {kind: ServiceAccount, name: user, namespace: team-NAME}
";

#[test]
fn a_user_of_one_namespace_alone_creates_lists_connects_and_deletes() {
    let story = Story::new("rights");
    let namespace = become_its_user(&story);
    let before = story.kubeconfig();
    let own = story.objects_in(&namespace);
    assert_ne!(story.try_kubectl("get namespaces").code, Some(0));

    story.vc_does(&format!("create NAME -n {namespace}"));
    let inside = story.kubectl("get namespaces -o name");
    assert!(inside.contains("namespace/kube-system"), "{inside}");

    let listed = story.vc_does("list");
    assert!(
        listed.stderr.contains(&format!(
            "you may not list all namespaces; these are of `{namespace}` alone"
        )),
        "{listed}"
    );
    assert!(listed.stdout.contains(&story.name), "{listed}");
    let rows = json(&story.vc_does("list -o json").stdout);
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");

    story.vc_does(&format!("delete NAME -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), own);
    assert_eq!(story.kubeconfig(), before);
    assert_eq!(story.tunnels(), [] as [u64; 0]);
}

#[test]
fn a_namespace_that_may_not_be_made_is_told_with_what_to_do() {
    let story = Story::new("refused");
    become_its_user(&story);
    let refused = story.vc("create NAME");
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.stderr.contains("error: "), "{refused}");
    assert!(refused.stderr.contains("hint: "), "{refused}");
    assert!(!story.has_namespace(&story.namespace()));
}

/// Makes the namespace and gives the story's user the rights in it, and no others.
fn become_its_user(story: &Story) -> String {
    let namespace = story.make_namespace();
    story.apply_to_host(USER);
    let token = story.host(&format!("create token user -n {namespace}"));
    for change in [
        format!("set-credentials user --token={}", token.trim()),
        format!("set-context --current --user=user --namespace={namespace}"),
    ] {
        story.kubectl(&format!("config {change}"));
    }
    namespace
}
