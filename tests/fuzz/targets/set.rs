//! Any text after `--set` and its relatives is understood or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use vc::helm::values;
use vc_fuzz::{keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let base = || json!({"a": {"b": [1, {"c": null}]}, "d": "text"});
        drop(values::set(&mut base(), text));
        drop(values::set_string(&mut base(), text));
        drop(values::set_json(&mut base(), text));
        drop(values::set_literal(&mut base(), text));
    });
});
