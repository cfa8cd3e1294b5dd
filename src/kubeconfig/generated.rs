//! Kubeconfigs made up at random, put through walks of edits.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::document::Document;
use super::made_up::file;
use super::{Edit, EditOptions, Entry, Files, edited, entries};

/// Names that our entries have; no made-up file has them.
const OURS: &[&str] = &["mine", "vcluster_a_b_kind-kind", "12", "yes", "ü: #"];

fn entry(name: &str, port: u16) -> Entry {
    let extensions = json!([{"name": "vc", "extension": {"port": port, "name": "a: b"}}]);
    Entry {
        name: name.to_owned(),
        cluster: json!({"server": format!("https://127.0.0.1:{port}"), "extensions": extensions}),
        user: json!({"client-key-data": "12==", "exec": {"command": "/bin/vc", "args": ["a", "- b"], "env": null}}),
        context: json!({"cluster": name, "user": name, "extensions": extensions}),
    }
}

fn step() -> impl Strategy<Value = Edit> {
    let ours = prop::sample::select(OURS.to_vec());
    let selectable = prop::sample::select(vec!["mine", "vcluster_a_b_kind-kind", "12", "a", ""]);
    prop_oneof![
        (ours.clone(), 1_u16..4).prop_map(|(name, port)| Edit::Put(entry(name, port))),
        ours.prop_map(|name| Edit::Remove {
            name: name.to_owned()
        }),
        selectable.prop_map(|name| Edit::SetCurrent {
            to: (!name.is_empty()).then(|| name.to_owned()),
            only_if_current: None,
        }),
    ]
}

fn way_back(before: &Value) -> Vec<Edit> {
    let removals = OURS.iter().map(|name| Edit::Remove {
        name: (*name).to_owned(),
    });
    let current = Edit::SetCurrent {
        to: entries::current_context(before).map(str::to_owned),
        only_if_current: None,
    };
    removals.chain([current]).collect()
}

fn value_of(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}').to_owned();
    let value = Document::parse(text).expect("a valid file").value();
    if value.is_null() {
        entries::nothing()
    } else {
        value
    }
}

/// What a file says that is not ours.
fn foreign(mut value: Value) -> Value {
    for section in entries::Section::ALL {
        if let Some(items) = value.get_mut(section.key()).and_then(Value::as_array_mut) {
            items.retain(|item| !OURS.contains(&entries::name_of(item)));
        }
    }
    value["current-context"] = Value::Null;
    entries::normal(value)
}

/// The lines that no edit of ours has a reason to touch.
fn lines_of_others(text: &str) -> Vec<&str> {
    let is_head = |line: &&str| {
        let line = line.trim_start_matches('\u{feff}');
        ["clusters:", "contexts:", "users:", "current-context:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    text.lines()
        .filter(|line| !is_head(line))
        .map(str::trim_end)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_walk_that_ends_where_it_began_gives_the_file_back_to_the_byte(
        text in file(),
        steps in prop::collection::vec(step(), 1..8),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config");
        fs::write(&path, &text).expect("written");
        let before = value_of(&text);
        let files = Files::explicit(&path);
        let options = EditOptions {
            backup_folder: Some(folder.path().join("state")),
            ..EditOptions::default()
        };
        for step in steps {
            files.edit(&[step], &options).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let now = fs::read_to_string(&path).expect("readable");
            prop_assert_eq!(foreign(value_of(&now)), foreign(before.clone()));
        }
        files.edit(&way_back(&before), &options).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(fs::read_to_string(&path).expect("readable"), text);
    }

    #[test]
    fn without_a_memory_every_line_of_others_stays_in_its_place(
        text in file(),
        steps in prop::collection::vec(step(), 1..8),
    ) {
        let path = Path::new("config");
        let before = value_of(&text);
        let mut now = text.clone();
        for step in steps.into_iter().chain(way_back(&before)) {
            match edited(path, now.as_bytes(), &[step]) {
                Ok(Some(bytes)) => now = String::from_utf8(bytes).expect("text stays text"),
                Ok(None) => {}
                Err(error) => return Err(TestCaseError::fail(format!("{error} of\n{now}"))),
            }
            prop_assert_eq!(foreign(value_of(&now)), foreign(before.clone()));
            let mut lines = now.lines().map(str::trim_end);
            for line in lines_of_others(&text) {
                prop_assert!(text.starts_with('{') || lines.any(|other| other == line), "{line:?} is gone from\n{now}");
            }
        }
        prop_assert_eq!(entries::normal(value_of(&now)), entries::normal(before));
    }
}
