//! Kubeconfigs made up at random, in every style that people and programs write them.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::document::Document;
use super::entries;

/// How a file is written.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "styles are independent of each other"
)]
struct Style {
    /// How far in the dashes of lists stand.
    dash: usize,
    has_windows_breaks: bool,
    has_mark: bool,
    has_markers: bool,
    has_final_break: bool,
    has_comments: bool,
    has_blank_lines: bool,
}

/// What stands under the key of a list.
#[derive(Debug, Clone)]
enum List {
    Missing,
    /// A way to write nothing.
    Nothing(&'static str),
    Items(Vec<(String, usize)>),
    /// The items on one line, in braces.
    Flow(Vec<(String, usize)>),
}

#[derive(Debug, Clone)]
struct Recipe {
    style: Style,
    /// Of clusters, contexts and users.
    lists: [List; 3],
    current: Option<&'static str>,
    /// Other members of the outermost mapping.
    others: Vec<&'static str>,
    /// The order of all members.
    order: Vec<usize>,
}

/// What an item holds beside its name, in block style at column 0, and the same in braces.
const BODIES: &[(&str, &str)] = &[
    (
        "KEY:\n  server: https://a:6443",
        "KEY: {server: 'https://a:6443'}",
    ),
    ("KEY: {}", "KEY: {}"),
    ("KEY:", "KEY: null"),
    (
        "KEY: # note\n  # inside\n  token: 'it''s' # quoted\n  x-unknown: [1, 2.50, 0x1F]",
        "KEY: {token: \"\\u00e9\", x: [1, 2.50]}",
    ),
    (
        "KEY:\n  note: |\n    - name: mine\n    two lines\n\n  after: yes",
        "x-first: 1, KEY: {note: \"a\\nb\"}",
    ),
    (
        "KEY: &anchor {cluster: a, user: a}\nother: *anchor",
        "KEY: &flow {cluster: a}, other: *flow",
    ),
    (
        "KEY:\n  <<: {namespace: default}\n  exec:\n    args:\n    - -c\n    -   name: mine\n    command: ./login",
        "KEY: {<<: {a: b}, exec: {args: [-c]}}",
    ),
    (
        "x-folded: >-\n  a\n  b\nKEY: !custom {y: 0644, z: ~}",
        "KEY: !custom {y: 0644, z: ~}",
    ),
    (
        "KEY:\n  extensions:\n  - name: minikube.sigs.k8s.io\n    extension: {last-update: 2024-01-01}",
        "KEY: {extensions: [{name: m}]}",
    ),
    (
        "'KEY' : \n    deep:\n        deeper: \"a: b # c\"",
        "\"KEY\": {\"a\": \"b, }\"}",
    ),
];

fn names() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "a",
        "kind-kind",
        "größe",
        "'x y'",
        "\"#\"",
        "\"null\"",
        "gke_project_zone_name",
        "- ",
        "minikube",
        "名前",
    ])
    .prop_map(|name| {
        if name == "- " {
            "\"- \"".to_owned()
        } else {
            name.to_owned()
        }
    })
}

fn list() -> impl Strategy<Value = List> {
    let items = prop::collection::vec((names(), 0..BODIES.len()), 1..4);
    let nothing = vec!["null", "~", "", "[]", "null # none yet", "[ ] # none", "  "];
    prop_oneof![
        1 => Just(List::Missing),
        2 => prop::sample::select(nothing).prop_map(List::Nothing),
        5 => items.clone().prop_map(List::Items),
        1 => items.prop_map(List::Flow),
    ]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let style = (0..4_usize, any::<[bool; 6]>()).prop_map(|(dash, flags)| Style {
        dash,
        has_windows_breaks: flags[0],
        has_mark: flags[1],
        has_markers: flags[2],
        has_final_break: flags[3],
        has_comments: flags[4],
        has_blank_lines: flags[5],
    });
    let current = prop::sample::select(vec![
        None,
        Some("a"),
        Some("'größe'"),
        Some("\"\""),
        Some(""),
        Some("null"),
        Some("\"kind-kind\" # now"),
    ]);
    let others = prop::sample::subsequence(
        vec![
            "apiVersion: v1",
            "kind: Config",
            "preferences: {}",
            "preferences:\n  colors: true",
            "x-unknown: [yes, ~, 1_000]",
            "extensions:\n- name: e\n  extension: |+\n    kept\n\n",
            "\"quoted key\" : &top [1]\nalias: *top",
        ],
        0..5,
    );
    (style, [list(), list(), list()], current, others)
        .prop_flat_map(|(style, lists, current, others)| {
            let order: Vec<usize> = (0..4 + others.len()).collect();
            let order = Just(order).prop_shuffle();
            (Just((style, lists, current, others)), order)
        })
        .prop_map(|((style, lists, current, others), order)| Recipe {
            style,
            lists,
            current,
            others,
            order,
        })
}

