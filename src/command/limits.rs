//! How much a new cluster may use, and what its pods may reach: `--isolated`, `--cpu` and `--memory` as values of the
//! chart.
//!
//! `--cpu 4 --memory 8Gi` means: all that runs in the cluster may use that much together. Its control plane and its DNS
//! server come on top, so that a small figure does not stop the cluster itself. A quota holds this; a limit range gives
//! pods that ask for nothing a small share, since a quota refuses pods without figures.

use serde_json::{Map, Value, json};

use crate::chart::builtin;
use crate::cluster::Quantity;
use crate::error::Error;
use crate::helm::values;

/// Flags that bound a cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster may use")]
pub(super) struct LimitArgs {
    /// Keep it to itself: network policies, a resource quota and a limit range
    #[arg(long)]
    isolated: bool,
    /// Processors for all that runs in it, such as `4` or `500m`; its control plane comes on top
    #[arg(long, value_name = "AMOUNT")]
    cpu: Option<String>,
    /// Memory for all that runs in it, such as `8Gi`; its control plane comes on top
    #[arg(long, value_name = "AMOUNT")]
    memory: Option<String>,
}

/// A pod that asks for nothing may use this part of the whole, or the chart's own figure if that is less.
const SHARE: i128 = 16;
/// The processors that the control plane may use, which without a figure would get such a share.
const CONTROL_PLANE_CPU: &str = "2";
/// Where the charts have what the control plane, its init container and its DNS server ask for.
const CONTROL_PLANE: &str = "/controlPlane/statefulSet/resources";
const INIT: &str = "/controlPlane/distro/k8s/resources";
const DNS: &str = "/controlPlane/coredns/deployment/resources";

/// One resource that is bounded.
struct Bound {
    resource: &'static str,
    amount: Quantity,
    write: fn(Quantity) -> String,
}

impl LimitArgs {
    /// The values with what the flags mean; what they say already stays.
    pub(super) fn over(&self, values: Value) -> Result<Value, Error> {
        let bounds = self.bounds()?;
        if !self.isolated && bounds.is_empty() {
            return Ok(values);
        }
        let mut all = json!({ "controlPlane": {
            "statefulSet": { "resources": { "limits": { "cpu": CONTROL_PLANE_CPU } } },
            "distro": { "k8s": { "resources": { "limits": { "cpu": CONTROL_PLANE_CPU } } } },
        } });
        values::merge(&mut all, values);
        let mut whole = builtin::values();
        values::merge(&mut whole, all.clone());
        let mut policies = json!({
            "resourceQuota": { "enabled": true, "quota": {} },
            "limitRange": { "enabled": true, "default": {}, "defaultRequest": {} },
        });
        if self.isolated {
            policies["networkPolicy"]["enabled"] = true.into();
        } else {
            forget_other_figures(&mut policies, &whole, &bounds);
        }
        for bound in &bounds {
            bound.add_to(&mut policies, &whole);
        }
        let mut own = json!({ "policies": policies });
        values::merge(&mut own, all);
        Ok(own)
    }

    fn bounds(&self) -> Result<Vec<Bound>, Error> {
        let cpu = self.cpu.as_deref().map(|text| {
            Ok::<_, Error>(Bound {
                resource: "cpu",
                amount: amount("--cpu", text, "1m", "100k", "use for example `4` or `500m`")?,
                write: Quantity::to_exact_cpu,
            })
        });
        let memory = self.memory.as_deref().map(|text| {
            Ok::<_, Error>(Bound {
                resource: "memory",
                amount: amount(
                    "--memory",
                    text,
                    "1Mi",
                    "1Ei",
                    "use for example `512Mi` or `8Gi`",
                )?,
                write: Quantity::to_mebibytes,
            })
        });
        cpu.into_iter().chain(memory).collect()
    }
}

/// Reads an amount that can be meant: `8` bytes of memory, or `4Gi` processors, are slips.
fn amount(flag: &str, text: &str, least: &str, most: &str, hint: &str) -> Result<Quantity, Error> {
    let known = |text: &str| Quantity::parse(text).expect("a figure of ours");
    let refuse = || Error::usage(format!("cannot use `{flag}`")).hint(hint);
    let amount = Quantity::parse(text).map_err(|error| refuse().because(&error))?;
    if amount < known(least) || amount > known(most) {
        let mut error = refuse();
        error.push_cause(format!(
            "`{text}` is less than `{least}` or more than `{most}`"
        ));
        return Err(error);
    }
    Ok(amount)
}

/// Who names one figure asks for no other: the chart's figures for the rest do not hold then.
fn forget_other_figures(policies: &mut Value, whole: &Value, bounds: &[Bound]) {
    let is_bound = |key: &str| {
        let resource = key.rsplit('.').next().unwrap_or(key);
        let is_of_quota = key.starts_with("requests.") || key.starts_with("limits.");
        bounds.iter().any(|bound| bound.resource == resource) && (is_of_quota || resource == key)
    };
    for path in [
        "/resourceQuota/quota",
        "/limitRange/default",
        "/limitRange/defaultRequest",
    ] {
        let known = whole
            .pointer(&format!("/policies{path}"))
            .and_then(Value::as_object);
        let others: Map<String, Value> = known
            .into_iter()
            .flat_map(Map::keys)
            .filter(|key| !is_bound(key))
            .map(|key| (key.clone(), Value::Null))
            .collect();
        if let Some(place) = policies.pointer_mut(path) {
            *place = Value::Object(others);
        }
    }
}

