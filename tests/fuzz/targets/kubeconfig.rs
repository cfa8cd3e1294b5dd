//! An edit of any text is refused, or done once and for all and can be undone.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use vc::kubeconfig::{Edit, Entry, edited};
use vc_fuzz::{keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| edit(bytes));
});

fn edit(bytes: &[u8]) {
    let file = Path::new("config");
    let put = Edit::Put(Entry {
        name: "mine".to_owned(),
        cluster: json!({"server": "https://127.0.0.1:1"}),
        user: json!({"token": "- a: b # c"}),
        context: json!({"cluster": "mine", "user": "mine"}),
    });
    let select = Edit::SetCurrent {
        to: Some("mine".to_owned()),
        only_if_current: None,
    };
    let Ok(with) = edited(file, bytes, &[put.clone(), select.clone()]) else {
        return;
    };
    let with = with.unwrap_or_else(|| bytes.to_vec());
    let again = edited(file, &with, &[put, select]).expect("what was written can be edited");
    assert_eq!(again, None, "an edit that was made is not made again");
    let remove = Edit::Remove {
        name: "mine".to_owned(),
    };
    let none = Edit::SetCurrent {
        to: None,
        only_if_current: Some("mine".to_owned()),
    };
    // Refused where our entry became part of what aliases and merge keys refer to.
    let Ok(without) = edited(file, &with, &[remove.clone(), none.clone()]) else {
        return;
    };
    let without = without.expect("there was something to remove");
    let again = edited(file, &without, &[remove, none]).expect("what was written can be edited");
    assert_eq!(again, None, "a removal that was made is not made again");
}
