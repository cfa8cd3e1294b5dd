//! The charts that Helm's own module carries for its tests, read from Go's module cache; and any others, on request.

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
    let (count, wrong) = compare_below(version, Path::new(&folder));
    assert!(count > 50, "only {count} charts in {folder}");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases differ\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Renders every chart below a folder with its defaults, and with each file of its `ci` folder; yields how many cases
/// there were and what differs.
fn compare_below(version: Version, folder: &Path) -> (usize, Vec<String>) {
    let mut charts = Vec::new();
    charts_below(folder, &mut charts);
    let mut helm = Helm::start(version);
    let (mut count, mut wrong) = (0, Vec::new());
    for chart in &charts {
        for (name, values) in values_of(chart) {
            count += 1;
            let case = Case {
                path: chart.display().to_string(),
                values,
                ..Case::default()
            };
            let (first, second) = (helm.render(&case), helm.render(&case));
            let (theirs, ours) = without_random(&first, &second, ours::render(&case));
            if let Some(found) = difference(&theirs, &ours) {
                wrong.push(format!("{} {name}\n{found}", chart.display()));
            }
        }
    }
    (count, wrong)
}

/// No values, and those that the chart's authors test it with.
fn values_of(chart: &Path) -> Vec<(String, Vec<String>)> {
    let mut all = vec![(String::new(), Vec::new())];
    let files = std::fs::read_dir(chart.join("ci"));
    let mut files: Vec<_> = files.into_iter().flatten().flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for file in files {
        if let Ok(text) = std::fs::read_to_string(file.path()) {
            all.push((file.file_name().to_string_lossy().into_owned(), vec![text]));
        }
    }
    all
}

#[test]
fn the_test_charts_of_helm_4_render_as_helm_renders_them() {
    compare(Version::V4);
}

#[test]
fn the_test_charts_of_helm_3_render_as_helm_renders_them() {
    compare(Version::V3);
}

#[test]
#[ignore = "compares the charts below the folder that VC_ORACLE_CHARTS names"]
#[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
fn the_charts_of_a_folder_render_as_helm_4_renders_them() {
    let folder = std::env::var_os("VC_ORACLE_CHARTS").expect("VC_ORACLE_CHARTS names a folder");
    let (count, wrong) = compare_below(Version::V4, Path::new(&folder));
    assert!(
        wrong.is_empty(),
        "{} of {count} cases differ\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 0, "there is no chart");
}
