//! What the fuzz targets share.

use std::io::Write as _;
use std::panic::{self, UnwindSafe};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Takes the place of libfuzzer's own hook, which ends the process at once, even for a panic that `vc` catches: that
/// of its YAML parser.
pub fn keep_panics() {
    panic::set_hook(Box::new(|panic| {
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = panic.to_string();
        }
    }));
}

/// Runs one input; a panic that nobody caught is a finding.
pub fn run(input: impl FnOnce() + UnwindSafe) {
    if panic::catch_unwind(input).is_err() {
        let last = LAST_PANIC
            .lock()
            .map(|last| last.clone())
            .unwrap_or_default();
        eprintln!("{last}");
        std::process::abort();
    }
}

/// The input in a gzip envelope, which no fuzzer would come upon.
pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(bytes).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}
