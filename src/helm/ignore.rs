//! A chart's folder on disk, without what its `.helmignore` names.

use std::fs;
use std::path::{Path, PathBuf};

use super::chart::{ChartError, File};
use super::pattern::Pattern;

/// What a chart may be made of, as in an archive.
const MAX_SIZE: u64 = 100 << 20;
const MAX_FILES: usize = 20_000;

/// Reads all files of the folder, each folder's entries in the order of their names.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<File>, ChartError> {
    let rules = Rules::parse(&match fs::read_to_string(folder.join(".helmignore")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(unreadable(&folder.join(".helmignore"), source)),
    })?;
    let mut walk = Walk {
        rules,
        files: Vec::new(),
        size: 0,
        above: Vec::new(),
    };
    walk.folder(folder, "")?;
    Ok(walk.files)
}

struct Walk {
    rules: Rules,
    files: Vec<File>,
    size: u64,
    /// The folders we are in, as they are called without links.
    above: Vec<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), ChartError> {
        let real = fs::canonicalize(folder).map_err(|source| unreadable(folder, source))?;
        if self.above.contains(&real) {
            let problem = format!("holds the link `{prefix}`, which leads back to what it lies in");
            return Err(ChartError::Folder(problem));
        }
        self.above.push(real);
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(|source| unreadable(folder, source))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                let problem = format!("holds `{}`, which is no UTF-8 name", path.display());
                return Err(ChartError::Folder(problem));
            };
            self.entry(&path, format!("{prefix}{name}"))?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String) -> Result<(), ChartError> {
        // Follows links, as Helm does.
        let kind = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if self.rules.ignores(&name, kind.is_dir()) {
            return Ok(());
        }
        if kind.is_dir() {
            return self.folder(path, &format!("{name}/"));
        }
        if !kind.is_file() {
            let problem = format!("holds `{name}`, which is neither a file nor a folder");
            return Err(ChartError::Folder(problem));
        }
        self.size += kind.len();
        if self.size > MAX_SIZE || self.files.len() >= MAX_FILES {
            let problem = format!("holds more than 100 MiB or {MAX_FILES} files");
            return Err(ChartError::Folder(problem));
        }
        let data = fs::read(path).map_err(|source| unreadable(path, source))?;
        self.files.push(File::found(name, data.into()));
        Ok(())
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> ChartError {
    ChartError::Read {
        path: path.display().to_string(),
        source,
    }
}

/// The rules of a `.helmignore`, in order.
struct Rules(Vec<Rule>);

struct Rule {
    pattern: Pattern,
    /// Matches the whole path instead of any last segment.
    by_path: bool,
    folders_only: bool,
    is_negated: bool,
}

impl Rules {
    fn parse(text: &str) -> Result<Self, ChartError> {
        let mut rules = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Helm always ignores dot files under `templates/`.
        for line in text.lines().chain(std::iter::once("templates/.?*")) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.contains("**") {
                let problem = "has a `.helmignore` with `**`, which Helm does not support";
                return Err(ChartError::Folder(problem.to_owned()));
            }
            let (line, is_negated) = match line.strip_prefix('!') {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let (line, folders_only) = match line.strip_suffix('/') {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let Some(pattern) = Pattern::parse(line.strip_prefix('/').unwrap_or(line)) else {
                let problem = "has a `.helmignore` with a pattern that cannot be read";
                return Err(ChartError::Folder(problem.to_owned()));
            };
            rules.push(Rule {
                pattern,
                by_path: line.contains('/'),
                folders_only,
                is_negated,
            });
        }
        Ok(Self(rules))
    }

    fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.0 {
            let name = path.rsplit('/').next().unwrap_or(path);
            let matches = rule.pattern.matches(if rule.by_path { path } else { name });
            if rule.is_negated {
                // Such a rule ignores whatever it does not name.
                if rule.folders_only && !is_folder || !matches {
                    return true;
                }
            } else if matches && (is_folder || !rule.folders_only) {
                return true;
            }
        }
        false
    }
}
