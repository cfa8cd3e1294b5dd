//! What is printed of a rendered chart: byte for byte what `helm template` prints.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use super::manifest;
use super::pattern::Pattern;
use super::{Chart, Rendered};

/// Where a document says which template it is of, with the chart's name in front.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("# Source: [^/]+/(.+)").expect("the pattern is a constant that a test compiles")
});

/// What of a rendered chart is printed.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The definitions of `crds/` as well, which no template makes.
    pub crds: bool,
    /// No hooks.
    pub no_hooks: bool,
    /// No hooks that are tests.
    pub no_tests: bool,
    /// Only what these templates make: paths within the chart, or patterns of such.
    pub only: Vec<String>,
}

/// A template that was named and that makes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NoTemplate(pub String);

impl Rendered {
    /// The objects as one text; the hooks come last.
    pub fn printed(&self, chart: &Chart, selection: &Selection) -> Result<String, NoTemplate> {
        let mut text = String::new();
        if selection.crds {
            for (path, file) in chart.crds() {
                let data = String::from_utf8_lossy(&file.data);
                let _ = write!(text, "---\n# Source: {path}\n{data}\n");
            }
        }
        text.push_str(&self.manifest_text());
        let mut text = format!("{}\n", text.trim());
        if !selection.no_hooks {
            let is_test = |events: &[String]| events.iter().any(|event| event == "test");
            for hook in &self.hooks {
                if !(selection.no_tests && is_test(&hook.events)) {
                    text.push_str(&manifest::to_text(std::slice::from_ref(&hook.manifest)));
                }
            }
        }
        if selection.only.is_empty() {
            return Ok(text);
        }
        only(&text, &selection.only)
    }
}

fn only(text: &str, wanted: &[String]) -> Result<String, NoTemplate> {
    let documents = manifest::split(text);
    let sources: Vec<Option<&str>> = documents
        .iter()
        .map(|document| Some(SOURCE.captures(document)?.get(1)?.as_str()))
        .collect();
    let mut found = String::new();
    for one in wanted {
        let pattern = Pattern::parse(one);
        let matching = documents.iter().zip(&sources).filter(|(_, source)| {
            let pattern = pattern.as_ref();
            source.is_some_and(|source| pattern.is_some_and(|one| one.matches(source)))
        });
        let before = found.len();
        for (document, _) in matching {
            let _ = write!(found, "---\n{document}\n");
        }
        if found.len() == before {
            return Err(NoTemplate(one.clone()));
        }
    }
    Ok(found)
}
