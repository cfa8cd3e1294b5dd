//! Getting bytes onto the disk whole: a temporary file beside the real one, then a rename.

use std::fs::{File, Metadata};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Error, emit, platform};

/// How the names of temporary files start.
const TEMPORARY: &str = ".vc-kubeconfig-";
/// The age from which on a temporary file is not about to be renamed.
const LEFT_BEHIND: Duration = Duration::from_hours(1);
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;
/// How much of a path the name of its copy shows; what is cut off is told apart by a digest.
const SHOWN_OF_PATH: usize = 40;

/// What came of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Done,
    /// Somebody else has written the file since it was read.
    Overtaken,
}

/// Writes a kubeconfig of its own, for its owner only from birth, in place of any file there.
pub fn write_new(path: &Path, document: &Value) -> Result<(), Error> {
    let mut text = emit::lines(document).join("\n");
    text.push('\n');
    let written = platform::create_folder_of(path).and_then(|()| {
        let path = real_path(path)?;
        match std::fs::metadata(&path) {
            // A pipe or a terminal has no place to rename over.
            Ok(metadata) if !metadata.is_file() => File::options()
                .write(true)
                .open(&path)?
                .write_all(text.as_bytes()),
            _ => rename_over(&path, None, text.as_bytes(), || Ok(true)).map(drop),
        }
    });
    written.map_err(|source| Error::from_write(path, source))
}

/// Replaces a file's bytes, through links, keeping mode and owner; `old` is absent if it is new.
pub fn replace(path: &Path, old: Option<&[u8]>, new: &[u8]) -> Result<(), Error> {
    match replace_unless_overtaken(path, old, new)? {
        Replaced::Done => Ok(()),
        Replaced::Overtaken => Err(Error::Changing {
            file: path.to_owned(),
        }),
    }
}

/// The same, and what is not as `old` says by now is left as it is.
pub(super) fn replace_unless_overtaken(
    path: &Path,
    old: Option<&[u8]>,
    new: &[u8],
) -> Result<Replaced, Error> {
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::NotAFile {
            file: path.to_owned(),
        });
    }
    replace_real(path, old, new).map_err(|source| Error::from_write(path, source))
}

/// Removes what programs killed while writing left beside a file: it holds the file's secrets.
pub(super) fn sweep(path: &Path) {
    let Ok(entries) = real_path(path).and_then(|path| std::fs::read_dir(folder_of(&path))) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LEFT_BEHIND));
        if is_ours && is_old {
            // Left for the next edit if it cannot be removed now.
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// Refuses a file that is there and may not be written.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let may_be_written = || {
        let path = real_path(path)?;
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => open_to_write(&path, &metadata),
            _ => Ok(()),
        }
    };
    may_be_written().map_err(|source| Error::from_write(path, source))
}

/// Changes nothing; a rename would get around a mode that says no.
fn open_to_write(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    File::options().write(true).open(path).map(drop)
}

fn replace_real(path: &Path, old: Option<&[u8]>, new: &[u8]) -> io::Result<Replaced> {
    let path = real_path(path)?;
    let is_as_read = || match std::fs::read(&path) {
        Ok(bytes) => Ok(old == Some(bytes.as_slice())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(old.is_none()),
        Err(error) => Err(error),
    };
    let Some(old) = old else {
        return rename_over(&path, None, new, is_as_read);
    };
    let metadata = match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Replaced::Overtaken),
        metadata => metadata?,
    };
    open_to_write(&path, &metadata)?;
    let in_place = || {
        if !is_as_read()? {
            return Ok(Replaced::Overtaken);
        }
        write_in_place(&path, old, new).map(|()| Replaced::Done)
    };
    if platform::has_other_names(&metadata) {
        return in_place();
    }
    match rename_over(&path, Some(&metadata), new, is_as_read) {
        Err(error) if is_about_renaming(&error) => in_place(),
        result => result,
    }
}

/// Keeps the last state of a file, one for each path.
pub(super) fn back_up(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    keep(&kept_as(folder, path), bytes)
}

/// Where something about the file of that path is kept.
pub(super) fn kept_as(folder: &Path, path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let mut shown: Vec<char> = path.to_string_lossy().chars().collect();
    shown.drain(..shown.len().saturating_sub(SHOWN_OF_PATH));
    let shown = shown
        .into_iter()
        .map(|c| if "/\\:".contains(c) { '%' } else { c });
    let mut name: String = shown.collect();
    let digest = digest[..4]
        .iter()
        .fold(0, |all, byte| all << 8 | u32::from(*byte));
    name.extend(format!("-{digest:08x}").chars());
    folder.join(name)
}

/// Writes a file for its owner only, or not at all where nothing may be written.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = platform::create_folder_of(path)
        .and_then(|()| rename_over(path, None, bytes, || Ok(true)))
        .map_err(|source| Error::from_write(path, source));
    match written {
        Err(Error::ReadOnly { .. }) => Ok(()),
        result => result.map(drop),
    }
}

