//! Every function with arguments of every kind, most of which it was not made for.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::case::{Case, difference};
use crate::generate::{asked, report};
use crate::helm::{Helm, Version};
use crate::known::Known;
use crate::ours;
use crate::random::Random;

/// How many calls one run of the tests makes.
const CALLS: u64 = 3_000;
/// What yields something else each time, at another time or in another order, or takes too long.
const LEFT_OUT: &[&str] = &[
    "ago",
    "and",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "date_in_zone",
    "derivePassword",
    "durationRound",
    // It says in other words what is wrong.
    "fromToml",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "include",
    "keys",
    "now",
    "or",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "tpl",
    "unixEpoch",
    "uuidv4",
    "values",
];

/// Functions whose outcome is as large as a number says.
const GROWING: &[&str] = &[
    "indent",
    "nindent",
    "printf",
    "repeat",
    "seq",
    "until",
    "untilStep",
];
const LARGE: &[&str] = &["1000000", "9223372036854775807", "1e21"];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "10",
    "63",
    "1000000",
    "9223372036854775807",
    "1.5",
    "-0.5",
    "0.0",
    "1e21",
    "(int64 5)",
    "(float64 \"inf\")",
    "(float64 \"nan\")",
    ".Values.number",
];

const TEXTS: &[&str] = &[
    "\"\"",
    "\" \"",
    "\"a\"",
    "\"abc\"",
    "\"b\"",
    "\"日本語\"",
    "\"é\\u0301\"",
    "\"\\xff\"",
    "\"a,b\"",
    "\",\"",
    "\"1\"",
    "\"1.5\"",
    "\"-0\"",
    "\"0x10\"",
    "\"1_000\"",
    "\"true\"",
    "\"1.2.3\"",
    "\"v1.2.3-rc.1+b\"",
    "\"^1.2\"",
    "\"1h30m\"",
    "\"2006-01-02\"",
    "\"2024-02-29\"",
    "\"2024-02-29T12:00:00Z\"",
    "\"http://u:p@h:80/p?q=1#f\"",
    "\"/a/b/../c.txt\"",
    "\"a.b.c\"",
    "`{\"a\": [1, {\"b\": null}]}`",
    "\"[1, 2]\"",
    "\"a: {b: [1, x]}\\nc: ~\"",
    "\"- a\\n- b\"",
    "\"%d %s %v\"",
    "\"A b-C_d camelCaseX\"",
    "\"(a)(b)\"",
    "\"[a-z]+\"",
    "\"$1\"",
    "\"<&'>\"",
    "\"\\n\"",
    "\"a\\nb\\n\"",
    "\"aGVsbG8=\"",
    "\"string\"",
    "\"map\"",
];

const LISTS: &[&str] = &[
    "list",
    "(list 1 2 3)",
    "(list \"b\" \"a\" .Values.none)",
    "(list (list 1) list)",
    "(list 1.5 \"x\" true \"x\" 1.5)",
    "(list (dict \"a\" 1) dict)",
    ".Values.list",
    "(until 3)",
    "(splitList \",\" \"a,b\")",
    "(fromJsonArray \"null\")",
    "(chunk 2 (list 1 2 3))",
];

const MAPS: &[&str] = &[
    "dict",
    "(dict \"a\" 1)",
    "(dict \"a\" \"\" \"b\" 0)",
    "(dict \"a\" dict)",
    "(dict \"a\" (dict \"b\" 1 \"c\" list) \"d\" .Values.none)",
    "(dict \"a\" (dict \"b\" dict \"c\" (list 1)) \"d\" 2)",
    "(dict \"a\" (list 1 2))",
    "(dict \"scheme\" \"http\" \"host\" \"h\" \"path\" \"/p\")",
    ".Values.map",
    ".Values.deep",
    "(split \",\" \"a,b\")",
    "(fromJson \"null\")",
];

/// Nothing, truth, and what only Go has.
const OTHERS: &[&str] = &[
    ".Values.none",
    "true",
    "false",
    ".Values",
    ".Chart",
    ".Release",
    ".Capabilities.KubeVersion",
    ".Capabilities.APIVersions",
    ".Files",
    "(.Files.GetBytes \"f.txt\")",
    "(toDate \"2006-01-02\" \"2024-02-29\")",
    "(semver \"1.2.3\")",
    "(duration 90)",
];

const VALUES: &str = "number: 7\nlist: [1, two, 3.5, null, {a: b}]\nmap: {a: {b: 1}, c: [1], d: }\n\
    deep: {a: {b: {c: {}}, d: []}, e: text}\n";

