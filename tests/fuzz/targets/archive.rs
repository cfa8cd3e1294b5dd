//! Any archive is a chart or refused, with and without an intact gzip envelope.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vc::helm::Chart;
use vc_fuzz::{gzipped, keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        drop(Chart::from_archive(bytes));
        drop(Chart::from_archive(&gzipped(bytes)));
    });
});
