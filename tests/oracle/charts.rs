//! The charts of `tests/charts`: each aimed at one thing, with what Helm makes of it next to it.
//!
//! A folder holds a chart, and beside it `expected.yaml`, the output of every template, or `expected.error`, a part of
//! our message. `VC_ORACLE_WRITE=1` writes `expected.yaml` anew from what Helm says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::case::{Case, Outcome, difference};
use crate::helm::{Helm, Version};
use crate::ours;

/// How many charts there are at least.
const LEAST: usize = 80;

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts");
    let entries = std::fs::read_dir(&root).expect("the folder of the charts");
    let mut folders: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("chart/Chart.yaml").is_file())
        .collect();
    folders.sort();
    folders
}

fn case(folder: &Path) -> Case {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let lines = |text: Option<String>| -> Vec<String> {
        text.unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    };
    Case {
        path: folder.join("chart").display().to_string(),
        values: read("values.yaml").into_iter().collect(),
        set: lines(read("set.txt")),
        ..Case::default()
    }
}

/// All templates in one text, each after a line that names it.
fn written(outcome: &Outcome) -> Option<String> {
    let rendered = outcome.as_ref().ok()?;
    let mut text = String::new();
    for (name, output) in rendered {
        let _ = write!(text, "### {name}\n{output}\n");
    }
    Some(text)
}

#[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
fn writes() -> bool {
    std::env::var_os("VC_ORACLE_WRITE").is_some()
}

fn compare(version: Version) {
    let mut helm = Helm::start(version);
    let folders = folders();
    assert!(folders.len() >= LEAST, "only {} charts", folders.len());
    let mut wrong = Vec::new();
    for folder in &folders {
        // What only the newer Helm has is not asked of the older one.
        if version == Version::V3 && folder.join("only-4").is_file() {
            continue;
        }
        let case = case(folder);
        let theirs = helm.render(&case);
        let ours = ours::render(&case);
        let expected = folder.join("expected.yaml");
        if writes() && version == Version::V4 {
            match written(&theirs) {
                Some(text) => std::fs::write(&expected, text).expect("it can be written"),
                None => drop(std::fs::remove_file(&expected)),
            }
        }
        let committed = std::fs::read_to_string(&expected).ok();
        let name = folder.display();
        if let Some(found) = difference(&theirs, &ours) {
            wrong.push(format!("{name}\n{found}"));
        } else if written(&theirs) != committed {
            wrong.push(format!(
                "{name}\nHelm's output is not in expected.yaml: {theirs:?}"
            ));
        }
        if let Ok(part) = std::fs::read_to_string(folder.join("expected.error")) {
            let said = ours.err().unwrap_or_default();
            if !said.contains(part.trim_end()) {
                wrong.push(format!("{name}\nthe message is another: {said}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} charts differ\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn our_charts_render_as_helm_4_renders_them() {
    compare(Version::V4);
}

#[test]
fn our_charts_render_as_helm_3_renders_them() {
    compare(Version::V3);
}
