//! What the templates of a chart see: `.Values`, `.Release` and the rest, for it and its subcharts.

use std::rc::Rc;

use serde_json::Value as Json;

use super::super::value::{Map, Value};
use super::super::{Capabilities, Chart, ReleaseInfo};
use super::objects::{CapabilitiesObject, Files};

/// A template and what it is rendered with.
pub(super) struct Scoped<'c> {
    /// The path that `# Source:` shows.
    pub(super) path: String,
    pub(super) text: &'c [u8],
    /// Shared by all templates of a chart.
    pub(super) data: Map,
    /// The folder of the chart's templates.
    pub(super) base: Rc<str>,
}

/// All templates of a chart and its subcharts, in the order in which they are parsed: deep paths
/// first and each level backwards, so that a shallow file wins when both define a name.
pub(super) fn scoped<'c>(
    chart: &'c Chart,
    values: &Json,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
) -> Vec<Scoped<'c>> {
    let capabilities = CapabilitiesObject::new(capabilities);
    let shared = Shared {
        release: release_map(release),
        capabilities: Value::Object(Rc::new(capabilities)),
    };
    let values = match Value::from(values) {
        Value::Map(map) => map.as_values(),
        _ => Map::default().as_values(),
    };
    let mut templates = Vec::new();
    shared.collect(chart, chart.name(), &values, true, &mut templates);
    let depth = |path: &str| path.matches('/').count();
    templates.sort_by(|left, right| {
        depth(&right.path)
            .cmp(&depth(&left.path))
            .then_with(|| right.path.cmp(&left.path))
    });
    templates.dedup_by(|left, right| left.path == right.path);
    templates
}

/// Whether a file only defines templates for others.
pub(crate) fn is_partial(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|base| base.starts_with('_'))
}

/// What is the same for every chart of the tree.
struct Shared {
    release: Map,
    capabilities: Value,
}

impl Shared {
    fn collect<'c>(
        &self,
        chart: &'c Chart,
        path: &str,
        values: &Map,
        is_root: bool,
        templates: &mut Vec<Scoped<'c>>,
    ) -> Map {
        let subcharts = Map::default();
        let metadata = chart.metadata.to_template_value(is_root);
        let data: Map = [
            ("Chart", metadata),
            ("Files", Value::Object(Rc::new(Files::new(&chart.files)))),
            ("Release", self.release.clone().into()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", values.clone().into()),
            ("Subcharts", subcharts.clone().into()),
        ]
        .into_iter()
        .collect();
        for child in &chart.dependencies {
            let path = format!("{path}/charts/{}", child.name());
            let values = table(values, child.name());
            let scope = self.collect(child, &path, &values, false, templates);
            subcharts.insert(child.name(), scope);
        }
        let base: Rc<str> = format!("{path}/templates").into();
        for file in &chart.templates {
            if chart.metadata.is_library() && !is_partial(&file.name) {
                continue;
            }
            templates.push(Scoped {
                path: format!("{path}/{}", file.name),
                text: &file.data,
                data: data.clone(),
                base: base.clone(),
            });
        }
        data
    }
}

/// The values of a subchart: the very map under its name, so that a change shows in both.
fn table(values: &Map, name: &str) -> Map {
    let mut found = values.clone();
    for part in name.split('.') {
        match found.get(part) {
            Some(Value::Map(map)) => found = map,
            _ => return Map::default().as_values(),
        }
    }
    found.as_values()
}

fn release_map(release: &ReleaseInfo) -> Map {
    let revision = i64::try_from(release.revision).unwrap_or(i64::MAX);
    [
        ("Name", release.name.as_str().into()),
        ("Namespace", release.namespace.as_str().into()),
        ("IsUpgrade", release.is_upgrade.into()),
        ("IsInstall", (!release.is_upgrade).into()),
        ("Revision", Value::Int(revision)),
        ("Service", "Helm".into()),
    ]
    .into_iter()
    .collect()
}
