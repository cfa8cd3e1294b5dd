use proptest::prelude::*;

use super::super::read::{parse_by_library, parse_document};
use super::*;
use crate::helm::yaml;

/// Whether the plain reader has an answer, which must be the library's.
fn is_plain(text: &str) -> bool {
    let agrees = |numbers| {
        let value = read(text, numbers);
        if let Some(value) = &value {
            let expected = parse_by_library(text, "text", numbers);
            assert_eq!(Ok(value), expected.as_ref(), "{text}");
        }
        value.is_some()
    };
    agrees(Numbers::Kept) && agrees(Numbers::Floats)
}

/// What may follow a key or a dash.
const VALUES: &[&str] = &[
    "",
    "",
    "",
    "1",
    "1",
    "word",
    "two words",
    "yes",
    "~",
    "0x10",
    "1.5",
    "1e400",
    ".inf",
    "2001-01-01",
    "# c",
    " # c",
    "a # c",
    "a#c",
    "'it''s'",
    "'q' # c",
    "'q'# c",
    "\"q\"",
    "\"a\\\"b\\\\c\\n\"",
    "\"\\x41\"",
    "\"a",
    "'a",
    "|",
    "|-",
    "|+",
    "|2",
    ">",
    "> ",
    "| ",
    "|  # c",
    "[]",
    "{}",
    "[a, b]",
    "[a, 'b', \"c\"]",
    "{a: 1, b: [c, {d: x}]}",
    "{a: 1}, b",
    "[a, ]",
    "{a}",
    "{a:1}",
    "{\"a\":1}",
    "{a: 1} # c",
    "[a",
    "[-1]",
    "[a: b]",
    "{a: }",
    "&x a",
    "*x",
    "!!str 1",
    "!x y",
    "@",
    "`",
    "%a",
    "a: b",
    "a:",
    "a:b",
    ":a",
    "-a",
    "- a",
    "-",
    "?a",
    ",a",
    "a,b",
    "]",
    "é",
    "\u{2028}",
    "\u{85}",
    "\t",
    "a\tb",
    "\u{feff}",
    "😀",
    "---",
    "...",
    "a -",
    "\\",
    "/etc/x",
    "<a>",
    "$(A)",
    "(a)",
    "=",
    "==",
    "+1",
    "~a",
    ".",
    "..",
    "a: # c",
    "   ",
    "\r",
];

fn line() -> impl Strategy<Value = String> {
    let indent = prop::sample::select(vec!["", "", "", " ", "  ", "  ", "    ", "      "]);
    let dash = prop::sample::select(vec![
        "", "", "", "", "- ", "- ", "-", "-   ", "- - ", "- # ",
    ]);
    let key = prop::sample::select(vec![
        "", "", "a: ", "a: ", "b:", "b: ", "c:   ", "a", "'q': ", "\"q\": ", "\"\\n\":", "x/y.z: ",
        "on: ", "1: ", "<<: ", "? ", "é: ", "a :", "a : ", "'q' : ", "a:b: ", "-: ",
    ]);
    let value = prop::sample::select(VALUES);
    (indent, dash, key, value)
        .prop_map(|(indent, dash, key, value)| format!("{indent}{dash}{key}{value}"))
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "",
        "a",
        "two words",
        "yes",
        "1",
        "- a",
        "a: b",
        "a #b",
        "it's",
        "\"",
        "a\nb",
        "a\nb\n",
        "\n\na\n",
        "a\n\n",
        "  a\nb",
        "a\n  b\n\n\nc",
        "#a\n#b\n",
        "é",
        "😀",
        "\\",
        "[]",
        "{",
        "true",
        "a,b",
        "long ",
        "\ta",
        "-",
        "--- a\n---",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        text.clone().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..4).prop_map(|entries| {
                let entries = entries.into_iter();
                Value::Object(entries.map(|(key, item)| (key.to_owned(), item)).collect())
            }),
        ]
    })
}

