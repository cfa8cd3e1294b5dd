//! `vc template`.

use insta::assert_snapshot;

use crate::support::sandbox::Sandbox;

/// A chart with everything that decides what is printed, and in which order.
fn chart(vc: &Sandbox) {
    let files = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n\
             - {name: low, version: ^1.0.0, alias: lower, condition: lower.enabled}\n",
        ),
        ("values.yaml", "global: {tier: gold}\nlower: {size: 3}\n"),
        (
            "templates/a.yaml",
            "kind: Service\nmetadata: {name: '{{ .Release.Name }}'}\nversion: {{ .Capabilities.KubeVersion }}\n\
             upgrade: {{ .Release.IsUpgrade }}\n---\nkind: ConfigMap\nhas: {{ .Capabilities.APIVersions.Has \"x.y/v1\" }}\n",
        ),
        (
            "templates/hook.yaml",
            "kind: Job\nmetadata:\n  name: first\n  annotations: {helm.sh/hook: pre-install}\n",
        ),
        (
            "templates/tests/test.yaml",
            "kind: Pod\nmetadata:\n  name: try\n  annotations: {helm.sh/hook: test}\n",
        ),
        ("templates/NOTES.txt", "for people"),
        ("crds/kind.yaml", "kind: CustomResourceDefinition\n"),
        ("charts/low/Chart.yaml", "name: low\nversion: 1.2.3\n"),
        ("charts/low/values.yaml", "size: 1\n"),
    ];
    for (name, text) in files {
        vc.write(&format!("work/top/{name}"), text);
    }
}

#[test]
fn what_a_chart_makes_is_printed_as_helm_does() {
    let vc = Sandbox::new();
    chart(&vc);
    assert_snapshot!(vc.run("template dev --chart top"));
    assert_snapshot!(vc.run(
        "template --chart top -n team --include-crds --no-hooks --is-upgrade --kube-version 1.30 -a x.y/v1 --set lower.size=7"
    ));
    assert_eq!(vc.calls(), "");
}

#[test]
fn a_chart_that_was_given_up_is_named() {
    let vc = Sandbox::new();
    vc.write(
        "work/old/Chart.yaml",
        "apiVersion: v2\nname: old\nversion: 1.0.0\ndeprecated: true\n",
    );
    let output = vc.run("template dev --chart old");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(output.stderr, "note: the chart `old` is deprecated\n");
}

#[test]
fn one_template_can_be_shown_alone() {
    let vc = Sandbox::new();
    chart(&vc);
    assert_snapshot!(
        vc.run("template dev --chart top -s templates/*.yaml -s templates/tests/test.yaml")
    );
    assert_snapshot!(vc.run("template dev --chart top -s templates/none.yaml"));
    assert_snapshot!(vc.run("template dev --chart top --skip-tests --set lower.enabled=false"));
}

#[test]
fn the_host_is_asked_only_with_live_and_only_what_the_chart_looks_for() {
    let vc = Sandbox::new();
    chart(&vc);
    vc.run("template dev --chart top --live");
    assert_snapshot!(vc.calls());
    let vc = Sandbox::new();
    vc.run("template dev --live");
    assert_snapshot!(vc.calls());
}

#[test]
fn values_come_from_files_and_flags_in_helm_s_order() {
    let vc = Sandbox::new();
    for (name, text) in [
        ("Chart.yaml", "name: v\nversion: 1.0.0\n"),
        ("values.yaml", "a: {kept: 1, gone: 2}\n"),
        ("templates/v.yaml", "{{ toYaml .Values }}\n"),
    ] {
        vc.write(&format!("work/v/{name}"), text);
    }
    vc.write("work/first.yaml", "a: {gone: null}\nb: first\nc: first\n");
    vc.write("work/second.yaml", "b: second\n");
    vc.write("work/text.txt", "from a file\n");
    assert_snapshot!(vc.run(
        "template --chart v -f first.yaml -f second.yaml --set c=third,n=5 --set-string s=5 --set-json j={\"x\":[1]} \
         --set-file f=text.txt --set-literal l=a,b"
    ));
}

#[test]
fn bad_charts_and_values_are_told_of() {
    let vc = Sandbox::new();
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("none", &[("README.md", "nothing")]),
        (
            "missing",
            &[(
                "Chart.yaml",
                "name: m\nversion: 1.0.0\ndependencies: [{name: a, version: 1.x}, {name: b, version: 1.x}]\n",
            )],
        ),
        (
            "schema",
            &[
                ("Chart.yaml", "name: s\nversion: 1.0.0\n"),
                ("values.yaml", "sub: {size: big}\n"),
                (
                    "values.schema.json",
                    r#"{"required": ["name"], "properties": {"count": {"type": "integer"}}}"#,
                ),
                ("charts/sub/Chart.yaml", "name: sub\nversion: 1.0.0\n"),
                (
                    "charts/sub/values.schema.json",
                    r#"{"properties": {"size": {"type": "number"}}}"#,
                ),
            ],
        ),
    ];
    for (folder, files) in cases {
        for (name, text) in files {
            vc.write(&format!("work/{folder}/{name}"), text);
        }
        let arguments = format!("template --chart {folder} --set count=many");
        assert_snapshot!(folder, vc.run(&arguments));
    }
    assert_snapshot!(vc.run("template --chart nowhere"));
    assert_snapshot!(vc.run("template --kube-version new"));
    assert_snapshot!(vc.run("template Upper"));
}

#[test]
fn what_a_template_makes_wrong_is_told_with_its_place() {
    let vc = Sandbox::new();
    vc.write("work/bad/Chart.yaml", "name: bad\nversion: 1.0.0\n");
    vc.write(
        "work/bad/templates/a.yaml",
        "kind: A\n---\nkind: B\n  wrong: c\n",
    );
    let output = vc.run("template --chart bad");
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.contains("`bad/templates/a.yaml` line 4"),
        "{output}"
    );
    vc.write("work/bad/templates/a.yaml", "a: {{ toYam .Values }}\n");
    let output = vc.run("template --chart bad");
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("`toYaml`"), "{output}");
}
