//! Which charts make a virtual cluster, as the records of their releases name them.

use crate::helm::record::RecordedChart;

/// In the version of our own chart, before our count of its changes.
const BUILT_IN: &str = "-vc.";
/// What follows `vcluster` in the names of charts: before 0.20 there was one for each kind of control plane.
const KINDS: &[&str] = &["", "-k8s", "-k0s", "-eks"];

/// Whether a chart of this name makes a virtual cluster. `vcluster-platform` and others do not, though they begin alike.
pub fn makes_virtual_cluster(name: &str) -> bool {
    let rest = name.strip_prefix("vcluster");
    rest.is_some_and(|rest| KINDS.contains(&rest.strip_prefix("-pro").unwrap_or(rest)))
}

/// Whether the chart of a record is one that was built into a program like this, whatever its version.
pub fn is_built_in(chart: &RecordedChart) -> bool {
    chart.text("name") == "vcluster" && chart.text("version").contains(BUILT_IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_no_virtual_cluster() {
        for name in [
            "vcluster",
            "vcluster-k8s",
            "vcluster-pro",
            "vcluster-pro-k0s",
        ] {
            assert!(makes_virtual_cluster(name), "{name}");
        }
        for name in ["vcluster-platform", "vcluster-control-plane", "nginx", ""] {
            assert!(!makes_virtual_cluster(name), "{name}");
        }
    }
}
