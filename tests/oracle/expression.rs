//! Expressions of a wanted type, from every function whose outcome is the same each time.

use std::fmt::Write as _;

use crate::random::Random;
use crate::table::FUNCTIONS;
use crate::table::Type::{self, Any, Bool, Float, Int, Int64, List, Map, Number, Text, Texts};
use crate::yaml::TEXTS;

const VERBS: &[&str] = &[
    "%v", "%s", "%d", "%q", "%x", "%X", "%t", "%5d", "%-5d|", "%05d", "%+d", "%.2f", "%8.3f", "%e",
    "%g", "%G", "%T", "%5s|", "%-8s|", "%.3s", "%c", "%U", "%b", "%o", "%#x", "%+v", "%#v", "%%",
    "% d", "%6.2f%%", "%[1]v", "%*d", "%v %v",
];

const PATTERNS: &[&str] = &[
    "a",
    "[a-z]+",
    "^.",
    "\\d+",
    "(\\w)(\\w*)",
    "x*",
    "",
    "[^a-z]",
    "(?i)TEXT",
    ".*$",
    "\\s",
    "a|b",
    "(",
    "[[:alpha:]]+",
];

/// An expression of a type, in a form that can stand as an argument.
pub(crate) fn argument(random: &mut Random, wanted: Type, depth: usize) -> String {
    let text = expression(random, wanted, depth);
    if text.contains(' ') && !text.starts_with(['"', '`', '('])
        || text.starts_with('(') && text.contains(") ")
    {
        format!("({text})")
    } else {
        text
    }
}

/// An expression of a type, as it can stand alone.
pub(crate) fn expression(random: &mut Random, wanted: Type, depth: usize) -> String {
    // Now and then something else, to see both sides refuse it or take it.
    let wanted = if random.one_in(40) { Any } else { wanted };
    let wanted = match wanted {
        Any => *random.pick(&[Text, Int, Int64, Float, Bool, List, Texts, Map, Any, Any]),
        Number => *random.pick(&[Int, Int64, Float, Any, Text]),
        other => other,
    };
    if depth == 0 || random.one_in(3) {
        return leaf(random, wanted);
    }
    if random.one_in(12) {
        let verb = *random.pick(VERBS);
        let count = verb.matches('%').count().min(2);
        let args: Vec<String> = (0..count)
            .map(|_| argument(random, Any, depth - 1))
            .collect();
        return format!("printf {verb:?} {}", args.join(" "))
            .trim_end()
            .to_owned();
    }
    let fitting: Vec<_> = FUNCTIONS
        .iter()
        .filter(|(_, _, yields)| {
            *yields == wanted || wanted == Any || wanted == List && *yields == Texts
        })
        .collect();
    let (name, params, _) = *random.pick(&fitting);
    call(random, name, params, depth)
}

fn call(random: &mut Random, name: &str, params: &[Type], depth: usize) -> String {
    let mut args: Vec<String> = params
        .iter()
        .enumerate()
        .map(|(index, param)| {
            special(random, name, index).unwrap_or_else(|| argument(random, *param, depth - 1))
        })
        .collect();
    // The context of `tpl` and of `merge` would change what follows, so that it is the same each time.
    if !args.is_empty() && name != "and" && name != "or" && random.one_in(3) {
        let piped = args.pop().unwrap_or_default();
        let piped = piped
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
            .map_or(piped.clone(), |inner| {
                if inner.contains(['(', ')']) {
                    piped.clone()
                } else {
                    inner.to_owned()
                }
            });
        return format!("{piped} | {name} {}", args.join(" "))
            .trim_end()
            .to_owned();
    }
    format!("{name} {}", args.join(" ")).trim_end().to_owned()
}

