//! The chart inside the binary: its files, and the versions it deploys.
//!
//! Creating a virtual cluster therefore needs no network. Rendering is left to `helm`, choosing another chart to
//! whoever reads the command line.

use bytes::Bytes;

use crate::helm::{File, yaml};

/// The chart's name; `vcluster` accepts releases of a chart with this name as its own.
pub const NAME: &str = "vcluster";

/// The chart's version: the control-plane version it deploys and our own count of changes.
pub const VERSION: &str = "0.36.1-vc.1";

/// The control-plane version the chart deploys by default.
pub const CONTROL_PLANE_VERSION: &str = "0.36.1";

/// The Kubernetes versions there is an image for: minor version and image tag, newest first. The first is the default.
pub const KUBERNETES_VERSIONS: &[(&str, &str)] = &[
    ("1.36", "v1.36.0"),
    ("1.35", "v1.35.0"),
    ("1.34", "v1.34.0"),
    ("1.33", "v1.33.4"),
    ("1.32", "v1.32.1"),
    ("1.31", "v1.31.1"),
    ("1.30", "v1.30.2"),
];

macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../charts/vcluster/", $path)))),+]
    };
}

const FILES: &[(&str, &[u8])] = embedded![
    "Chart.yaml",
    "values.yaml",
    "templates/_checks.tpl",
    "templates/_clusterrules.tpl",
    "templates/_names.tpl",
    "templates/_storage.tpl",
    "templates/accounts.yaml",
    "templates/clusterrole.yaml",
    "templates/config.yaml",
    "templates/disruptionbudget.yaml",
    "templates/ingress.yaml",
    "templates/limits.yaml",
    "templates/networkpolicies.yaml",
    "templates/role.yaml",
    "templates/services.yaml",
    "templates/workload.yaml",
];

/// Every file of the chart, by its path inside the chart.
pub fn files() -> Vec<File> {
    let files = FILES.iter().map(|&(path, data)| File {
        name: path.to_owned(),
        data: Bytes::from_static(data),
    });
    files.collect()
}

/// The values that hold where nobody says otherwise.
pub fn values() -> serde_json::Value {
    let file = FILES.iter().find(|(path, _)| *path == "values.yaml");
    let text = file.map(|(_, text)| *text).unwrap_or_default();
    let text = std::str::from_utf8(text).expect("the built-in chart is text");
    yaml::parse(text, "values.yaml")
        .expect("the built-in values are YAML, as the tests of the chart show")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn text(path: &str) -> &'static str {
        let (_, data) = FILES
            .iter()
            .find(|(known, _)| *known == path)
            .expect("an embedded file");
        std::str::from_utf8(data).unwrap()
    }

    fn field<'a>(yaml: &'a str, key: &str) -> &'a str {
        yaml.lines()
            .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "))
            .expect("the field")
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/vcluster");
        let mut found = BTreeSet::new();
        for (inside, prefix) in [
            (folder.clone(), ""),
            (folder.join("templates"), "templates/"),
        ] {
            for entry in std::fs::read_dir(inside)
                .unwrap()
                .map(Result::unwrap)
                .filter(|entry| entry.path().is_file())
            {
                found.insert(format!("{prefix}{}", entry.file_name().to_str().unwrap()));
            }
        }
        assert_eq!(found, files().into_iter().map(|file| file.name).collect());
    }

    #[test]
    fn the_constants_say_what_the_files_say() {
        let chart = text("Chart.yaml");
        assert_eq!(field(chart, "name"), NAME);
        assert_eq!(field(chart, "version"), VERSION);
        assert_eq!(field(chart, "appVersion"), CONTROL_PLANE_VERSION);
        assert!(VERSION.starts_with(&format!("{CONTROL_PLANE_VERSION}-vc.")));
        let values = text("values.yaml");
        assert!(values.contains(&format!("tag: {CONTROL_PLANE_VERSION}\n")));
        assert!(values.contains(&format!("tag: {}\n", KUBERNETES_VERSIONS[0].1)));
    }
}
