//! Which files count, by kubectl's own rule, and reading them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Document, Fault};
use super::{Error, Kubeconfig, entries, platform, write};

/// The kubeconfig files that count, the one with precedence first.
///
/// Never empty, though none of the files need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    paths: Vec<PathBuf>,
    is_explicit: bool,
}

impl Files {
    /// The list by kubectl's rule: the explicit file alone, else the files of `KUBECONFIG`, else
    /// `.kube/config` in the home folder. The caller passes the environment's values.
    pub fn resolve(
        explicit: Option<&Path>,
        kubeconfig_variable: Option<&OsStr>,
        home: Option<&Path>,
    ) -> Self {
        if let Some(path) = explicit.filter(|path| !path.as_os_str().is_empty()) {
            return Self::explicit(path);
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in kubeconfig_variable
            .into_iter()
            .flat_map(platform::split_paths)
        {
            if !path.as_os_str().is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            paths.push(home.unwrap_or(Path::new("")).join(".kube").join("config"));
        }
        Self {
            paths,
            is_explicit: false,
        }
    }

    /// These files, as an earlier [`Self::paths`] gave them; of several, those that do not exist are skipped.
    pub fn list(paths: &[PathBuf]) -> Self {
        Self {
            paths: paths.to_vec(),
            is_explicit: false,
        }
    }

    /// Only this file, which must exist to be read.
    pub fn explicit(path: impl Into<PathBuf>) -> Self {
        Self {
            paths: vec![path.into()],
            is_explicit: true,
        }
    }

    /// The files, the one with precedence first.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Where new entries go: the first file that exists, else the last of the list.
    pub fn default_file(&self) -> &Path {
        let existing = self.paths.iter().find(|path| path.exists());
        existing.unwrap_or(&self.paths[self.paths.len() - 1])
    }

    /// Refuses a list in which the file that new entries go to may not be written.
    pub fn check_default_file(&self) -> Result<(), Error> {
        write::check(self.default_file())
    }

    /// What the files say together; files that do not exist are skipped unless explicit.
    pub fn read(&self) -> Result<Kubeconfig, Error> {
        let mut kubeconfig = Kubeconfig::default();
        for path in &self.paths {
            let source = Source::read_settled(path)?;
            if self.is_explicit && !source.exists() {
                return Err(Error::Missing { file: path.clone() });
            }
            kubeconfig.merge(path, &source.document.value());
        }
        Ok(kubeconfig)
    }
}

/// One file as it was read.
pub(super) struct Source {
    /// The file's bytes; absent if there was no file.
    pub(super) bytes: Option<Vec<u8>>,
    /// The parsed text, without a byte order mark.
    pub(super) document: Document,
    /// How the text was written.
    pub(super) encoding: Encoding,
}

/// How a text is written to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16,
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// How often a file is read again that another program holds a lock of: it may be a lock left behind.
const MOST_READINGS: u32 = 40;
const BETWEEN_READINGS: Duration = Duration::from_millis(5);

/// A device may have no end, and what is parsed takes many times its size.
const LARGEST_MIB: u64 = 32;

impl Source {
    /// Reads a file; one that does not exist is as an empty one.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        Self::of(path, read_bytes(path)?)
    }

    /// A file that holds these bytes.
    pub(super) fn of(path: &Path, bytes: Option<Vec<u8>>) -> Result<Self, Error> {
        let broken = |Fault { line, problem }| Error::Broken {
            file: path.to_owned(),
            line,
            problem,
        };
        let (encoding, text) = decode(bytes.as_deref().unwrap_or_default()).map_err(broken)?;
        let document = Document::parse(text).map_err(broken)?;
        entries::check(&document).map_err(broken)?;
        Ok(Self {
            bytes,
            document,
            encoding,
        })
    }

    /// Reads a file, and again while another program seems to be in the middle of writing it.
    ///
    /// kubectl truncates the file and writes it in place, so what a reader without a lock sees may be cut off, even
    /// where it can be parsed.
    fn read_settled(path: &Path) -> Result<Self, Error> {
        let lock = super::lock::lock_file(path);
        let mut was_locked = lock.exists();
        let mut source = Self::read(path);
        for _ in 0..MOST_READINGS {
            let is_locked = lock.exists();
            if !was_locked && !is_locked {
                break;
            }
            std::thread::sleep(BETWEEN_READINGS);
            let again = Self::read(path);
            let is_settled = match (&source, &again) {
                (Ok(one), Ok(other)) => {
                    one.bytes == other.bytes && other.bytes.as_ref().is_none_or(|b| !b.is_empty())
                }
                _ => false,
            };
            source = again;
            if is_settled {
                break;
            }
            was_locked = is_locked;
        }
        source
    }

    /// Whether there is such a file.
    pub(super) fn exists(&self) -> bool {
        self.bytes.is_some()
    }

