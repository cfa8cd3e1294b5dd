//! Any release record is read or refused, and what was read is the same when it is written and read again.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use vc::helm::record::{decode, encode};
use vc_fuzz::{gzipped, keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        drop(decode(bytes));
        drop(decode(STANDARD.encode(bytes).as_bytes()));
        let Ok(release) = decode(STANDARD.encode(gzipped(bytes)).as_bytes()) else {
            return;
        };
        let written = encode(&release).expect("what was read can be written");
        let again = decode(written.as_bytes()).expect("what was written can be read");
        assert_eq!(encode(&again).expect("what was read can be written"), written);
    });
});
