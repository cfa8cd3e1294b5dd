//! The real Helm, built from its own Go module in the version that `tests/helm` pins.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helm {
    V3,
    V4,
}

static V3: OnceLock<PathBuf> = OnceLock::new();
static V4: OnceLock<PathBuf> = OnceLock::new();

impl Helm {
    /// The program; built when it is first asked for, and quickly when it was built before.
    ///
    /// # Panics
    ///
    /// If it cannot be built.
    pub(crate) fn program(self) -> &'static Path {
        let (cell, name) = match self {
            Self::V3 => (&V3, "v3"),
            Self::V4 => (&V4, "v4"),
        };
        cell.get_or_init(|| build(name))
    }
}

fn build(version: &str) -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/helm")
        .join(version);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("helm")
        .join(version)
        .join("helm");
    // Go builds beside the old program and moves it, so that tests may do this at once.
    let built = Command::new("go")
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags=-s -w",
            "-o",
        ])
        .arg(&program)
        .arg(format!("helm.sh/helm/{version}/cmd/helm"))
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .output()
        .expect("Go, which the host is built with too");
    let problem = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "cannot build Helm: {problem}");
    program
}
