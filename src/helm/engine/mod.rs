//! The template engine: a chart and values in, the text of every file out.
//!
//! The syntax tree is gotmpl's; execution is ours, because Helm needs shared mutable maps, method
//! calls and errors with a place. What the text means as manifests is [`super::manifest`]'s.

mod args;
mod check;
mod error;
mod eval;
mod exec;
mod objects;
mod template;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value as Json;

pub(crate) use args::{Args, list_of};
pub(crate) use error::Fault;
pub use error::TemplateError;
pub(crate) use exec::Executor;

use super::value::{Map, Value};
use super::{Capabilities, Chart, ReleaseInfo};
use objects::{CapabilitiesObject, Files};
use template::TemplateSet;

/// Deep recursion of templates needs more stack than a thread usually has.
const STACK: usize = 256 << 20;

/// One question a template asks of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupKey {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Empty for all namespaces, or for a cluster-wide kind.
    pub namespace: String,
    /// Empty for a list of all.
    pub name: String,
}

/// The answers known so far. An object that does not exist is an empty map; so Helm says it too.
pub type Lookups = BTreeMap<LookupKey, Json>;

/// The text of every rendered file, or what must be looked up first.
pub(crate) enum Texts {
    /// By the path that `# Source:` shows.
    Rendered(BTreeMap<String, String>),
    Needs(Vec<LookupKey>),
}

/// Renders every template of the chart.
pub(crate) fn render_files(
    chart: &Chart,
    values: &Json,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Texts, Box<TemplateError>> {
    let work = || render_here(chart, values, release, capabilities, lookups);
    let failed = || {
        Box::new(TemplateError::in_file(
            chart.name(),
            0,
            "the renderer broke down",
        ))
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("render".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(|_| failed())?
            .join()
            .unwrap_or_else(|_| Err(failed()))
    })
}

fn render_here(
    chart: &Chart,
    values: &Json,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Texts, Box<TemplateError>> {
    let paths = in_parse_order(chart);
    let mut templates = TemplateSet::default();
    for (path, data) in &paths {
        let text = std::str::from_utf8(data)
            .map_err(|_| Box::new(TemplateError::in_file(path, 0, "the file is no UTF-8 text")))?;
        templates.add(path, text)?;
    }
    let data = top_level(chart, values, release, capabilities);
    let mut executor = Executor::new(templates, lookups);
    let mut rendered = BTreeMap::new();
    let mut failure = None;
    for (path, _) in &paths {
        if is_partial(path) {
            continue;
        }
        let template: Map = [
            ("Name", path.as_str().into()),
            ("BasePath", format!("{}/templates", chart.name()).into()),
        ]
        .into_iter()
        .collect();
        data.insert("Template", template);
        match executor.render(path, &Value::Map(data.clone())) {
            Ok(text) => {
                rendered.insert(path.clone(), text);
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    // A failure may come from an answer that is not there yet: ask first.
    let needs = executor.into_needs();
    if !needs.is_empty() {
        return Ok(Texts::Needs(needs.into_iter().collect()));
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(Texts::Rendered(rendered)),
    }
}

/// Whether a file only defines templates for others.
pub(crate) fn is_partial(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|base| base.starts_with('_'))
}

/// Deep paths first and each level backwards, so that a shallow file wins when both define a name.
fn in_parse_order(chart: &Chart) -> Vec<(String, &[u8])> {
    let mut paths: Vec<(String, &[u8])> = chart
        .templates
        .iter()
        .map(|file| {
            (
                format!("{}/{}", chart.name(), file.name),
                file.data.as_slice(),
            )
        })
        .collect();
    paths.sort_by(|left, right| {
        let depth = |path: &str| path.matches('/').count();
        depth(&right.0)
            .cmp(&depth(&left.0))
            .then_with(|| right.0.cmp(&left.0))
    });
    paths
}

fn top_level(
    chart: &Chart,
    values: &Json,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
) -> Map {
    let revision = i64::try_from(release.revision).unwrap_or(i64::MAX);
    let release: Map = [
        ("Name", release.name.as_str().into()),
        ("Namespace", release.namespace.as_str().into()),
        ("IsUpgrade", release.is_upgrade.into()),
        ("IsInstall", (!release.is_upgrade).into()),
        ("Revision", Value::Int(revision)),
        ("Service", "Helm".into()),
    ]
    .into_iter()
    .collect();
    let capabilities = CapabilitiesObject::new(capabilities);
    [
        ("Chart", chart.metadata.to_template_value(true)),
        ("Files", Value::Object(Rc::new(Files::new(&chart.files)))),
        ("Release", Value::Map(release)),
        ("Capabilities", Value::Object(Rc::new(capabilities))),
        ("Values", Value::from(values)),
        ("Subcharts", Value::Map(Map::default())),
    ]
    .into_iter()
    .collect()
}
