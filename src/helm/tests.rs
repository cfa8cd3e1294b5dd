//! The engine as a whole, against outputs that Helm v4.3.1 gave for the same charts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CHART: &str = "apiVersion: v2\nname: ex\nversion: 1.2.3+meta\nappVersion: \"9.9\"\n\
    description: test chart\nkeywords: [a, b]\nannotations: {k: v}\nmaintainers: [{name: M, email: m@x}]\n";

fn file(name: &str, text: &str) -> File {
    File {
        name: name.to_owned(),
        data: text.to_owned().into(),
    }
}

fn chart(files: &[(&str, &str)]) -> Chart {
    let files = files.iter().map(|(name, text)| file(name, text));
    Chart::from_files(
        std::iter::once(file("Chart.yaml", CHART))
            .chain(files)
            .collect(),
    )
    .unwrap()
}

fn release() -> ReleaseInfo {
    ReleaseInfo {
        name: "demo".to_owned(),
        namespace: "team".to_owned(),
        revision: 1,
        is_upgrade: false,
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        kube_version: "v1.36.3".to_owned(),
        api_versions: ApiVersions::known(["v1".to_owned(), "apps/v1".to_owned()]),
    }
}

/// Renders with every lookup answered by nothing.
fn render_all(chart: &Chart) -> Result<Rendered, String> {
    let prepared = prepare(chart, &json!({})).map_err(|error| error.to_string())?;
    match render(
        &prepared,
        &release(),
        &capabilities(),
        &Lookups::of_nothing(),
    ) {
        Ok(Rendering::Done(rendered)) => Ok(rendered),
        Ok(Rendering::Needs(needs)) => Err(format!("{needs:?} have no answer")),
        Err(error) => Err(error.to_string()),
    }
}

/// What one template text yields.
fn evaluate(text: &str, values: &str) -> Result<String, String> {
    let partial = format!(
        "{{{{ define \"e\" }}}}{text}{{{{ end }}}}{{{{ define \"e3\" }}}}{{{{ index . 0 }}}}{{{{ index . 1 }}}}{{{{ end }}}}"
    );
    let chart = chart(&[
        ("values.yaml", values),
        ("config/a.txt", "line one\nline two\n"),
        ("config/b.json", "{\"x\": 1}"),
        ("templates/_e.tpl", &partial),
        ("templates/x.yaml", "data: {{ include \"e\" . | toJson }}\n"),
    ]);
    let rendered = render_all(&chart)?;
    let data = &rendered.manifests[0].object["data"];
    Ok(data.as_str().unwrap_or_default().to_owned())
}

