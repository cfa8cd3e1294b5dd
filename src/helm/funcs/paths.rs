//! File paths, as text.

use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("base", "text", |args| Ok(base(&args.string(0)?).into())),
    pure("osBase", "text", |args| Ok(base(&args.string(0)?).into())),
    pure("dir", "text", |args| Ok(dir(&args.string(0)?).into())),
    pure("osDir", "text", |args| Ok(dir(&args.string(0)?).into())),
    pure("clean", "text", |args| Ok(clean(&args.string(0)?).into())),
    pure("osClean", "text", |args| Ok(clean(&args.string(0)?).into())),
    pure("ext", "text", |args| Ok(ext(&args.string(0)?).into())),
    pure("osExt", "text", |args| Ok(ext(&args.string(0)?).into())),
    pure("isAbs", "text", |args| {
        Ok(args.string(0)?.starts_with('/').into())
    }),
    pure("osIsAbs", "text", |args| {
        Ok(args.string(0)?.starts_with('/').into())
    }),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

fn ext(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.rfind('.').map_or("", |dot| &base[dot..])
}

/// Go's `path.Clean`.
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    match (is_rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
