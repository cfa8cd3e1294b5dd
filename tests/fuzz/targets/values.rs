//! Any values file is read or refused, by our own reader as by the library, and what was read says the same when it is
//! written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vc::helm::{values, yaml};
use vc_fuzz::{keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let by_library = yaml::parse_by_library(text, "values.yaml");
        assert_eq!(yaml::parse(text, "values.yaml"), by_library);
        let Ok(read) = values::parse(text, "values.yaml") else {
            return;
        };
        let written = yaml::to_string(&read);
        // Helm writes this text without quotes, where it reads as a merge, and so do we.
        if written.contains("<<") {
            return;
        }
        match values::parse(&written, "written") {
            Ok(again) => assert_eq!(again, read, "of\n{written}"),
            Err(error) => panic!("{error} of\n{written}"),
        }
    });
});
