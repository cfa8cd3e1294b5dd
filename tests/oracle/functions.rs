//! The list of functions, held against Helm's source and against what Helm's parser knows.

use std::collections::BTreeSet;
use std::path::Path;

use crate::case::Case;
use crate::helm::{Helm, Version, go};

/// What sprig has and Helm takes away.
const REMOVED: [&str; 2] = ["env", "expandenv"];
/// Go's own.
const BUILT_IN: [&str; 19] = [
    "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf",
    "println", "urlquery", "eq", "ge", "gt", "le", "lt", "ne",
];

fn ours() -> BTreeSet<String> {
    let all = vc::helm::functions().flat_map(|(_, functions)| functions);
    all.map(|(name, _)| name.to_owned()).collect()
}

/// The names in the maps of a Go file: keys in quotes, followed by a colon.
fn named_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once('"') {
            let Some((name, tail)) = after.split_once('"') else {
                break;
            };
            let is_name = !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_');
            if is_name && tail.starts_with(':') {
                names.insert(name.to_owned());
            }
            rest = tail;
        }
    }
    names
}

fn read(version: Version, module: &str, file: &str) -> String {
    let folder = go(version, &["list", "-m", "-f", "{{.Dir}}", module], None);
    std::fs::read_to_string(Path::new(&folder).join(file)).expect("the module is in the cache")
}

#[test]
fn every_function_of_helm_4_is_there_and_no_other() {
    let sprig = read(
        Version::V4,
        "github.com/Masterminds/sprig/v3",
        "functions.go",
    );
    let helm = read(Version::V4, Version::V4.module(), "pkg/engine/funcs.go");
    let mut theirs = named_in(&sprig);
    theirs.extend(named_in(&helm));
    theirs.extend(BUILT_IN.map(str::to_owned));
    for name in REMOVED {
        theirs.remove(name);
    }
    let ours = ours();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let unknown: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing {missing:?}, unknown {unknown:?}"
    );
}

#[test]
fn helm_s_parser_knows_each_function_by_name() {
    let mut helm = Helm::start(Version::V4);
    for name in ours() {
        let template = format!("{{{{ if false }}}}{{{{ {name} }}}}{{{{ end }}}}");
        let case = Case {
            files: [
                ("Chart.yaml", "apiVersion: v2\nname: f\nversion: 0.1.0\n"),
                ("templates/x.yaml", template.as_str()),
            ]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
            ..Case::default()
        };
        let outcome = helm.render(&case);
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}
