//! The table of value paths: what each key of a user's values means to the built-in chart.
//!
//! The control plane refuses to start on a key it does not know, and ignores in silence some that it cannot do. So
//! every path is looked up here first, and what cannot be honoured is said before anything is created. The table is
//! one committed file, `charts/values-paths.txt`, outside the chart so that no release record carries it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::LazyLock;

use serde_json::Value;

use super::kind::{self, Kind};
use super::nearest::nearest;

/// Why one path of a user's values cannot be used. It never holds the value itself, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the value at `{path}`: {reason}")]
pub struct Refusal {
    /// The path, its keys joined by dots.
    pub path: String,
    /// Why it is refused.
    pub reason: String,
    /// What to do instead.
    pub way_out: String,
    /// The known path that was probably meant.
    pub nearest: Option<String>,
}

/// What becomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The chart renders something else for another value.
    Acts,
    /// Only the control plane reads it, from its configuration.
    Passes,
    /// The chart cannot do it.
    Refused {
        /// Why not.
        why: &'static str,
        /// What to do instead.
        way_out: &'static str,
    },
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// What the path may be set to.
    pub kind: Kind,
    /// What becomes of it.
    pub fate: Fate,
}

static TABLE: LazyLock<BTreeMap<&'static str, Row>> = LazyLock::new(|| {
    parse(include_str!("../../charts/values-paths.txt"))
        .expect("the embedded table parses, a test reads it")
});

/// Every row by its path, in the order of the paths.
pub fn rows() -> &'static BTreeMap<&'static str, Row> {
    &TABLE
}

/// Checks a user's values (not the merged ones) and says everything that is wrong with them, in the order of the keys.
pub fn check(values: &Value) -> Result<(), Vec<Refusal>> {
    let mut refusals = Vec::new();
    match values {
        Value::Null => {}
        Value::Object(keys) => check_keys(keys, "", None, &mut refusals),
        other => refusals.push(Refusal {
            path: String::new(),
            reason: format!("expected a map of values, found {}", kind::name(other)),
            way_out: "write the values as in a `vcluster.yaml`".to_owned(),
            nearest: None,
        }),
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals)
    }
}

/// `inherited` is the refusal of a path above, which holds for all below it that has no row of its own.
fn check_keys(
    keys: &serde_json::Map<String, Value>,
    above: &str,
    inherited: Option<Fate>,
    refusals: &mut Vec<Refusal>,
) {
    for (key, value) in keys {
        let path = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        if key.contains('.') {
            refusals.push(Refusal {
                reason: "this is one key with dots in it, and no such key exists".to_owned(),
                way_out: "write each part as a key of its own, one inside the other".to_owned(),
                nearest: nearest(&path, &known_paths()),
                path,
            });
            continue;
        }
        let row = TABLE.get(path.as_str());
        match (row, value) {
            // A refused path with rows below it refuses piece by piece, so that `enabled: false` gets through.
            (
                Some(Row {
                    fate,
                    kind: Kind::Any,
                }),
                Value::Object(below),
            ) if has_rows_below(&path) => {
                check_keys(below, &path, Some(*fate), refusals);
            }
            (Some(row), value) => check_leaf(&path, row, value, refusals),
            (None, Value::Object(below)) if has_rows_below(&path) => {
                check_keys(below, &path, inherited, refusals);
            }
            (None, value) if has_rows_below(&path) => refusals.push(Refusal {
                path,
                reason: format!("expected a map, found {}", kind::name(value)),
                way_out: "give it keys, or leave it out".to_owned(),
                nearest: None,
            }),
            (None, _) => refusals.push(match inherited {
                Some(Fate::Refused { why, way_out }) => refused(&path, why, way_out),
                _ => unknown(path),
            }),
        }
    }
}

