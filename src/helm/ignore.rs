//! A chart's folder on disk, without what its `.helmignore` names.

use std::fs;
use std::path::Path;

use super::chart::{ChartError, File};
use super::glob::Glob;

/// The largest file and folder a chart may have.
const MAX_SIZE: u64 = 100 << 20;

/// Reads all files of the folder, sorted by path.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<File>, ChartError> {
    let rules = Rules::parse(&match fs::read_to_string(folder.join(".helmignore")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(unreadable(&folder.join(".helmignore"), source)),
    })?;
    let mut files = Vec::new();
    let mut size = 0;
    collect(folder, "", &rules, &mut files, &mut size)?;
    files.sort_by(|left: &File, right| left.name.cmp(&right.name));
    Ok(files)
}

fn collect(
    folder: &Path,
    prefix: &str,
    rules: &Rules,
    files: &mut Vec<File>,
    size: &mut u64,
) -> Result<(), ChartError> {
    let entries = fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| unreadable(folder, source))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let relative = format!("{prefix}{name}");
        // Follows links, as Helm does.
        let kind = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if rules.ignores(&relative, kind.is_dir()) {
            continue;
        }
        if kind.is_dir() {
            if prefix.matches('/').count() > 64 {
                return Err(ChartError::Archive("nests folders too deep".to_owned()));
            }
            collect(&path, &format!("{relative}/"), rules, files, size)?;
        } else if kind.is_file() {
            *size += kind.len();
            if *size > MAX_SIZE {
                return Err(ChartError::Archive("is larger than 100 MiB".to_owned()));
            }
            let data = fs::read(&path).map_err(|source| unreadable(&path, source))?;
            let data = match data.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) => rest.to_vec(),
                None => data,
            };
            files.push(File {
                name: relative,
                data,
            });
        }
    }
    Ok(())
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
    glob: Glob,
    /// Matches the whole path instead of any last segment.
    by_path: bool,
    folders_only: bool,
    is_negated: bool,
}

impl Rules {
    fn parse(text: &str) -> Result<Self, ChartError> {
        let mut rules = Vec::new();
        // Helm always ignores dot files under `templates/`.
        for line in std::iter::once("templates/.?*").chain(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.contains("**") {
                let problem = "has a `.helmignore` with `**`, which Helm does not support";
                return Err(ChartError::Archive(problem.to_owned()));
            }
            let (line, is_negated) = match line.strip_prefix('!') {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let (line, folders_only) = match line.strip_suffix('/') {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let Some(glob) = Glob::new(line.trim_start_matches('/')) else {
                let problem = "has a `.helmignore` with a pattern that cannot be read";
                return Err(ChartError::Archive(problem.to_owned()));
            };
            rules.push(Rule {
                glob,
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
            let matches = rule.glob.matches(if rule.by_path { path } else { name });
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
