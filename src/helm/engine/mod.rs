//! The template engine: a chart and values in, the text of every file out.
//!
//! What the text means as manifests is [`super::manifest`]'s.

mod args;
mod error;
mod eval;
mod exec;
mod limits;
mod lookups;
mod nearest;
mod objects;
mod reach;
mod rounds;
mod scope;
mod syntax;
mod template;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub(crate) use args::{Args, items_of};
pub(crate) use error::Fault;
pub use error::TemplateError;
pub(crate) use exec::Executor;
pub use lookups::{LookupKey, Lookups};

use super::value::{Map, Value, stray};
use super::{Capabilities, Chart, ReleaseInfo};
use limits::Limits;
use scope::Scoped;
pub(crate) use scope::is_partial;
use template::TemplateSet;

/// Deep recursion of templates needs more stack than a thread usually has. In bytes, and only what is used takes memory.
const STACK: usize = 256 << 20;

/// The text of every rendered file, or what must be looked up first.
pub(crate) enum Texts {
    /// By the path that `# Source:` shows; Go's templates may make bytes that are no UTF-8.
    Rendered(BTreeMap<String, Vec<u8>>),
    /// Answers that are missing.
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
    stacker::grow(STACK, || {
        render_here(chart, values, release, capabilities, lookups)
    })
}

fn render_here(
    chart: &Chart,
    values: &Json,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Texts, Box<TemplateError>> {
    let limits = Limits::new();
    let scoped = scope::scoped(chart, values, release, capabilities);
    let mut templates = TemplateSet::default();
    for Scoped { path, text, .. } in &scoped {
        templates.add(path, &stray::text_of(text))?;
    }
    let mut executor = Executor::new(templates, lookups, limits);
    let mut rendered = BTreeMap::new();
    let mut failure = None;
    for Scoped {
        path, data, base, ..
    } in scoped.iter().filter(|one| !scope::is_partial(&one.path))
    {
        let template: Map = [
            ("Name", path.as_str().into()),
            ("BasePath", (&**base).into()),
        ]
        .into_iter()
        .collect();
        data.insert("Template", template.as_values());
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