/// A change of a text: at a place, so many letters give way to others.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, &'static str)> {
    let letters = prop::sample::select(vec![
        "", " ", "  ", "\n", "\n\n", "-", "- ", ":", ": ", "#", " #", "'", "\"", "|", "[", "]",
        "{", "}", ",", "a", "\t", "\\", "&a ", "*a", "!", "?", ">", "%", "...", "---", "\r", "é",
    ]);
    (any::<prop::sample::Index>(), 0_usize..4, letters)
}

fn changed(text: &str, changes: &[(prop::sample::Index, usize, &'static str)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, gone, new) in changes {
        let at = at.index(letters.len() + 1);
        let end = letters.len().min(at + gone);
        letters.splice(at..end, new.chars());
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn lines_are_read_as_the_library_reads_them(lines in prop::collection::vec(line(), 0..7)) {
        is_plain(&lines.join("\n"));
        is_plain(&(lines.join("\n") + "\n"));
    }

    #[test]
    fn written_values_are_read_as_the_library_reads_them(
        value in value(),
        changes in prop::collection::vec(change(), 0..3),
    ) {
        is_plain(&changed(&yaml::to_string(&value), &changes));
    }
}

#[test]
fn what_charts_hold_is_plain() {
    let texts = [
        "",
        "# nothing\n\n",
        "a: 1",
        "a:\n- b\n-   c: 1\n    d: 2\n- - e\n  -\n    f: g\n-\nh: # c\n",
        "a:\n  # c\n    # c\n  b: two words # c\n\n  c: a#b\nd: http://x:1/y?z=%20\n",
        "a: 'it''s'\n\"b\": \"a\\\"b\\\\c\\n\" # c\nc: [] # c\nd: {}\ne: [a, \"b\", {c: 1, 'd': [e]}]\n",
        "a: |\n  x: y\n    # c\n\n  z\n\n\nb: |-\n    a\nc: |+\n a\n\n\nd: x\n",
        "a: |\n\nb: |-\n# c\nc:\n  d: |\n      \n",
        "a:\n- |\n a\n- b: |\n   c\n",
        "a:\n  {}\nb:\n  [c] # d\ne:\n-\n  {f: g}\n- [h]\n",
        "a: b\n  - c # d\ne:\n- f\n\n   \n  g #h\nj: k\n - l  \n i\n\n\n  j\n# k\n",
        "a: 'b  \n  it''s # c\n\n\n   ' # d\ne:\n- \"f\n #\\\\ \n \"\n- \"f \\\n  \\  g\\\n h\"\n- 'g\n  h'\n",
        "a: é\nb: ~\nc: 0x1f\nd: 2001-01-01\ne: -a\n",
    ];
    for text in texts {
        assert!(is_plain(text), "{text}");
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_library() {
    let texts = [
        "a: b\n  c: d",
        "a: b # c\n  d",
        "a: b\n  # c\n  d",
        "a: 'b\nc'",
        "a: \"b\\\n\n  c\"",
        "a: \"b\\ \n  c\"",
        "a: >\n  b\n",
        "a: |\n  b",
        "a: |\n    \n  b\n",
        "a: |2\n  b\n",
        "a: &x b",
        "a: *x",
        "a: !!str 1",
        "? a\n: b",
        "a: b: c",
        "a:\tb",
        "a: b\r\n",
        "a\n",
        "- a\nb: c\n",
        "a:\n    b: c\n  d: e\n",
        "---\na: b\n",
        "a: b\n...\n",
        "%YAML 1.1\n",
        "1: a\n",
        "<<: a\n",
        "a: .inf\n",
        "a: [b,\n  c]\n",
        "a: \"\\x41\"\n",
        "\u{feff}a: b\n",
    ];
    for text in texts {
        assert_eq!(read(text, Numbers::Kept), None, "{text}");
    }
    let deep = "- ".repeat(DEEPEST + 1) + "a\n";
    assert_eq!(read(&deep, Numbers::Kept), None);
    assert!(parse_document(&deep, "text", Numbers::Kept).is_ok());
    let long = format!("{}: b\n", "a".repeat(LONGEST_KEY));
    assert_eq!(read(&long, Numbers::Kept), None);
}