    /// The bytes to write for a text of this file.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let mark = if self.encoding == Encoding::Utf8WithMark {
            UTF8_MARK
        } else {
            b""
        };
        [mark, text.as_bytes()].concat()
    }
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take((LARGEST_MIB << 20) + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > LARGEST_MIB << 20 => Err(Error::TooLarge {
            file: path.to_owned(),
            mib: LARGEST_MIB,
        }),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(source) => Err(Error::Read {
            file: path.to_owned(),
            source,
        }),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn decode(bytes: &[u8]) -> Result<(Encoding, String), Fault> {
    let (encoding, text) = match bytes {
        [0xff, 0xfe, rest @ ..] => (Encoding::Utf16, from_utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => (Encoding::Utf16, from_utf16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::Utf8WithMark, from_utf8(rest)),
        _ => (Encoding::Utf8, from_utf8(bytes)),
    };
    text.map(|text| (encoding, text))
}

fn from_utf8(bytes: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = 1 + before.matches('\n').count();
        Fault {
            line,
            problem: "not UTF-8 text".to_owned(),
        }
    })?;
    Ok(text.to_owned())
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Fault> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Fault {
            line: 1,
            problem: "not UTF-16 text".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn paths(list: &[&OsStr]) -> std::ffi::OsString {
        list.join(OsStr::new(platform::LIST_SEPARATOR))
    }

    #[test]
    fn the_list_is_that_of_kubectl() {
        let (a, b, home) = (Path::new("/a"), Path::new("/b"), Path::new("/home/me"));
        let variable = paths(&[a, Path::new(""), b, a].map(Path::as_os_str));
        let resolve =
            |explicit, variable: Option<&OsStr>| Files::resolve(explicit, variable, Some(home));
        assert_eq!(resolve(Some(b), Some(&variable)), Files::explicit(b));
        assert_eq!(resolve(None, Some(&variable)).paths(), [a, b]);
        let default = home.join(".kube/config");
        for empty in [
            None,
            Some(OsStr::new("")),
            Some(OsStr::new(platform::LIST_SEPARATOR)),
        ] {
            assert_eq!(resolve(None, empty).paths(), [default.as_path()]);
        }
    }

    #[test]
    fn new_entries_go_to_the_first_file_that_exists_else_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        let files = Files::resolve(
            None,
            Some(&paths(&[&a, &b, &c].map(|path| path.as_os_str()))),
            None,
        );
        assert_eq!(files.default_file(), c);
        fs::write(&b, "").unwrap();
        assert_eq!(files.default_file(), b);
    }

    #[test]
    fn the_first_file_wins_and_paths_are_as_seen_from_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let [a, none, b] = ["a", "none", "b/config"].map(|name| folder.path().join(name));
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(&a, "users: [{name: u, user: {token: first}}]\ncontexts: [{name: c, context: {cluster: x, user: u}}]\n").unwrap();
        fs::write(&b, "current-context: c\nusers:\n- {name: u, user: {token: second}}\n- name: v\n  user: {client-key: ../k, exec: {command: ./login}}\nclusters: [{name: x, cluster: {certificate-authority: ca}}]\n").unwrap();
        let kubeconfig = Files::resolve(
            None,
            Some(&paths(&[&a, &none, &b].map(|path| path.as_os_str()))),
            None,
        )
        .read()
        .unwrap();
        assert_eq!(kubeconfig.current_context.as_deref(), Some("c"));
        assert_eq!(kubeconfig.user("u").unwrap().user["token"], "first");
        let inside = |name: &str| {
            folder
                .path()
                .join("b")
                .join(name)
                .to_string_lossy()
                .into_owned()
        };
        assert_eq!(
            kubeconfig.user("v").unwrap().user["client-key"],
            inside("../k")
        );
        assert_eq!(
            kubeconfig.user("v").unwrap().user["exec"]["command"],
            inside("login")
        );
        let document = kubeconfig.to_json_for("c").unwrap();
        assert_eq!(
            document["clusters"][0]["cluster"]["certificate-authority"],
            inside("ca")
        );
        assert_eq!(
            (&document["users"][0]["name"], &document["current-context"]),
            (&"u".into(), &"c".into())
        );
        assert_eq!(kubeconfig.to_json_for("other"), None);
    }

    #[test]
    fn only_an_explicit_file_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none");
        assert!(
            matches!(Files::explicit(&none).read(), Err(Error::Missing { file }) if file == none)
        );
        let listed = Files::resolve(None, Some(none.as_os_str()), None);
        assert_eq!(listed.read().unwrap(), Kubeconfig::default());
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        for (bytes, line) in [
            (&b"clusters:\n- name: [\n"[..], 3),
            (b"kind: Config\nusers: 3\n", 2),
            (b"contexts:\n- name: a\n- name: 12\n", 3),
            (b"contexts:\n- a\n", 2),
            (b"a: b\ncurrent-context: [x]\n", 2),
            (b"- a\n", 1),
            (b"a: b\nc: \xff\n", 2),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = Files::explicit(&path).read().unwrap_err();
            assert!(
                matches!(&error, Error::Broken { file, line: found, .. } if *file == path && *found == line),
                "{error}"
            );
        }
    }

    #[test]
    fn utf16_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let units = "\u{feff}current-context: ü\n".encode_utf16();
        fs::write(&path, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
        let kubeconfig = Files::explicit(&path).read().unwrap();
        assert_eq!(kubeconfig.current_context.as_deref(), Some("ü"));
    }
}