/// Puts bytes where a path leads to, whole or not at all, unless it turns out at the last moment that it must not be.
fn rename_over(
    path: &Path,
    old: Option<&Metadata>,
    bytes: &[u8],
    may_go_on: impl FnOnce() -> io::Result<bool>,
) -> io::Result<Replaced> {
    let folder = folder_of(path);
    // Readable by the owner only until it has the mode of the file it replaces.
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(old) = old {
        platform::copy_ownership(old, file.as_file())?;
    }
    file.as_file().sync_all()?;
    if !may_go_on()? {
        return Ok(Replaced::Overtaken);
    }
    file.persist(path).map_err(|error| error.error)?;
    platform::sync_folder(folder);
    Ok(Replaced::Done)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether the folder or a mount stands in the way, and not the file itself.
fn is_about_renaming(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
    )
}

/// Overwrites the file itself, as kubectl does; a failure puts the old bytes back.
fn write_in_place(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    overwrite(&mut file, new).inspect_err(|_| {
        // The old bytes had room, so this works even on a full disk.
        drop(overwrite(&mut file, old));
    })
}

/// Not truncated first: a disk found full half-way must not cost what was there.
fn overwrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// The file behind links, which need not exist.
pub(super) fn real_path(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use serde_json::json;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn write(path: &Path, bytes: &str, mode: u32) {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config");
        write_new(
            &path,
            &json!({"kind": "Config", "users": [], "clusters": [{"name": "a"}]}),
        )
        .unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.path().join("new")) & 0o700, 0o700);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "clusters:\n- name: a\nkind: Config\nusers: []\n"
        );
        let other = folder.path().join("other");
        replace(&other, None, b"x").unwrap();
        assert_eq!(mode(&other), 0o600);
    }

    #[test]
    fn mode_and_links_of_an_old_file_stay() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let link = folder.path().join("link");
        let second = folder.path().join("second");
        write(&real, "old", 0o644);
        symlink("real", &link).unwrap();
        symlink(&link, &second).unwrap();
        replace(&second, Some(b"old"), b"new").unwrap();
        assert_eq!(
            (fs::read(&real).unwrap(), mode(&real)),
            (b"new".to_vec(), 0o644)
        );
        assert!(fs::read_link(&link).is_ok() && fs::read_link(&second).is_ok());
        let dangling = folder.path().join("dangling");
        symlink("target", &dangling).unwrap();
        replace(&dangling, None, b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("target")).unwrap(), b"new");
    }

    #[test]
    fn a_file_with_two_names_is_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        write(&a, "old and long", 0o600);
        fs::hard_link(&a, &b).unwrap();
        let inode = fs::metadata(&a).unwrap().ino();
        replace(&a, Some(b"old and long"), b"new").unwrap();
        assert_eq!(fs::read(&b).unwrap(), b"new");
        assert_eq!(fs::metadata(&a).unwrap().ino(), inode);
    }

    #[test]
    fn what_was_written_since_it_was_read_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let [path, link] = ["config", "link"].map(|name| folder.path().join(name));
        write(&path, "theirs", 0o600);
        for old in [Some(&b"read"[..]), None] {
            assert_eq!(
                replace_unless_overtaken(&path, old, b"ours").unwrap(),
                Replaced::Overtaken
            );
        }
        fs::hard_link(&path, &link).unwrap();
        assert_eq!(
            replace_unless_overtaken(&path, Some(b"read"), b"ours").unwrap(),
            Replaced::Overtaken
        );
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        let gone = folder.path().join("gone");
        assert_eq!(
            replace_unless_overtaken(&gone, Some(b"read"), b"ours").unwrap(),
            Replaced::Overtaken
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_file_is_not_written() {
        let result = replace(Path::new("/dev/null"), Some(b""), b"new");
        assert!(matches!(result, Err(Error::NotAFile { .. })));
    }

    #[test]
    fn a_read_only_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        write(&path, "old", 0o444);
        let error = replace(&path, Some(b"old"), b"new").unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn old_temporary_files_are_swept_up() {
        let folder = tempfile::tempdir().unwrap();
        let [old, young, other] =
            [".vc-kubeconfig-a", ".vc-kubeconfig-b", "other"].map(|name| folder.path().join(name));
        for path in [&old, &young, &other] {
            File::create(path).unwrap();
        }
        for path in [&old, &other] {
            let time = std::time::SystemTime::now() - Duration::from_hours(2);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        sweep(&folder.path().join("config"));
        assert_eq!(
            [old, young, other].map(|path| path.exists()),
            [false, true, true]
        );
    }

    #[test]
    fn the_last_state_is_kept_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let backups = folder.path().join("state");
        back_up(&backups, &path, b"one").unwrap();
        back_up(&backups, &path, b"two").unwrap();
        let kept: Vec<_> = fs::read_dir(&backups)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(
            (fs::read(&kept[0]).unwrap(), mode(&kept[0])),
            (b"two".to_vec(), 0o600)
        );
    }
}