impl Bound {
    fn add_to(&self, policies: &mut Value, whole: &Value) {
        for kind in ["requests", "limits"] {
            let all = self.amount + self.overhead(whole, kind);
            let key = format!("{kind}.{}", self.resource);
            policies["resourceQuota"]["quota"][key] = (self.write)(all).into();
        }
        for (field, share) in [("default", SHARE), ("defaultRequest", 2 * SHARE)] {
            let chart = format!("/policies/limitRange/{field}/{}", self.resource);
            let usual = whole.pointer(&chart).and_then(quantity);
            let share = self.amount.divided_by(share);
            let share = usual.map_or(share, |usual| usual.min(share));
            policies["limitRange"][field][self.resource] = (self.write)(share).into();
        }
    }

    /// What the control plane and the DNS server ask for, all replicas of them.
    fn overhead(&self, whole: &Value, kind: &str) -> Quantity {
        let figure = |place: &str| {
            let path = format!("{place}/{kind}/{}", self.resource);
            whole.pointer(&path).and_then(quantity).unwrap_or_default()
        };
        let times = |path: &str| {
            whole
                .pointer(path)
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .max(1)
        };
        let has_dns = whole.pointer("/controlPlane/coredns/enabled") != Some(&Value::Bool(false));
        let dns = if has_dns {
            figure(DNS)
        } else {
            Quantity::default()
        };
        // The init container is done before the control plane starts: the larger of both counts.
        let pod = figure(CONTROL_PLANE).max(figure(INIT));
        pod.times(times("/controlPlane/statefulSet/highAvailability/replicas"))
            + dns.times(times("/controlPlane/coredns/deployment/replicas"))
    }
}

/// A figure in values, which is a number where it has no unit.
fn quantity(value: &Value) -> Option<Quantity> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Quantity::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn values(cpu: Option<&str>, memory: Option<&str>, isolated: bool, values: Value) -> Value {
        let args = LimitArgs {
            isolated,
            cpu: cpu.map(str::to_owned),
            memory: memory.map(str::to_owned),
        };
        args.over(values).unwrap()
    }

    #[test]
    fn a_figure_is_for_what_runs_in_it_and_the_control_plane_comes_on_top() {
        let all = values(Some("4"), Some("8Gi"), false, json!({}));
        let quota = &all["policies"]["resourceQuota"]["quota"];
        // 4 and the 2 of the control plane and the 1 of the DNS server; 4 and their 200m and 20m.
        assert_eq!(quota["limits.cpu"], "7");
        assert_eq!(quota["requests.cpu"], "4220m");
        // 8Gi and the control plane's 4Gi and the DNS server's 170Mi.
        assert_eq!(quota["limits.memory"], "12458Mi");
        assert_eq!(
            all["controlPlane"]["statefulSet"]["resources"]["limits"]["cpu"],
            "2"
        );
    }

    #[test]
    fn small_figures_leave_room_for_pods_that_ask_for_nothing() {
        let all = values(Some("500m"), None, false, json!({}));
        assert_eq!(all["policies"]["limitRange"]["default"]["cpu"], "31m");
        assert_eq!(
            all["policies"]["limitRange"]["defaultRequest"]["cpu"],
            "15m"
        );
        assert_eq!(
            all["policies"]["limitRange"]["default"]["memory"],
            Value::Null
        );
        assert_eq!(
            all["policies"]["resourceQuota"]["quota"]["limits.cpu"],
            "3500m"
        );
        assert_eq!(
            all["policies"]["resourceQuota"]["quota"]["count/pods"],
            Value::Null
        );
    }

    #[test]
    fn what_the_user_says_with_values_wins() {
        let own = json!({
            "policies": { "resourceQuota": { "quota": { "limits.cpu": "9" } } },
            "controlPlane": { "statefulSet": { "resources": { "limits": { "cpu": "1" } } } },
        });
        let all = values(Some("4"), None, true, own);
        assert_eq!(all["policies"]["resourceQuota"]["quota"]["limits.cpu"], "9");
        assert_eq!(
            all["controlPlane"]["statefulSet"]["resources"]["limits"]["cpu"],
            "1"
        );
        assert_eq!(all["policies"]["networkPolicy"]["enabled"], true);
        assert!(
            all["policies"]["resourceQuota"]["quota"]
                .get("count/pods")
                .is_none()
        );
    }

    #[test]
    fn slips_are_refused() {
        for (cpu, memory) in [
            (Some("four"), None),
            (Some("0"), None),
            (Some("-1"), None),
            (Some("4Gi"), None),
            (None, Some("8")),
            (None, Some("512m")),
            (None, Some("8GB")),
        ] {
            let args = LimitArgs {
                isolated: false,
                cpu: cpu.map(str::to_owned),
                memory: memory.map(str::to_owned),
            };
            assert_eq!(args.over(json!({})).expect_err("a slip").kind, Kind::Usage);
        }
    }
}
