//! What differs between systems: modes, owners, links and how paths are listed.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

/// What stands between the paths of a variable such as `KUBECONFIG`.
pub(super) const LIST_SEPARATOR: &str = if cfg!(windows) { ";" } else { ":" };

/// The paths of a variable such as `KUBECONFIG`.
#[cfg(unix)]
pub(super) fn split_paths(list: &OsStr) -> Vec<PathBuf> {
    let paths = list
        .as_bytes()
        .split(|byte| *byte == LIST_SEPARATOR.as_bytes()[0]);
    paths
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
        .collect()
}

/// The paths of a variable such as `KUBECONFIG`.
#[cfg(not(unix))]
pub(super) fn split_paths(list: &OsStr) -> Vec<PathBuf> {
    list.to_string_lossy()
        .split(LIST_SEPARATOR)
        .map(PathBuf::from)
        .collect()
}

/// Creates the folder that a file is to be in, readable to all as kubectl does.
pub(super) fn create_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            builder.mode(0o755);
            builder.recursive(true).create(folder)
        }
        _ => Ok(()),
    }
}

/// The path with the links in its folders followed, and its last part as it is.
pub(super) fn without_links_before(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        // What does not exist cannot be one with anything.
        _ => path.to_owned(),
    }
}

/// Creates a lock file that must not exist, without any mode as kubectl does.
pub(super) fn create_lock(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o0);
    options.open(path).map(drop)
}

/// Lets a file that is created be for its owner only from birth.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Gives a new file the mode and owner of an old one.
#[cfg(unix)]
pub(super) fn copy_ownership(old: &std::fs::Metadata, new: &File) -> io::Result<()> {
    let now = new.metadata()?;
    if (now.uid(), now.gid()) != (old.uid(), old.gid()) {
        std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    // After the owner, as a change of owner may clear bits of the mode.
    new.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o7777))
}

/// Gives a new file the mode and owner of an old one: here both come with the folder.
#[cfg(not(unix))]
pub(super) fn copy_ownership(_old: &std::fs::Metadata, _new: &File) -> io::Result<()> {
    Ok(())
}

/// The mode of a file.
#[cfg(unix)]
pub(super) fn mode_for_others(path: &Path) -> Option<u32> {
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then(|| metadata.mode() & 0o7777)
}

/// The mode of a file: here access is kept in another way.
#[cfg(not(unix))]
pub(super) fn mode_for_others(_path: &Path) -> Option<u32> {
    None
}

/// Whether the file has other names, which a rename would cut off.
#[cfg(unix)]
pub(super) fn has_other_names(metadata: &std::fs::Metadata) -> bool {
    metadata.nlink() > 1
}

/// Whether the file has other names: not told by the standard library here.
#[cfg(not(unix))]
pub(super) fn has_other_names(_metadata: &std::fs::Metadata) -> bool {
    false
}

/// Makes a rename in the folder last through a crash of the machine.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) {
    // The content is safe by now, and not every file system can do this.
    drop(File::open(folder).and_then(|folder| folder.sync_all()));
}

/// Makes a rename in the folder last: here folders cannot be opened, and need not be.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) {}