#[test]
fn expressions_yield_what_helm_yields() {
    let values = include_str!("testdata/values.yaml");
    let rows: Vec<Value> = serde_json::from_str(include_str!("testdata/expressions.json")).unwrap();
    let mut wrong = Vec::new();
    for row in &rows {
        let template = row["template"].as_str().unwrap();
        let expected = row["output"].as_str();
        let found = evaluate(template, values);
        if found.as_deref().ok() != expected {
            wrong.push(format!(
                "{template}\n  Helm: {expected:?}\n  here: {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_name_the_place_the_expression_and_the_nearest_name() {
    let cases = [
        (
            "\n\n{{ toYml . }}",
            "`ex/templates/_e.tpl` line 3 column 4: function `toYml` not defined; did you mean `toYaml`?",
        ),
        (
            "{{ $name := 1 }}{{ $nme }}",
            "`ex/templates/_e.tpl` line 1 column 36: undefined variable `$nme`; did you mean `$name`?",
        ),
        (
            "{{ .Values.a.b }}",
            "`ex/templates/_e.tpl` line 1 column 20 in `e` at `.Values.a.b`: nil pointer evaluating interface {}.b: what stands before `.b` is not set; included by `ex/templates/x.yaml` line 1",
        ),
        (
            "{{ include \"e4\" . }}",
            "`ex/templates/_e.tpl` line 1 column 20 in `e` at `include \"e4\" .`: error calling include: template: no template `e4` is defined; included by `ex/templates/x.yaml` line 1",
        ),
        (
            "{{ fail \"set `host`\" }}",
            "`ex/templates/_e.tpl` line 1 column 20 in `e`: set `host`; included by `ex/templates/x.yaml` line 1",
        ),
        (
            "{{ tpl \"\\n{{ len 5 }}\" . }}",
            "`tpl` line 2 column 4 at `len 5`: error calling len: len of type int; included by `ex/templates/_e.tpl` line 1; included by `ex/templates/x.yaml` line 1",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(
            evaluate(template, ""),
            Err(expected.to_owned()),
            "{template}"
        );
    }
}

#[test]
fn a_text_that_ends_inside_of_an_escape_is_an_error() {
    assert!(values::parse("a: \"\\", "values.yaml").is_err());
}

#[test]
fn endless_templates_end_in_an_error() {
    let cases = [
        ("{{ include \"e\" . }}", "more than 1000 levels deep"),
        ("{{ template \"e\" . }}", "maximum template depth"),
        (
            "{{ if true }}{{ with 1 }}{{ include \"e\" . }}{{ end }}{{ end }}",
            "levels deep",
        ),
        ("{{ tpl .Values.t . }}", "nest too deep"),
        (
            "{{ range until 100000 }}{{ range until 1000 }}{{ end }}{{ end }}",
            "rounds",
        ),
        (
            "{{ range until 1000 }}{{ repeat 1000000 \"x\" }}{{ end }}",
            "more than 256 MiB",
        ),
        ("{{ until 2000000 }}", "more than 1000000 items"),
        (
            "{{ $l := until 1000 }}{{ range until 40 }}{{ $l = concat $l $l }}{{ end }}",
            "more than 1000000 items",
        ),
        (
            "{{ $s := `x` }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}",
            "more than 256 MiB",
        ),
        (
            "{{ $d := dict }}{{ range until 40 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ $d }}",
            "too large",
        ),
        (
            "{{ $d := dict }}{{ range until 40 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ toYaml $d }}",
            "too large",
        ),
        (
            "{{ $l := list }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ printf `%v` $l }}",
            "too large",
        ),
    ];
    for (template, expected) in cases {
        let error = evaluate(template, "t: '{{ tpl .Values.t . }}'").unwrap_err();
        assert!(error.contains(expected), "{template}: {error}");
    }
}

#[test]
fn a_map_that_contains_itself_is_refused_only_where_it_would_have_no_end() {
    let uses = [
        "{{ $d }}",
        "{{ print $d }}",
        "{{ printf `%v` $d }}",
        "{{ printf `%#v` $d }}",
        "{{ quote $d }}",
        "{{ join `,` (list $d) }}",
        "{{ deepCopy $d }}",
        "{{ mustToJson $d }}",
        "{{ mustToYaml $d }}",
        "{{ toYamlPretty $d }}",
        "{{ merge $d (dict `d` (dict `d` $d)) }}",
    ];
    for circle in ["$d", "(list $d)", "(dict `x` $d)"] {
        for one in uses {
            let template = format!("{{{{ $d := dict }}}}{{{{ $_ := set $d `d` {circle} }}}}{one}");
            let error = evaluate(&template, "").unwrap_err();
            assert!(error.contains("contains itself"), "{template}: {error}");
        }
    }
}

#[test]
fn control_characters_in_values_stay_and_only_yaml_cannot_have_them() {
    let values = "a: \"x\\x7fy\"\nb: \"x \\N y\"\nport: 80\n";
    let text =
        "{{ .Values.port | default 9999 }} {{ .Values.a | b64enc }} {{ .Values.b | b64enc }}";
    let expected = "80 eH95 eCDChSB5";
    assert_eq!(evaluate(text, values).as_deref(), Ok(expected));
    assert_eq!(
        evaluate("[{{ toYaml .Values }}]", values).as_deref(),
        Ok("[]")
    );
}

#[test]
fn parts_that_values_share_are_looked_at_once_and_deep_ones_end_no_stack() {
    let cases = [
        "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ $_ := set (dict) `x` $l }}{{ deepEqual $l $l }}",
        "{{ $l := list }}{{ range 300000 }}{{ $l = list $l }}{{ end }}{{ $_ := set (dict) `x` $l }}true",
        "{{ $l := dict }}{{ range 300000 }}{{ $l = dict `x` $l }}{{ end }}true",
    ];
    for case in cases {
        assert_eq!(evaluate(case, "").as_deref(), Ok("true"), "{case}");
    }
}

#[test]
fn templates_may_hold_bytes_that_are_no_utf_8_but_manifests_may_not() {
    let chart = |template: &[u8]| {
        let template = File {
            name: "templates/x.yaml".to_owned(),
            data: template.to_vec().into(),
        };
        let notes = File {
            name: "templates/NOTES.txt".to_owned(),
            data: b"caf\xe9".to_vec().into(),
        };
        Chart::from_files(vec![file("Chart.yaml", CHART), template, notes]).unwrap()
    };
    let good = b"a: x{{/* caf\xe9 */}} {{ \"\xe9\" | b64enc }} {{ `\xe9` | b64enc }} {{ \"\xf4\x8f\xbf\xbf\" | b64enc }}\n";
    let rendered = render_all(&chart(good)).unwrap();
    assert_eq!(rendered.manifests[0].object["a"], "x 77+9 6Q== 9I+/vw==");
    assert_eq!(rendered.notes.as_deref(), Some("caf\u{fffd}"));

    let error = render_all(&chart(b"a:\n- \xc3\xa9 {{ `\xe9` }}\n")).unwrap_err();
    assert_eq!(error, "the template makes no valid YAML");
    let problem = yaml::utf8(b"a:\n- \xc3\xa9 \xe9", "x.yaml").unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`x.yaml` line 2 column 5: the text is no UTF-8"
    );
}

#[test]
fn a_missing_lookup_is_asked_for_and_its_answer_used() {
    let text = "{{ $s := lookup \"v1\" \"Secret\" .Release.Namespace \"x\" }}kind: A\nfound: {{ $s.data.key }}\n";
    let chart = chart(&[("templates/x.yaml", text)]);
    let prepared = prepare(&chart, &json!({})).unwrap();
    let mut lookups = Lookups::new();
    let first = render(&prepared, &release(), &capabilities(), &lookups).unwrap();
    let Rendering::Needs(Needs { lookups: keys, .. }) = first else {
        panic!("the render needs a lookup");
    };
    assert_eq!(keys.len(), 1);
    lookups.insert(keys[0].clone(), json!({"data": {"key": "yes"}}));
    let second = render(&prepared, &release(), &capabilities(), &lookups).unwrap();
    let Rendering::Done(rendered) = second else {
        panic!("everything is known");
    };
    assert_eq!(rendered.manifests[0].object["found"], json!(true));
}

#[test]
fn what_the_cluster_serves_is_asked_for_only_by_a_chart_that_looks() {
    let needs = |text: &str| {
        let chart = chart(&[("templates/x.yaml", text)]);
        let capabilities = Capabilities {
            api_versions: ApiVersions::unknown(),
            ..capabilities()
        };
        let prepared = prepare(&chart, &json!({})).unwrap();
        let rendered = render(&prepared, &release(), &capabilities, &Lookups::new()).unwrap();
        matches!(rendered, Rendering::Needs(needs) if needs.api_versions)
    };
    assert!(needs("a: {{ .Capabilities.APIVersions.Has \"apps/v1\" }}"));
    assert!(needs(
        "{{ if not (.Capabilities.APIVersions.Has \"x/v1\") }}{{ fail \"no\" }}{{ end }}"
    ));
    assert!(!needs("a: {{ .Capabilities.KubeVersion }}"));
}

#[test]
fn manifests_come_in_install_order_and_hooks_apart() {
    let text = "kind: Zed\n---\nkind: Service\n--- # note\nkind: Abc\n---\n# nothing\n---\nkind: Namespace\n\
        ---\nkind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: 'pre-install, test-success', helm.sh/hook-weight: \"-5\"}}\n";
    let chart = chart(&[
        ("templates/x.yaml", text),
        ("templates/NOTES.txt", "hello {{ .Release.Name }}"),
        ("templates/_none.yaml", "kind: Partial"),
    ]);
    let rendered = render_all(&chart).unwrap();
    let kinds: Vec<_> = rendered
        .manifests
        .iter()
        .map(|one| &one.object["kind"])
        .collect();
    assert_eq!(
        json!(kinds),
        json!(["Namespace", "Service", null, "Abc", "Zed"])
    );
    assert_eq!(rendered.notes.as_deref(), Some("hello demo"));
    let hook = &rendered.hooks[0];
    assert_eq!((hook.name.as_str(), hook.weight), ("j", -5));
    assert_eq!(hook.events, ["pre-install", "test"]);
    assert_eq!(
        parse_manifest_text(&rendered.manifest_text()).unwrap(),
        rendered.manifests
    );
}

#[test]
fn imported_values_are_not_put_deeper_than_anybody_reads() {
    let metadata = |levels: usize| {
        let parent = vec!["a"; levels].join(".");
        format!(
            "name: ex\nversion: 1.0.0\napiVersion: v2\ndependencies:\n- name: s\n  version: 1.0.0\n  \
             import-values:\n  - child: d\n    parent: {parent}\n"
        )
    };
    let prepared = |levels| {
        let files = vec![
            file("Chart.yaml", &metadata(levels)),
            file(
                "charts/s/Chart.yaml",
                "name: s\nversion: 1.0.0\napiVersion: v2\n",
            ),
            file("charts/s/values.yaml", "d: {x: 1}\n"),
        ];
        prepare(&Chart::from_files(files).unwrap(), &json!({}))
    };
    assert!(prepared(100).is_ok());
    let error = prepared(100_000).unwrap_err().to_string();
    assert_eq!(error, "the values nest too deep, or are too large");
}

#[test]
fn charts_that_cannot_be_used_are_refused() {
    let parse = |files: Vec<File>| Chart::from_files(files).unwrap_err().to_string();
    assert_eq!(parse(vec![]), "there is no `Chart.yaml`");
    let cases = [
        ("name: x", "`Chart.yaml`: `version` is missing"),
        (
            "name: x\nversion: one",
            "`Chart.yaml`: `version` is no semantic version",
        ),
        (
            "name: x\nversion: 1.0.0\ntype: lib",
            "`Chart.yaml`: `type` is neither `application` nor `library`",
        ),
        (
            "name: [x]\nversion: 1.0.0",
            "`Chart.yaml`: `name` is no text",
        ),
        (
            "name: x\nversion: 1.0.0\ndependencies: [{name: a}, {name: b, alias: a}]",
            "`Chart.yaml`: `dependencies` has more than one with the name or alias `a`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(vec![file("Chart.yaml", text)]), expected);
    }
    let text = "name: x\nversion: 1.0.0\nkubeVersion: '>=1.99'";
    let chart = Chart::from_files(vec![file("Chart.yaml", text)]).unwrap();
    assert_eq!(
        render_all(&chart).unwrap_err(),
        "chart `x` needs Kubernetes `>=1.99`, which v1.36.3 is not"
    );
}

#[test]
fn a_null_of_the_user_deletes_a_default() {
    let chart = chart(&[(
        "values.yaml",
        "a: {b: 1, c: {d: 2, e: null}}\nf: 3\ng: null\n",
    )]);
    let user = values::parse("a: {b: null, c: {x: 1}}\nf: null\n", "user").unwrap();
    let prepared = prepare(&chart, &user).unwrap();
    assert_eq!(prepared.values, json!({"a": {"c": {"d": 2.0, "x": 1.0}}}));
}

/// Pieces of templates, in any order.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{{- "),
        Just(" -}}"),
        Just("/*"),
        Just("*/"),
        Just("if "),
        Just("range "),
        Just("with "),
        Just("else"),
        Just("end"),
        Just("define \"a\""),
        Just("block \"b\" ."),
        Just("template \"a\""),
        Just("$x"),
        Just(":="),
        Just("="),
        Just("|"),
        Just("("),
        Just(")"),
        Just("."),
        Just(".Values"),
        Just(".a.b"),
        Just("\"t\""),
        Just("`r`"),
        Just("'c'"),
        Just("1"),
        Just("0x"),
        Just("1e9"),
        Just("-"),
        Just(","),
        Just(" "),
        Just("\n"),
        Just("include \"a\" ."),
        Just("tpl \"{{ . }}\" 1"),
        Just("toYaml ."),
        Just("printf \"%v\""),
        Just("break"),
        Just("continue"),
        Just("nil"),
        Just("true"),
        Just("é"),
        Just("\\"),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    // No file of failures: it would lie next to the source.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_and_no_values_break_the_engine(template in fragments(), values in "[a-z:{}\\[\\]&*|>\"' \n-]{0,60}") {
        // What it yields does not matter here: that it yields something does.
        let files = [("templates/x.yaml", template.as_str()), ("values.yaml", values.as_str())];
        let all = std::iter::once(file("Chart.yaml", CHART));
        let files = all.chain(files.iter().map(|(name, text)| file(name, text))).collect();
        if let Ok(chart) = Chart::from_files(files) {
            let _ = render_all(&chart);
        }
    }
}
