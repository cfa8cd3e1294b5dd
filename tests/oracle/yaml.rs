//! Values as people and programs write them: every style of scalar, and what YAML makes hard.

use std::fmt::Write as _;

use crate::random::Random;

/// Text that YAML, Go or Helm may take for something else.
pub(crate) const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "plain text",
    "a\u{7f}b",
    "a \u{85} b",
    "\u{9b}",
    "true",
    "True",
    "TRUE",
    "yes",
    "Yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "null",
    "~",
    "Null",
    "NULL",
    "1",
    "-1",
    "+1",
    "01",
    "0644",
    "0o17",
    "0x1f",
    "0X1F",
    "0b101",
    "1_000",
    "1e3",
    "1E3",
    "1e+3",
    ".5",
    "5.",
    "-.5",
    "1.0",
    "1.50",
    "-0",
    "0.0",
    ".inf",
    "-.inf",
    ".nan",
    ".NaN",
    "1:30",
    "12:30:45",
    "2001-12-14",
    "2001-12-14T21:59:43Z",
    "2001-12-14 21:59:43",
    "2024-02-30",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e400",
    "3.141592653589793",
    "0.1",
    "1e-7",
    "1e21",
    "100000",
    "1000000",
    "123456789",
    "=",
    "<<",
    "@at",
    "`tick",
    "%p",
    "!tag",
    "&anchor",
    "*alias",
    "?",
    "? x",
    "-",
    "- x",
    "--- x",
    "---",
    "...",
    "x:",
    ": x",
    "a: b",
    "a:b",
    "a #b",
    "a#b",
    "#x",
    "{a}",
    "[a]",
    "a, b",
    "'q'",
    "\"dq\"",
    "it's",
    " lead",
    "trail ",
    "tab\tx",
    "\t",
    "multi\nline",
    "multi\nline\n",
    "multi\n\n\nline\n\n",
    "\nlead",
    "  indented\nx",
    "x\n  indented",
    "trail \nx",
    "a\r\nb",
    "\r",
    "é",
    "日本語",
    "😀",
    "a\u{a0}b",
    "\u{2028}",
    "\u{85}",
    "\u{feff}x",
    "\u{0}",
    "\u{7f}",
    "\u{1b}[0m",
    "<a href=\"x\">&</a>",
    "\\n",
    "\\",
    "{{ .Values.s1 }}",
    "a/b/c",
    "v1.2.3",
    ">=1.20-0",
    "https://user:pw@host.example:8080/p/a?q=1#f",
    "10.0.0.1",
    "some_snake_case",
    "CamelCaseText",
    "key=value,other",
    "100m",
    "1Gi",
    "50%",
    "a.b.c",
    "a long line that goes over eighty columns because it has to be folded somewhere by the emitter",
    "a long line: with a colon that goes over eighty columns because it has to be quoted and folded there",
    "averyveryveryverylongwordwithoutanyblanksinitthatgoesovereightycolumnsandcannotbefoldedanywhereatall",
    "long words  with  double  blanks  in  it  that  go  over  eighty  columns  and  more  to  see  what  happens ",
    "a long text\nof several lines of which one goes over eighty columns because it has to be folded somewhere\n",
];

/// Numbers and words as they stand in YAML without quotes.
const PLAIN: &[&str] = &[
    "1",
    "0",
    "-7",
    "42",
    "3.5",
    "0.1",
    "1e3",
    "1E-5",
    "1e21",
    "1e22",
    "123456789",
    "1000000",
    "9007199254740991",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "0644",
    "0o17",
    "0x1f",
    "0b11",
    "1_000",
    "1.0",
    "-0",
    "-0.0",
    ".5",
    "+3",
    "true",
    "false",
    "yes",
    "No",
    "on",
    "off",
    "y",
    "N",
    "null",
    "~",
    "Null",
    "2001-12-14",
    "12:30",
    "1.2.3",
    "text",
    "two words",
    "a-b",
    "x:y",
    "http://x/y",
    "1e400",
    "100m",
];

const KEYS: &[&str] = &[
    "a",
    "b",
    "name",
    "x",
    "key",
    "a-b",
    "a.b",
    "on",
    "y",
    "1",
    "10",
    "9",
    "2",
    "1.5",
    "true",
    "a10",
    "a2",
    "A",
    "B",
    "_u",
    "é",
    "with space",
    "\"quoted\"",
    "'0644'",
    "0x10",
    "2001-12-14",
];

