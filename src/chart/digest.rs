//! Checksums as registries, indexes and provenance files have them: SHA-256.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::error::FetchError;

/// How a digest begins.
pub(super) const PREFIX: &str = "sha256:";

/// The digest of some bytes: `sha256:` and 64 digits.
pub(super) fn of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", hex(bytes))
}

/// The 64 digits alone.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("memory takes any length");
    }
    text
}

/// Whether `what` has the digest that `by` says; without the prefix it is as good.
pub(super) fn check(what: &str, by: &str, expected: &str, found: &str) -> Result<(), FetchError> {
    let digits = |text: &str| text.trim().trim_start_matches(PREFIX).to_ascii_lowercase();
    if digits(expected) == digits(found) {
        return Ok(());
    }
    Err(FetchError::Checksum {
        what: what.to_owned(),
        by: by.to_owned(),
        expected: expected.trim().to_owned(),
        found: found.to_owned(),
    })
}