/// An argument, most often of the type that the function wants.
fn argument(random: &mut Random, wanted: &str) -> &'static str {
    let kinds = [NUMBERS, TEXTS, LISTS, MAPS, OTHERS];
    let any = *random.pick(&kinds);
    let from = match wanted {
        _ if random.one_in(5) => any,
        "text" => TEXTS,
        "int" | "uint" | "float" => NUMBERS,
        "list" => LISTS,
        "dict" => MAPS,
        "bool" | "time" | "certificate" => OTHERS,
        _ => any,
    };
    random.word(from)
}

/// What `docs/contributing.md` says of single functions.
fn is_known_to_differ(name: &str, argument: &str) -> bool {
    let is_text = argument.starts_with(['"', '`']);
    let is_of_go = OTHERS.contains(&argument);
    match name {
        // A byte is an `int`.
        "first" | "last" | "mustFirst" | "mustLast" | "has" | "mustHas" => {
            argument.contains("GetBytes")
        }
        "index" => is_text || is_of_go,
        // Go's own structs are compared, copied and written by what can be seen of them.
        "eq" | "ne" | "printf" | "deepCopy" | "mustDeepCopy" => is_of_go,
        // Infinite numbers, times, fields in their order.
        "toYamlPretty" => is_of_go || argument.starts_with("(float64"),
        _ => false,
    }
}

/// A call of a function, with what it makes of its arguments shown as well.
fn template(random: &mut Random, functions: &[(&str, &str)]) -> String {
    let (name, signature) = *random.pick(functions);
    let mut wanted: Vec<&str> = Vec::new();
    for word in signature.split_whitespace() {
        match word.strip_suffix("...") {
            Some(word) => wanted.extend(vec![word; random.below(3)]),
            None => wanted.push(word),
        }
    }
    if random.one_in(20) {
        wanted.pop();
    }
    let mut text = String::new();
    let mut call = name.to_owned();
    let mut after = String::new();
    for (index, wanted) in wanted.into_iter().enumerate() {
        let mut argument = argument(random, wanted);
        if is_known_to_differ(name, argument) {
            argument = "(dict \"a\" 1)";
        }
        if GROWING.contains(&name) && LARGE.contains(&argument) {
            argument = "4";
        }
        // A variable is of a type already; a literal becomes what is wanted.
        if random.one_in(2) {
            let _ = write!(call, " {argument}");
        } else {
            let _ = write!(text, "{{{{ $v{index} := {argument} }}}}");
            let _ = write!(call, " $v{index}");
            let _ = write!(after, "|{{{{ $v{index} | toJson }}}}");
        }
    }
    let _ = write!(
        text,
        "{{{{ $r := {call} }}}}{{{{ kindOf $r }}}}|{{{{ $r | toJson }}}}|{{{{ $r }}}}{after}"
    );
    text
}

fn case(text: &str) -> Case {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: call\nversion: 0.1.0\n"),
        ("values.yaml", VALUES),
        ("f.txt", "one\ntwo\n"),
        ("templates/x.yaml", text),
    ];
    Case {
        files: files
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
        ..Case::default()
    }
}

/// Makes calls while it may, and reports what differs.
fn compare(seeds: impl Iterator<Item = u64>) {
    let functions: Vec<(&str, &str)> = vc::helm::functions()
        .flat_map(|(_, functions)| functions)
        .filter(|(name, _)| !LEFT_OUT.contains(name))
        .collect();
    let mut helm = Helm::start(Version::V4);
    let (mut calls, mut yielding, mut known) = (0, 0, 0);
    let mut failures = Vec::new();
    for seed in seeds {
        let text = template(&mut Random::new(seed), &functions);
        let case = case(&text);
        let (theirs, ours) = (helm.render(&case), ours::render(&case));
        calls += 1;
        yielding += u64::from(theirs.is_ok());
        let Some(found) = difference(&theirs, &ours) else {
            continue;
        };
        if Known::reason(&case, &ours, &mut helm).is_some() {
            known += 1;
            continue;
        }
        failures.push(format!("seed {seed}\n{text}\n{found}"));
        if failures.len() == 100 {
            break;
        }
    }
    let summary = format!(
        "{calls} calls, {yielding} of them good for Helm and the rest refused; {} differences, {known} known",
        failures.len()
    );
    report(&summary, &failures);
}

#[test]
fn calls_yield_what_they_yield_in_helm_4() {
    let first = asked("VC_ORACLE_SEED").unwrap_or(1);
    compare(first..first + asked("VC_ORACLE_CASES").unwrap_or(CALLS));
}

#[test]
#[ignore = "runs for as long as VC_ORACLE_SECONDS says: `make fuzz`"]
fn calls_go_on_yielding_what_they_yield_in_helm_4() {
    let end = Instant::now() + Duration::from_secs(asked("VC_ORACLE_SECONDS").unwrap_or(60));
    let first = asked("VC_ORACLE_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 32);
    compare((first..).take_while(|_| Instant::now() < end));
}