fn check_leaf(path: &str, row: &Row, value: &Value, refusals: &mut Vec<Refusal>) {
    match row.fate {
        Fate::Refused { why, way_out } => {
            if !row.kind.lets_through(value) {
                refusals.push(refused(path, why, way_out));
            }
        }
        Fate::Acts | Fate::Passes => {
            if let Err(mismatch) = row.kind.check(value) {
                refusals.push(Refusal {
                    path: format!("{path}{}", mismatch.below),
                    reason: mismatch.reason,
                    way_out: mismatch.way_out,
                    nearest: None,
                });
            }
        }
    }
}

fn refused(path: &str, why: &str, way_out: &str) -> Refusal {
    Refusal {
        path: path.to_owned(),
        reason: why.to_owned(),
        way_out: way_out.to_owned(),
        nearest: None,
    }
}

fn unknown(path: String) -> Refusal {
    Refusal {
        reason: "the built-in chart knows no such key".to_owned(),
        way_out: "correct the key, or use `--chart upstream`, if that chart knows it".to_owned(),
        nearest: nearest(&path, &known_paths()),
        path,
    }
}

fn has_rows_below(path: &str) -> bool {
    let start = format!("{path}.");
    TABLE
        .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
        .next()
        .is_some_and(|(next, _)| next.starts_with(&start))
}

/// Every accepted path and every map above one.
fn known_paths() -> BTreeSet<&'static str> {
    TABLE
        .iter()
        .filter(|(_, row)| !matches!(row.fate, Fate::Refused { .. }))
        .flat_map(|(path, _)| {
            path.match_indices('.')
                .map(|(end, _)| &path[..end])
                .chain([*path])
        })
        .collect()
}

