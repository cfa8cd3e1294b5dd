//! `vc version`: what this program is, and what it deploys.

use serde::Serialize;

use super::Session;
use crate::chart::builtin;
use crate::error::Error;
use crate::ui::View;

/// Show the version of vc and of what it deploys
///
/// Asks nothing of any cluster.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {}

/// The JSON contract of this command.
#[derive(Serialize)]
struct VersionView {
    version: &'static str,
    chart: &'static str,
    control_plane: &'static str,
    kubernetes: &'static str,
}

impl View for VersionView {
    fn sentence(&self) -> String {
        format!(
            "vc {} (vCluster {}, Kubernetes {})",
            self.version, self.control_plane, self.kubernetes
        )
    }

    fn name(&self) -> String {
        self.version.to_owned()
    }
}

/// Shows the version.
pub fn run(session: &Session, _: &VersionArgs) -> Result<(), Error> {
    session.ui.answer(&VersionView {
        version: env!("CARGO_PKG_VERSION"),
        chart: builtin::VERSION,
        control_plane: builtin::CONTROL_PLANE_VERSION,
        kubernetes: builtin::KUBERNETES_VERSIONS[0].1,
    })
}
