//! Writing YAML, byte for byte as `sigs.k8s.io/yaml` writes it.
//!
//! Helm hashes and stores what `toYaml` yields, so every quote and line break counts: keys in
//! natural order, list items level with their key, text folded after column 80.

mod text;

use serde_json::Value;

use super::number::{number_text, pretty_number};
use super::order::in_go_order;
use super::shape::is_break;

const MAX_SIMPLE_KEY: usize = 128;

/// The YAML text of a value, with a final line break.
pub fn to_string(value: &Value) -> String {
    written(value, Emitter::default())
}

/// The same as Helm's `toYamlPretty` writes it: lists further in than their key, and nothing folded.
pub(crate) fn to_pretty_string(value: &Value) -> String {
    let emitter = Emitter {
        is_pretty: true,
        ..Emitter::default()
    };
    written(value, emitter)
}

fn written(value: &Value, mut emitter: Emitter) -> String {
    emitter.node(value, Place::Root, 0);
    emitter.break_to(0);
    emitter.out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    MapValue,
}

#[derive(Default)]
struct Emitter {
    out: String,
    column: usize,
    /// Whether a block of text just ended with a line break of its own.
    is_on_fresh_line: bool,
    /// Whether this is the newer of Go's two libraries, which Helm uses in one place.
    is_pretty: bool,
}

impl Emitter {
    fn put(&mut self, letter: char) {
        self.out.push(letter);
        self.column = if letter == '\n' { 0 } else { self.column + 1 };
    }

    /// Writes a text without line breaks.
    fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn indent_to(&mut self, indent: usize) {
        while self.column < indent {
            self.put(' ');
        }
    }

    fn break_to(&mut self, indent: usize) {
        if !self.is_on_fresh_line {
            self.put('\n');
        }
        self.is_on_fresh_line = false;
        self.indent_to(indent);
    }

    /// Writes a value whose introducing `key:` or `-` is already there; `indent` is that of its parent.
    fn node(&mut self, value: &Value, place: Place, indent: usize) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                let inner = match place {
                    Place::Root => 0,
                    Place::Item | Place::MapValue => indent + 2,
                };
                for (index, (key, item)) in
                    in_go_order(entries, self.is_pretty).into_iter().enumerate()
                {
                    if index > 0 || place == Place::MapValue {
                        self.break_to(inner);
                    } else if place == Place::Item {
                        self.put(' ');
                    }
                    self.entry(key, item, inner);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let inner = match place {
                    Place::Root => 0,
                    Place::MapValue if !self.is_pretty => indent,
                    Place::MapValue | Place::Item => indent + 2,
                };
                for (index, item) in items.iter().enumerate() {
                    if index > 0 || place == Place::MapValue {
                        self.break_to(inner);
                    } else if place == Place::Item {
                        self.put(' ');
                    }
                    self.put('-');
                    self.node(item, Place::Item, inner);
                }
            }
            scalar => {
                if place != Place::Root {
                    self.put(' ');
                }
                // Continuation lines of a folded or literal text lie one level in.
                let inner = match place {
                    Place::Root => 2,
                    Place::Item | Place::MapValue => indent + 2,
                };
                self.scalar(scalar, inner);
            }
        }
    }

    fn entry(&mut self, key: &str, item: &Value, indent: usize) {
        let is_simple = key.len() <= MAX_SIMPLE_KEY && !key.chars().any(is_break);
        if is_simple {
            self.text(key, indent, true);
        } else {
            self.put('?');
            self.put(' ');
            self.text(key, indent + 2, false);
            self.break_to(indent);
        }
        self.put(':');
        // After a key on a line of its own the value starts as a list item does.
        let place = if is_simple {
            Place::MapValue
        } else {
            Place::Item
        };
        self.node(item, place, indent);
    }

    fn scalar(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put_str("null"),
            Value::Bool(truth) => self.put_str(if *truth { "true" } else { "false" }),
            Value::Number(number) if self.is_pretty => self.put_str(&pretty_number(number)),
            Value::Number(number) => self.put_str(&number_text(number)),
            Value::String(text) => self.text(text, indent, false),
            Value::Array(_) => self.put_str("[]"),
            Value::Object(_) => self.put_str("{}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Numbers, parse_document};
    use super::*;

    #[test]
    fn maps_lists_and_texts_look_as_go_writes_them() {
        let value = json!({
            "b": [1, [2, 3], [], {"x": 1, "y": {}}],
            "a10": "yes", "a2": "multi\nline\n", "B": null,
        });
        let text = "B: null\na2: |\n  multi\n  line\na10: \"yes\"\nb:\n- 1\n- - 2\n  - 3\n- []\n- x: 1\n  \"y\": {}\n";
        assert_eq!(to_string(&value), text);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,20}",
            "[a-z \n\t:#'\"-]{0,30}",
            "(yes|no|null|~|0x1f|1_0|1e3|[0-9:.-]{1,8})",
            "[a-z ]{70,100}",
            any::<String>(),
        ]
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            texts().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(texts(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        // No file of failures: it would lie next to the source.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_back_as_the_same(value in values()) {
            let text = to_string(&value);
            let read = parse_document(&text, "text", Numbers::Kept);
            prop_assert_eq!(read, Ok(value), "{}", text);
        }
    }
}
