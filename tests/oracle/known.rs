//! Differences that are known: `docs/contributing.md` names them. They are counted, and fail nothing.

use crate::case::{Case, Outcome, difference};
use crate::helm::Helm;
use crate::ours;

/// Why two outcomes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    /// Here no chart may take all of the machine.
    Limit,
    /// Go's reader of YAML takes the start of its buffer for the start of a line.
    ByteOrderMark,
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Limit => "limits of ours",
            Self::ByteOrderMark => "U+FEFF in a buffer of Go's",
        })
    }
}

/// What our engine says where it ends a render, and what a template has that brings it there.
const LIMITS: [(&str, &str); 2] = [
    ("a list of more than 1000000 items", "until"),
    ("make more than 10000000 rounds", "range"),
];

const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Another letter of as many bytes.
const WORD_JOINER: &str = "\u{2060}";

impl Known {
    /// The reason for the difference of the two outcomes, if it is known.
    pub(crate) fn reason(case: &Case, ours: &Outcome, helm: &mut Helm) -> Option<Self> {
        let template = case.files.get("templates/x.yaml")?;
        if let Err(problem) = ours
            && LIMITS
                .iter()
                .any(|(limit, cause)| problem.contains(limit) && template.contains(cause))
        {
            return Some(Self::Limit);
        }
        let values = case.files.get("values.yaml")?;
        if !values.contains(BYTE_ORDER_MARK) {
            return None;
        }
        let mut other = case.clone();
        let values = values.replace(BYTE_ORDER_MARK, WORD_JOINER);
        other.files.insert("values.yaml".to_owned(), values);
        let is_same = difference(&helm.render(&other), &ours::render(&other)).is_none();
        is_same.then_some(Self::ByteOrderMark)
    }
}