/// A values file with the keys that templates ask for.
pub(crate) fn document(random: &mut Random) -> Vec<String> {
    let mut entries = Vec::new();
    for name in ["s1", "s2", "s3"] {
        entries.push(format!("{name}: {}\n", text(random, 2)));
    }
    for name in ["i1", "i2"] {
        let numbers = [
            "0",
            "1",
            "3",
            "-2",
            "7",
            "12",
            "255",
            "1000000",
            "123456789012",
        ];
        entries.push(format!("{name}: {}\n", random.pick(&numbers)));
    }
    for name in ["f1", "f2"] {
        let numbers = [
            "0.5", "1.0", "-2.25", "3.14159", "1e21", "1e-7", "0.1", "100.0", "1e6", "2.5",
        ];
        entries.push(format!("{name}: {}\n", random.pick(&numbers)));
    }
    for name in ["b1", "b2"] {
        let truths = ["true", "false", "yes", "off", "on", "n"];
        entries.push(format!("{name}: {}\n", random.pick(&truths)));
    }
    for name in ["l1", "l2"] {
        entries.push(format!("{name}:{}", list(random, 2, 0)));
    }
    for name in ["m1", "m2"] {
        entries.push(format!("{name}:{}", map(random, 2, 0)));
    }
    for name in ["a1", "a2"] {
        entries.push(format!("{name}:{}", value(random, 2, 0)));
    }
    entries.push("nil: null\n".to_owned());
    if random.one_in(4) {
        entries.push("base: &base\n  a: 1\n  b: {c: d}\nmerged:\n  <<: *base\n  a: 2\nalso:\n  x: 1\n  <<: [*base]\n".to_owned());
    }
    if random.one_in(8) {
        entries.push("twice: 1\ntwice: two\n".to_owned());
    }
    entries
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

/// What follows a key or a dash, with its line break.
fn value(random: &mut Random, left: usize, depth: usize) -> String {
    match random.below(if left == 0 { 2 } else { 6 }) {
        0 => format!(" {}\n", random.pick(PLAIN)),
        1 => format!(" {}\n", text(random, depth + 1)),
        2 => list(random, left - 1, depth),
        3 => map(random, left - 1, depth),
        4 => " []\n".to_owned(),
        _ => format!(" {}\n", flow(random, left)),
    }
}

fn list(random: &mut Random, left: usize, depth: usize) -> String {
    let count = random.below(5);
    if count == 0 {
        return " []\n".to_owned();
    }
    // Items may lie level with their key or further in.
    let inner = if random.one_in(2) { depth } else { depth + 1 };
    let mut out = "\n".to_owned();
    for _ in 0..count {
        let item = match random.below(4) {
            0 => format!(" {}\n", random.pick(PLAIN)),
            1 | 2 => format!(" {}\n", text(random, inner + 1)),
            _ => value(random, left, inner),
        };
        let _ = write!(out, "{}-{item}", indent(inner));
    }
    out
}

fn map(random: &mut Random, left: usize, depth: usize) -> String {
    let count = random.below(6);
    if count == 0 {
        return " {}\n".to_owned();
    }
    let mut out = "\n".to_owned();
    for _ in 0..count {
        let item = value(random, left, depth + 1);
        // A null as a key is an error, unless a later key takes the place of its map.
        let key = if random.one_in(300) {
            "null"
        } else {
            random.word(KEYS)
        };
        let _ = write!(out, "{}{key}:{item}", indent(depth + 1));
        if random.one_in(6) {
            let _ = writeln!(out, "{}# a comment", indent(depth + 1));
        }
    }
    out
}

fn flow(random: &mut Random, left: usize) -> String {
    match random.below(if left == 0 { 1 } else { 3 }) {
        0 => (*random.pick(&["1", "x", "'a, b'", "\"q\\n\"", "~", "true", "1.5"])).to_owned(),
        1 => format!("[{}, {}]", flow(random, left - 1), flow(random, left - 1)),
        _ => format!(
            "{{a: {}, \"b\": {}}}",
            flow(random, left - 1),
            flow(random, left - 1)
        ),
    }
}

/// A text in one of the styles that can hold it.
fn text(random: &mut Random, depth: usize) -> String {
    let text = *random.pick(TEXTS);
    let is_simple = !text
        .chars()
        .any(|letter| letter.is_control() || "\u{85}\u{2028}\u{feff}".contains(letter));
    match random.below(4) {
        0 if is_simple => format!("'{}'", text.replace('\'', "''")),
        1 if text.contains('\n')
            && !text.contains(['\r', '\t'])
            && !text.starts_with([' ', '\n']) =>
        {
            let chomp = random.pick(&["", "-", "+"]);
            let style = random.pick(&["|", ">"]);
            let mut out = format!("{style}{chomp}");
            for line in text.split('\n') {
                let _ = write!(out, "\n{}{line}", indent(depth + 1));
            }
            out
        }
        _ => serde_json::to_string(text).expect("text has JSON"),
    }
}
