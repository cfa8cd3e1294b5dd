//! What can go wrong in a template, and where.

use std::fmt::Write as _;

/// A template that cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.headline())]
pub struct TemplateError {
    /// The file that the error lies in.
    pub file: String,
    /// The template in it that was defined by name.
    pub defined: Option<String>,
    /// The line in that file, from 1.
    pub line: usize,
    /// The action that failed, as written; empty when the template does not parse.
    pub action: String,
    /// Who included it, innermost first: template and line.
    pub chain: Vec<(String, usize)>,
    /// What went wrong.
    pub problem: String,
    /// Whether the chart itself refused, by `fail` or `required`.
    pub by_chart: bool,
}

impl TemplateError {
    pub(crate) fn in_file(
        file: impl Into<String>,
        line: usize,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            defined: None,
            line,
            action: String::new(),
            chain: Vec::new(),
            problem: problem.into(),
            by_chart: false,
        }
    }

    fn headline(&self) -> String {
        let mut text = format!("`{}`", self.file);
        if self.line > 0 {
            let _ = write!(text, " line {}", self.line);
        }
        if let Some(defined) = &self.defined {
            let _ = write!(text, " in `{defined}`");
        }
        if !self.action.is_empty() && !self.by_chart {
            let _ = write!(text, " at `{}`", self.action);
        }
        text.push_str(": ");
        text.push_str(&self.problem);
        for (template, line) in &self.chain {
            let _ = write!(text, "; included by `{template}` line {line}");
        }
        text
    }
}

/// Why a function or an expression failed, before its place is known.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The expression is wrong.
    Wrong(String),
    /// The chart refuses these values.
    Refused(String),
    /// Something inside, whose place is known, failed.
    Placed(Box<TemplateError>),
}

impl Fault {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self::Wrong(problem.into())
    }
}

impl From<Box<TemplateError>> for Fault {
    fn from(error: Box<TemplateError>) -> Self {
        Self::Placed(error)
    }
}
