//! One file's text and where everything in it stands.
//!
//! Values and places come from the same parse, so what is compared after an edit is what was cut.
//! The parser is of the libyaml family, as is kubectl's, so that both take a file alike.

use std::borrow::Cow;
use std::ops::Range;
use std::panic;

use serde_json::{Map, Value};

use super::composer::Composer;

/// A fault in the text, by line counted from 1.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// A parsed text; of several YAML documents only the first counts, as for kubectl.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    /// Absent if the text holds only comments or nothing.
    pub(super) root: Option<Node>,
}

/// A value and the bytes it is written in, anchor and tag included.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// The shapes of a value.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar {
        value: Value,
        quote: Option<char>,
    },
    Alias(Value),
    Sequence {
        is_flow: bool,
        items: Vec<Node>,
    },
    Mapping {
        is_flow: bool,
        members: Vec<(Node, Node)>,
    },
}

impl Document {
    pub(super) fn parse(text: String) -> Result<Self, Fault> {
        // Some texts make the parser panic (a tag right before a comma, an escape cut off by the end
        // of the file). They are broken, or so unusual that an edit is better refused.
        let root = panic::catch_unwind(|| {
            // Others panic at their end where a block scalar is the last thing and has no line break.
            let ended = if text.is_empty() || text.ends_with('\n') {
                Cow::Borrowed(&text)
            } else {
                Cow::Owned(format!("{text}\n"))
            };
            Composer::of(&text, &ended).root()
        })
        .unwrap_or_else(|_| {
            let problem = "the YAML parser cannot take this file".to_owned();
            Err(Fault { line: 1, problem })
        })?;
        Ok(Self { text, root })
    }

    /// The value of the whole document.
    pub(super) fn value(&self) -> Value {
        self.root.as_ref().map_or(Value::Null, Node::value)
    }

    /// A member of the outermost mapping; the last one of that key, as for kubectl.
    pub(super) fn member(&self, key: &str) -> Option<(&Node, &Node)> {
        let Kind::Mapping { members, .. } = &self.root.as_ref()?.kind else {
            return None;
        };
        let found = members.iter().rfind(|(node, _)| node.is_text(key));
        found.map(|(key, value)| (key, value))
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line_of(&self, place: usize) -> usize {
        1 + self.text[..place].matches('\n').count()
    }
}

impl Node {
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { value, .. } | Kind::Alias(value) => value.clone(),
            Kind::Sequence { items, .. } => items.iter().map(Node::value).collect(),
            Kind::Mapping { members, .. } => Value::Object(object(members)),
        }
    }

    /// Whether nothing is written here, or a word for nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }

    fn is_text(&self, text: &str) -> bool {
        matches!(&self.kind, Kind::Scalar { value, .. } if value.as_str() == Some(text))
    }
}

fn object(members: &[(Node, Node)]) -> Map<String, Value> {
    let mut object = Map::new();
    let mut merged = Vec::new();
    for (key, value) in members {
        if matches!(key.kind, Kind::Scalar { quote: None, .. }) && key.is_text("<<") {
            match value.value() {
                Value::Array(values) => merged.extend(values),
                value => merged.push(value),
            }
            continue;
        }
        let key = match key.value() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        object.insert(key, value.value());
    }
    for value in merged {
        if let Value::Object(members) = value {
            for (key, value) in members {
                object.entry(key).or_insert(value);
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Document {
        Document::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn places_are_those_of_the_text() {
        let document = parsed("# é\na: &x \"ü\" # c\nb:\n  - 1\n  - |\n    two\n\n# end\n");
        let text = |key| &document.text[document.member(key).unwrap().1.span.clone()];
        assert_eq!(text("a"), "&x \"ü\"");
        assert_eq!(text("b"), "- 1\n  - |\n    two");
    }

    #[test]
    fn merge_keys_aliases_and_doubled_keys_mean_what_they_mean_to_kubectl() {
        let document = parsed("a: &a {x: 1, w: 1}\nb:\n  <<: [*a, {z: 3}]\n  w: 2\nc: 1\nc: 2\n");
        assert_eq!(document.value()["b"], json!({"x": 1, "w": 2, "z": 3}));
        assert_eq!(document.value()["c"], json!(2));
    }

    #[test]
    fn a_block_scalar_may_end_the_file_without_a_break() {
        for (text, value) in [
            ("a: |\n  x", "x"),
            ("a: |+\n  x", "x"),
            ("a: |-\n  x", "x"),
            ("a: >\n  x\n  y", "x y"),
            ("a: |\n  x\n", "x\n"),
            ("a: |+\n  x\n\n", "x\n\n"),
        ] {
            assert_eq!(parsed(text).value()["a"], json!(value), "{text:?}");
        }
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line) in [
            ("a: 1\nb: [\n", 3),
            ("a: 1\nb: *none\n", 2),
            ("a: 1\n\nb: \u{7}\n", 3),
            ("a: 1\n\tb: 2\n", 2),
        ] {
            let fault = Document::parse(text.to_owned()).unwrap_err();
            assert_eq!(
                (fault.line, fault.problem.is_empty()),
                (line, false),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_makes_the_parser_panic_is_a_fault_too() {
        for text in ["a: \"\\", "a: [!b, c]\n"] {
            assert!(Document::parse(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let doubled = (1..40).map(|i| format!("a{i}: &a{i} [*a{}, *a{}]\n", i - 1, i - 1));
        let text = format!("a0: &a0 x\n{}", doubled.collect::<String>());
        assert!(Document::parse(text).is_err());
        assert!(Document::parse("[".repeat(10_000)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_it_panic(text in "([-:{}\\[\\],&*!|>'\"%@#? \n\r\tab\u{e9}\u{85}\u{2028}\u{0}]|clusters|- name: a\n|\\PC){0,40}") {
            if let Ok(document) = Document::parse(text) {
                for key in ["a", "clusters"] {
                    if let Some((key, value)) = document.member(key) {
                        _ = (&document.text[key.span.clone()], &document.text[value.span.clone()]);
                    }
                }
            }
        }
    }
}