fn parse(text: &'static str) -> Result<BTreeMap<&'static str, Row>, String> {
    let mut reasons: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut table = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let broken = || format!("not a row: `{line}`");
        let (first, rest) = line.split_once(char::is_whitespace).ok_or_else(broken)?;
        let (second, third) = rest
            .trim_start()
            .split_once(char::is_whitespace)
            .ok_or_else(broken)?;
        let third = third.trim_start();
        match (first, third.split_once(' ')) {
            ("why", _) => reasons.entry(second).or_default().0 = third,
            ("out", _) => reasons.entry(second).or_default().1 = third,
            (path, fate) => {
                let fate = match (third, fate) {
                    ("acts", _) => Fate::Acts,
                    ("passes", _) => Fate::Passes,
                    (_, Some(("refused", reason))) => {
                        let (why, way_out) = reasons.get(reason).copied().ok_or_else(broken)?;
                        Fate::Refused { why, way_out }
                    }
                    _ => return Err(broken()),
                };
                let kind = Kind::parse(second).ok_or_else(broken)?;
                if table.insert(path, Row { kind, fate }).is_some() {
                    return Err(format!("two rows for `{path}`"));
                }
            }
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(values: &Value) -> Refusal {
        let mut refusals = check(values).expect_err("refused");
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        refusals.remove(0)
    }

    #[test]
    fn the_table_parses_and_gives_every_refusal_a_way_out() {
        for (path, row) in rows() {
            if let Fate::Refused { why, way_out } = row.fate {
                assert!(!why.is_empty() && !way_out.is_empty(), "{path}");
                assert!(matches!(row.kind, Kind::Any | Kind::Only(_)), "{path}");
            } else {
                assert!(!matches!(row.kind, Kind::Any | Kind::Only(_)), "{path}");
                assert!(!has_rows_below(path), "{path}");
            }
        }
        assert!(rows().len() > 300);
    }

    #[test]
    fn what_the_table_knows_is_accepted() {
        let values = json!({
            "controlPlane": {
                "statefulSet": {"resources": {"limits": {"memory": null}}, "env": [{"name": "A", "value": "b"}]},
                "service": {"spec": {"type": "NodePort"}, "annotations": {"a.b/c": "d"}},
            },
            "sync": {"toHost": {"ingresses": {"enabled": true}}},
            "policies": {"resourceQuota": {"enabled": true, "quota": {"count/pods": 5}}},
        });
        assert_eq!(check(&values), Ok(()));
        assert_eq!(check(&json!({})), Ok(()));
        assert_eq!(check(&Value::Null), Ok(()));
    }

    #[test]
    fn a_key_with_a_typing_error_is_refused_with_its_nearest() {
        let refusal = refusal(&json!({"sync": {"toHost": {"ingreses": {"enabled": true}}}}));
        assert_eq!(refusal.path, "sync.toHost.ingreses");
        assert_eq!(refusal.nearest.as_deref(), Some("sync.toHost.ingresses"));
        assert_eq!(
            refusal.to_string(),
            "cannot use the value at `sync.toHost.ingreses`: the built-in chart knows no such key"
        );
    }

    #[test]
    fn a_key_at_the_wrong_place_is_refused_with_its_right_place() {
        let misplaced = refusal(&json!({"statefulSet": {"env": []}}));
        assert_eq!(
            misplaced.nearest.as_deref(),
            Some("controlPlane.statefulSet")
        );
        assert_eq!(refusal(&json!({"wholly": {"unlike": 1}})).nearest, None);
    }

    #[test]
    fn a_flat_key_is_not_taken_for_a_path() {
        let refusal = refusal(&json!({"logging.encoding": "json"}));
        assert_eq!(refusal.nearest.as_deref(), Some("logging.encoding"));
        assert!(
            refusal.reason.contains("one key with dots"),
            "{}",
            refusal.reason
        );
    }

    #[test]
    fn a_wrong_type_is_refused_without_its_value() {
        let refusal = refusal(&json!({"controlPlane": {"service": {"labels": {"pin": 271_828}}}}));
        assert_eq!(refusal.path, "controlPlane.service.labels.pin");
        assert_eq!(refusal.reason, "expected a string, found a number");
        assert_eq!(refusal.way_out, "put it in quotes");
        assert!(!format!("{refusal:?}").contains("271"), "{refusal:?}");
    }

    #[test]
    fn a_section_without_keys_is_refused_because_it_would_take_all_defaults_away() {
        let refusal = refusal(&json!({"sync": {"toHost": null}}));
        assert_eq!(refusal.path, "sync.toHost");
        assert_eq!(refusal.reason, "expected a map, found nothing");
    }

    #[test]
    fn what_the_chart_cannot_do_is_refused_with_the_reason_and_the_way_out() {
        let sleep = refusal(&json!({"sleep": {"auto": {"afterInactivity": "1h"}}}));
        assert_eq!(
            (sleep.path.as_str(), sleep.way_out.as_str()),
            ("sleep", "use `vc sleep`")
        );
        let nodes = refusal(&json!({"privateNodes": {"enabled": true}}));
        assert_eq!(nodes.path, "privateNodes.enabled");
        assert!(nodes.way_out.contains("--chart"), "{}", nodes.way_out);
        let kubelet =
            refusal(&json!({"privateNodes": {"enabled": false, "kubelet": {"config": {"a": 1}}}}));
        assert_eq!(kubelet.path, "privateNodes.kubelet");
        assert_eq!(kubelet.reason, nodes.reason);
    }

    #[test]
    fn what_is_refused_may_be_switched_off() {
        let values = json!({
            "privateNodes": {"enabled": false},
            "plugins": {},
            "controlPlane": {"backingStore": {"etcd": {"deploy": {"enabled": false}}}, "proxy": {"port": 8443}},
            "integrations": {"istio": {"enabled": false}},
        });
        assert_eq!(check(&values), Ok(()));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let values = json!({"sync": {"toHost": {"pods": {"enabled": "yes"}}}, "wrong": 1, "deploy": {"cni": {}}});
        let paths: Vec<String> = check(&values)
            .unwrap_err()
            .into_iter()
            .map(|refusal| refusal.path)
            .collect();
        assert_eq!(paths, ["deploy", "sync.toHost.pods.enabled", "wrong"]);
    }

    #[test]
    fn values_that_are_no_map_are_refused() {
        assert_eq!(
            refusal(&json!(["a"])).reason,
            "expected a map of values, found a list"
        );
    }
}
