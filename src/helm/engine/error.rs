//! What can go wrong in a template, and where.

use std::fmt::Write as _;

/// A template that cannot be rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.headline())]
pub struct TemplateError {
    /// The file that the error lies in.
    pub file: String,
    /// The template in it that was defined by name.
    pub defined: Option<String>,
    /// The line in that file, from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// The column in that line, from 1.
    pub column: usize,
    /// The expression that failed, as written; empty when the template does not parse.
    pub action: String,
    /// Who included it, innermost first: template and line.
    pub chain: Vec<(String, usize)>,
    /// What went wrong.
    pub problem: String,
    /// Whether the chart itself refused, by `fail` or `required`.
    pub by_chart: bool,
}

/// How many includes a message shows at either end of a long chain.
const SHOWN_INCLUDES: usize = 8;

impl TemplateError {
    pub(crate) fn in_file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            problem: problem.into(),
            ..Self::default()
        }
    }

    fn headline(&self) -> String {
        let mut text = format!("`{}`", self.file);
        if self.line > 0 {
            let _ = write!(text, " line {} column {}", self.line, self.column);
        }
        if let Some(defined) = &self.defined {
            let _ = write!(text, " in `{defined}`");
        }
        if !self.action.is_empty() && !self.by_chart {
            let _ = write!(text, " at `{}`", self.action);
        }
        text.push_str(": ");
        text.push_str(&self.problem);
        let left_out = self.chain.len().saturating_sub(2 * SHOWN_INCLUDES);
        for (index, (template, line)) in self.chain.iter().enumerate() {
            if left_out > 0 && index == SHOWN_INCLUDES {
                let _ = write!(text, "; and so on {left_out} times");
            }
            if left_out > 0 && (SHOWN_INCLUDES..SHOWN_INCLUDES + left_out).contains(&index) {
                continue;
            }
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