/// Arguments that only make sense when they are chosen for the function.
fn special(random: &mut Random, name: &str, index: usize) -> Option<String> {
    let half = random.one_in(2);
    let index_of_four = random.below(4);
    let number = i64::try_from(random.below(1000)).expect("it is small");
    let mut text = |from: &[&'static str]| Some(go_quoted(random.word(from)));
    match (name, index) {
        (
            "regexFind"
            | "regexFindAll"
            | "regexReplaceAll"
            | "regexReplaceAllLiteral"
            | "regexMatch"
            | "regexSplit",
            0,
        ) => text(PATTERNS),
        ("regexReplaceAll", 2) => text(&["<$0>", "${1}x", "$1", "", "$$", "$name"]),
        ("repeat", 0) | ("splitn" | "round", 1) => Some((number % 4).to_string()),
        ("indent" | "nindent", 0) => Some((number % 7).to_string()),
        ("until", 0) | ("substr", 1) => Some((number % 6).to_string()),
        ("chunk", 0) => Some((number % 3 + 1).to_string()),
        ("seq", _) => Some((number % 9 - 4).to_string()),
        ("untilStep", 2) => Some(["1", "2", "-1", "3"][index_of_four].to_owned()),
        ("semverCompare", 0) => text(&[
            ">=1.20-0",
            "^1.2",
            "~1.2.3",
            "1.x || >=2",
            "1.2 - 1.4",
            "!=1.2.3",
            "*",
            "<2, >1",
        ]),
        ("b64dec", 0) => text(&["aGVsbG8=", "w6k=", "x", "", "YQ=="]),
        ("b32dec", 0) => text(&["NBSWY3DP", "ME======", "1", ""]),
        ("index", 1) | ("substr", 0) => Some((number % 2).to_string()),
        ("slice", 1) => Some("0".to_owned()),
        ("slice", 2) => Some((number % 3).to_string()),
        ("wrap" | "wrapWith" | "trunc" | "abbrev", 0) => Some((number % 30).to_string()),
        ("regexSplit" | "regexFindAll", 2) => Some((number % 4 - 1).to_string()),
        ("div" | "mod", 1) => Some((number % 5 + 1).to_string()),
        ("divf", 1) => Some(["2", "3.0", "0.3", "7"][index_of_four].to_owned()),
        ("urlParse", 0) if !half => text(&["https://h.example/p"]),
        ("required", 1) => Some("\"there\"".to_owned()),
        ("semverCompare", 1) => text(&[
            "1.2.3",
            "v1.36.3",
            "1.21.0-rc.1",
            "1",
            "2.0",
            "1.3.0+meta",
            "x",
        ]),
        ("kindIs", 0) => text(&[
            "map", "slice", "string", "int", "float64", "bool", "invalid", "int64",
        ]),
        ("typeIs" | "typeIsLike", 0) => text(&[
            "string",
            "[]interface {}",
            "map[string]interface {}",
            "int",
            "float64",
        ]),
        ("tpl", 0) => text(&[
            "{{ .a }}x",
            "{{ len . }}",
            "plain",
            "{{ define \"t\" }}[{{ . }}]{{ end }}{{ include \"t\" 1 }}",
        ]),
        ("fromYaml" | "fromYamlArray" | "fromJson" | "fromJsonArray", 0) if half => text(&[
            "a: 1",
            "{\"a\": [1, 2.5, null]}",
            "[1, \"x\"]",
            "- a\n- b: 1",
            "a: yes\nb: 0644\n",
            "{",
            "",
            "1",
            "a: {b: 1e3}",
        ]),
        ("urlParse", 0) => text(&[
            "https://u:p@h.example:80/a%20b/c?q=1&r=a+b#frag",
            "http://[::1]:8/x",
            "mailto:a@b",
            "/p/q",
            "a/b",
            "",
            "//h/p",
            "x://%zz",
        ]),
        (
            "duration"
            | "durationRound"
            | "durationHours"
            | "durationSeconds"
            | "durationMilliseconds",
            0,
        ) if half => text(&["90", "1h30m", "2400h", "1.5s", "61m", "-3h", "5ms", ""]),
        _ => None,
    }
}

fn leaf(random: &mut Random, wanted: Type) -> String {
    match wanted {
        Text => match random.below(4) {
            0 | 1 => go_quoted(random.word(TEXTS)),
            2 => (*random.pick(&[".Values.s1", ".Values.s2", ".Values.s3", "$s"])).to_owned(),
            _ => (*random.pick(&[
                ".Release.Name",
                ".Chart.Name",
                "\"a\"",
                "`raw \"x\"`",
                "\"x,y,z\"",
            ]))
            .to_owned(),
        },
        Int => {
            (*random.pick(&["0", "1", "2", "3", "-1", "7", "0x10", "'a'", "1_0", "$i"])).to_owned()
        }
        Int64 => (*random.pick(&[
            "(int64 3)",
            "(add 1 2)",
            "(int64 .Values.i1)",
            "(mul 1 1000000)",
        ]))
        .to_owned(),
        Float => (*random.pick(&[
            "0.5",
            "1.0",
            "1e3",
            "-2.5",
            ".Values.f1",
            ".Values.f2",
            ".Values.i1",
            ".Values.i2",
        ]))
        .to_owned(),
        Bool => (*random.pick(&["true", "false", ".Values.b1", ".Values.b2", "$b"])).to_owned(),
        List => (*random.pick(&[
            ".Values.l1",
            ".Values.l2",
            "(list 1 \"a\" 2.5)",
            "(list)",
            "$l",
        ]))
        .to_owned(),
        Texts => (*random.pick(&[
            "(splitList \",\" \"b,a,c\")",
            "(list \"x\" \"y\")",
            ".Values.l1",
        ]))
        .to_owned(),
        Map => (*random.pick(&[
            ".Values.m1",
            ".Values.m2",
            "(dict \"a\" 1 \"b\" (dict \"c\" \"d\"))",
            "(dict)",
            "$m",
        ]))
        .to_owned(),
        Any | Number => (*random.pick(&[
            ".Values.a1",
            ".Values.a2",
            ".Values.nil",
            ".Values.missing",
            ".Values.m1.a",
            ".Values.m2.b",
            "(index .Values.l1 0)",
            ".Values.merged",
            "$a",
        ]))
        .to_owned(),
    }
}

/// A literal that Go reads as the same text.
pub(crate) fn go_quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() || letter == '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