impl Recipe {
    fn text(&self) -> String {
        let style = &self.style;
        let mut text = String::new();
        if style.has_markers {
            text.push_str("%YAML 1.1\n---\n");
        }
        for member in &self.order {
            if style.has_comments {
                text.push_str("# before\n");
            }
            match *member {
                0..3 => self.write_list(*member, &mut text),
                3 => {
                    if let Some(current) = self.current {
                        _ = writeln!(text, "current-context: {current}");
                    }
                }
                other => _ = writeln!(text, "{}", self.others[other - 4]),
            }
            if style.has_blank_lines {
                text.push('\n');
            }
        }
        if style.has_comments {
            text.push_str("# the end\n");
        }
        if style.has_markers {
            text.push_str("...\n");
        }
        // A block scalar that ends with the file would have to change for anything to come after it.
        if !style.has_final_break && !text.trim_end().ends_with("kept") {
            text.truncate(text.trim_end().len());
        }
        if style.has_windows_breaks {
            text = text.replace('\n', "\r\n");
        }
        if style.has_mark {
            text.insert(0, '\u{feff}');
        }
        text
    }

    fn write_list(&self, index: usize, text: &mut String) {
        let section = entries::Section::ALL[index];
        let (key, inner) = (section.key(), section.inner_key());
        match &self.lists[index] {
            List::Missing => {}
            List::Nothing(nothing) => _ = writeln!(text, "{key}: {nothing}"),
            List::Flow(items) => {
                let items = items.iter().map(|(name, body)| {
                    format!(
                        "{{name: {name}, {}}}",
                        BODIES[*body].1.replace("KEY", inner)
                    )
                });
                _ = writeln!(text, "{key}: [{}]", items.collect::<Vec<_>>().join(", "));
            }
            List::Items(items) => {
                _ = writeln!(
                    text,
                    "{key}:{}",
                    if self.style.has_comments {
                        " # all"
                    } else {
                        ""
                    }
                );
                for (name, body) in items {
                    self.write_item(name, &BODIES[*body].0.replace("KEY", inner), text);
                }
            }
        }
    }

    fn write_item(&self, name: &str, body: &str, text: &mut String) {
        let margin = " ".repeat(self.style.dash);
        let is_name_first = body.len().is_multiple_of(2);
        let lines = if is_name_first {
            format!("name: {name}\n{body}")
        } else {
            format!("{body}\nname: {name}")
        };
        for (number, line) in lines.lines().enumerate() {
            let lead = if number == 0 { "- " } else { "  " };
            _ = writeln!(
                text,
                "{}",
                format!("{margin}{lead}{line}").trim_end_matches('\u{0}')
            );
        }
        if self.style.has_comments {
            _ = writeln!(text, "{margin}# after {name}");
        }
    }
}

/// The same value as JSON, as programs write it.
fn json_text(value: &Value, indentation: Option<&str>) -> String {
    let Some(indentation) = indentation else {
        return value.to_string();
    };
    let pretty = format!("{value:#}");
    let lines = pretty.lines().map(|line| {
        let depth = line.len() - line.trim_start().len();
        format!("{}{}\n", indentation.repeat(depth / 2), line.trim_start())
    });
    lines.collect()
}

/// A file that kubectl would take.
pub(super) fn file() -> impl Strategy<Value = String> {
    let indentation = prop::sample::select(vec![None, Some("  "), Some("\t"), Some("    ")]);
    (recipe(), prop::option::weighted(0.2, indentation)).prop_map(|(recipe, as_json)| {
        let text = recipe.text();
        match as_json {
            Some(indentation) => {
                let text = text.trim_start_matches('\u{feff}').to_owned();
                json_text(
                    &Document::parse(text)
                        .expect("a made-up file is valid")
                        .value(),
                    indentation,
                )
            }
            None => text,
        }
    })
}
