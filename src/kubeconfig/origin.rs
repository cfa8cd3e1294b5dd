//! What a file was before our first edit, so that it is that again, to the byte, once it means the same again.
//!
//! The text alone cannot tell: a list that was missing, `null` or `[]` is a list with our entry afterwards, and when that
//! entry goes, nothing says which of the three stood there. So the bytes are kept for as long as nobody but us has
//! written the file, which a digest of what we wrote last shows. Losing them costs nothing but that nicety.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Error, write};

/// What the names of these files end with, beside the last good copy.
const ENDING: &str = ".origin";
const DIGEST: usize = 32;

/// The bytes that a file had before our first edit, if what it holds now is what we wrote last.
pub(super) fn recall(folder: &Path, path: &Path, now: &[u8]) -> Option<Vec<u8>> {
    let kept = std::fs::read(file(folder, path)).ok()?;
    let (digest, origin) = kept.split_at_checked(DIGEST)?;
    (digest == Sha256::digest(now).as_slice()).then(|| origin.to_vec())
}

/// Keeps the bytes from before our first edit, now that the file holds what we wrote.
pub(super) fn remember(
    folder: &Path,
    path: &Path,
    origin: &[u8],
    written: &[u8],
) -> Result<(), Error> {
    if origin == written {
        // Nothing can be done about a failure, and the digest does not fit any more.
        drop(std::fs::remove_file(file(folder, path)));
        return Ok(());
    }
    let digest = Sha256::digest(written);
    write::keep(&file(folder, path), &[digest.as_slice(), origin].concat())
}

fn file(folder: &Path, path: &Path) -> PathBuf {
    let mut name = write::kept_as(folder, path).into_os_string();
    name.push(ENDING);
    PathBuf::from(name)
}
