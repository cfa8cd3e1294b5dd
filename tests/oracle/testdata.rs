//! The charts that Helm's own module carries for its tests, read from Go's module cache.

use std::path::{Path, PathBuf};

use crate::case::{Case, Outcome, difference};
use crate::helm::{Helm, Version, go};
use crate::ours;

/// Folders and archives that hold a chart, below a folder.
fn charts_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_archive = path.extension().is_some_and(|extension| extension == "tgz");
        if is_archive || path.join("Chart.yaml").is_file() {
            found.push(path.clone());
        }
        if path.is_dir() {
            charts_below(&path, found);
        }
    }
}

/// Leaves out the files that Helm itself renders differently each time.
fn without_random(first: &Outcome, second: &Outcome, ours: Outcome) -> (Outcome, Outcome) {
    let (Ok(first), Ok(second), Ok(mut ours)) = (first.clone(), second.clone(), ours.clone())
    else {
        return (first.clone(), ours);
    };
    let mut theirs = first;
    theirs.retain(|name, text| second.get(name) == Some(text));
    ours.retain(|name, _| theirs.contains_key(name) || !second.contains_key(name));
    (Ok(theirs), Ok(ours))
}

fn compare(version: Version) {
    let module = version.module();
    let folder = go(version, &["list", "-m", "-f", "{{.Dir}}", module], None);
    let mut charts = Vec::new();
    charts_below(Path::new(&folder), &mut charts);
    assert!(
        charts.len() > 50,
        "only {} charts in {folder}",
        charts.len()
    );
    let mut helm = Helm::start(version);
    let mut wrong = Vec::new();
    for chart in &charts {
        let case = Case {
            path: chart.display().to_string(),
            ..Case::default()
        };
        let (theirs, ours) = without_random(
            &helm.render(&case),
            &helm.render(&case),
            ours::render(&case),
        );
        if let Some(found) = difference(&theirs, &ours) {
            wrong.push(format!("{}\n{found}", chart.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} charts differ\n\n{}",
        wrong.len(),
        charts.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_test_charts_of_helm_4_render_as_helm_renders_them() {
    compare(Version::V4);
}

#[test]
fn the_test_charts_of_helm_3_render_as_helm_renders_them() {
    compare(Version::V3);
}
