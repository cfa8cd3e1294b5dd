//! The same case, rendered here.

use std::path::Path;

use vc::helm::values;
use vc::helm::{ApiVersions, Capabilities, Chart, File, Lookups, ReleaseInfo};

use crate::case::{Case, Outcome};

/// What our engine makes of a case.
pub(crate) fn render(case: &Case) -> Outcome {
    let chart = load(case).map_err(|problem| format!("load: {problem}"))?;
    render_chart(&chart, case)
}

fn load(case: &Case) -> Result<Chart, String> {
    let chart = if case.path.is_empty() {
        let files = case.files.iter().map(|(name, text)| File {
            name: name.clone(),
            data: text.clone().into(),
        });
        Chart::from_files(files.collect())
    } else if Path::new(&case.path).is_dir() {
        Chart::from_folder(Path::new(&case.path))
    } else {
        let bytes = std::fs::read(&case.path).map_err(|error| error.to_string())?;
        Chart::from_archive(&bytes)
    };
    chart.map_err(|error| error.to_string())
}

fn render_chart(chart: &Chart, case: &Case) -> Outcome {
    let mut given = serde_json::json!({});
    for text in &case.values {
        let layer = values::parse(text, "values").map_err(|error| format!("values: {error}"))?;
        values::merge(&mut given, layer);
    }
    for text in &case.set {
        values::set(&mut given, text).map_err(|error| format!("set: {error}"))?;
    }
    let prepared = vc::helm::prepare(chart, &given).map_err(|error| error.to_string())?;
    let release = ReleaseInfo {
        name: case.release.clone(),
        namespace: case.namespace.clone(),
        revision: case.revision,
        is_upgrade: case.is_upgrade,
    };
    let capabilities = Capabilities {
        kube_version: case.kube_version.clone(),
        api_versions: ApiVersions::known(case.api_versions.clone()),
    };
    // Without a cluster Helm answers every lookup with nothing.
    let lookups = Lookups::of_nothing();
    let texts = vc::helm::render_texts(&prepared, &release, &capabilities, &lookups);
    let texts = texts.map_err(|error| error.to_string())?;
    texts.map_err(|needs| format!("{needs:?} have no answer"))
}
