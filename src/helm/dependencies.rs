//! Which subcharts take part, under which name, and what their parents import from them.
//!
//! Values decide it: conditions first, then tags. It is done once, before values and defaults are put together for
//! the templates, and changes the chart: its values then hold what was imported.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::coalesce::{CoalesceError, Nulls, coalesce, coalesce_tables, copied, to_json};
use super::constraint::{Constraint, parse_version};
use super::value::{Map, Value};
use super::{Chart, Dependency};

/// How deep what is imported may be put.
const MAX_LEVELS: usize = 100;

/// The charts that `Chart.yaml` names and `charts/` lacks.
pub(super) fn missing(chart: &Chart) -> Vec<&str> {
    let dependencies = chart.metadata.dependencies.iter();
    let names = dependencies.map(|dependency| dependency.name.as_str());
    names
        .filter(|name| chart.dependencies.iter().all(|one| one.name() != *name))
        .collect()
}

/// Leaves out what is disabled, applies aliases, and imports values into parents.
pub(super) fn process(chart: &mut Chart, user: &Json) -> Result<(), CoalesceError> {
    enable(chart, user, "")?;
    import_all(chart)
}

/// `above` is the path of the chart's values, with a dot behind it.
fn enable(chart: &mut Chart, user: &Json, above: &str) -> Result<(), CoalesceError> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    name_subcharts(chart);
    let values = coalesce(chart, user, Nulls::Delete)?;
    let dependencies = &mut chart.metadata.dependencies;
    for dependency in &mut *dependencies {
        dependency.enabled = by_condition(dependency, &values, above)
            .unwrap_or_else(|| by_tags(dependency, &values));
    }
    let disabled: Vec<&str> = dependencies
        .iter()
        .filter(|dependency| !dependency.enabled)
        .map(|dependency| dependency.name.as_str())
        .collect();
    chart
        .dependencies
        .retain(|one| !disabled.contains(&one.name()));
    let disabled: Vec<String> = disabled.into_iter().map(str::to_owned).collect();
    dependencies.retain(|dependency| !disabled.contains(&dependency.name));
    if chart
        .dependencies
        .iter()
        .any(|one| !one.metadata.dependencies.is_empty())
    {
        let values = to_json(&values)?;
        for subchart in &mut chart.dependencies {
            let above = format!("{above}{}.", subchart.name());
            enable(subchart, &values, &above)?;
        }
    }
    Ok(())
}

/// Puts the subcharts that `Chart.yaml` does not name first, then those it names, as often and under the names it says.
fn name_subcharts(chart: &mut Chart) {
    let fits = |subchart: &Chart, wanted: &Dependency| {
        subchart.name() == wanted.name && allows(&wanted.version, &subchart.metadata.version)
    };
    let there = std::mem::take(&mut chart.dependencies);
    let wanted = &mut chart.metadata.dependencies;
    let mut named = Vec::new();
    for one in &mut *wanted {
        if let Some(subchart) = there.iter().find(|subchart| fits(subchart, one)) {
            let mut subchart = subchart.clone();
            if !one.alias.is_empty() {
                subchart.metadata.rename(&one.alias);
            }
            named.push(subchart);
        }
    }
    chart.dependencies = there
        .into_iter()
        .filter(|subchart| !wanted.iter().any(|one| fits(subchart, one)))
        .chain(named)
        .collect();
    for one in wanted {
        if !one.alias.is_empty() {
            one.name.clone_from(&one.alias);
        }
    }
}

/// Whether a version meets a constraint; what cannot be read meets nothing.
fn allows(constraint: &str, version: &str) -> bool {
    Constraint::parse(constraint)
        .zip(parse_version(version))
        .is_some_and(|(constraint, version)| constraint.allows(&version))
}

/// The first of the paths that leads to a boolean decides.
fn by_condition(dependency: &Dependency, values: &Map, above: &str) -> Option<bool> {
    let paths = dependency.condition.trim().split(',');
    paths.filter(|path| !path.is_empty()).find_map(|path| {
        let path = format!("{above}{path}");
        let (table, key) = path.rsplit_once('.').unwrap_or(("", &path));
        let table = if table.is_empty() && !path.contains('.') {
            values.clone()
        } else {
            table_at(values, table)?
        };
        match table.get(key) {
            Some(Value::Bool(truth)) => Some(truth),
            _ => None,
        }
    })
}

/// One true tag is enough; without any it takes part.
fn by_tags(dependency: &Dependency, values: &Map) -> bool {
    let Some(Value::Map(tags)) = values.get("tags") else {
        return true;
    };
    let said: Vec<bool> = dependency
        .tags
        .iter()
        .filter_map(|tag| match tags.get(tag) {
            Some(Value::Bool(truth)) => Some(truth),
            _ => None,
        })
        .collect();
    said.is_empty() || said.contains(&true)
}

fn import_all(chart: &mut Chart) -> Result<(), CoalesceError> {
    for subchart in &mut chart.dependencies {
        import_all(subchart)?;
    }
    import(chart)
}

/// Lays what the chart imports from its subcharts under its own values.
fn import(chart: &mut Chart) -> Result<(), CoalesceError> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let values = coalesce(chart, &Json::Object(JsonMap::new()), Nulls::Stay)?;
    let imported = Map::default();
    for dependency in &mut chart.metadata.dependencies {
        let wanted = std::mem::take(&mut dependency.import_values);
        for (child, parent) in wanted.iter().filter_map(child_and_parent) {
            if parent.split('.').count() > MAX_LEVELS {
                return Err(CoalesceError::TooDeep);
            }
            if let Some(table) = table_at(&values, &format!("{}.{child}", dependency.name)) {
                coalesce_tables(&imported, &below(&parent, table), Nulls::Stay);
            }
            dependency
                .import_values
                .push(json!({"child": child, "parent": parent}));
        }
    }
    let values = copied(&values)?;
    coalesce_tables(&values, &imported, Nulls::Stay);
    chart.values = to_json(&values)?;
    Ok(())
}

/// Which table of the subchart goes where in its parent; a plain name is one of the `exports`.
fn child_and_parent(wanted: &Json) -> Option<(String, String)> {
    match wanted {
        Json::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        Json::Object(pair) => {
            let side = |key: &str| match pair.get(key) {
                Some(Json::String(path)) => path.clone(),
                Some(other) if !other.is_null() => other.to_string(),
                // As Go prints what is not there: no such table exists.
                _ => "<nil>".to_owned(),
            };
            Some((side("child"), side("parent")))
        }
        _ => None,
    }
}

fn below(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, key| {
        std::iter::once((key, Value::Map(inner))).collect()
    })
}

fn table_at(values: &Map, path: &str) -> Option<Map> {
    path.split('.')
        .try_fold(values.clone(), |table, key| match table.get(key) {
            Some(Value::Map(inner)) => Some(inner),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::{File, prepare};
    use super::*;

    fn chart(files: &[(&str, &str)]) -> Chart {
        let files = files.iter().map(|(name, text)| File {
            name: (*name).to_owned(),
            data: (*text).to_owned().into(),
        });
        Chart::from_files(files.collect()).unwrap()
    }

    fn names(chart: &Chart, user: &Json) -> Vec<String> {
        let prepared = prepare(chart, user).unwrap();
        let subcharts = prepared.chart.dependencies.iter();
        subcharts.map(|one| one.name().to_owned()).collect()
    }

    const A: (&str, &str) = ("charts/a/Chart.yaml", "name: a\nversion: 1.2.3\n");
    const B: (&str, &str) = ("charts/b/Chart.yaml", "name: b\nversion: 2.0.0\n");

    #[test]
    fn conditions_beat_tags_and_the_first_boolean_decides() {
        let parent = "name: p\nversion: 1.0.0\ndependencies:\n\
            - {name: a, version: ^1.0.0, condition: 'no.such,a.on', tags: [back]}\n\
            - {name: b, version: 2.x, tags: [front, back]}\n";
        let chart = chart(&[("Chart.yaml", parent), A, B]);
        let cases = [
            (json!({}), vec!["a", "b"]),
            (json!({"a": {"on": false}}), vec!["b"]),
            (json!({"tags": {"back": false}}), vec![]),
            (json!({"tags": {"back": false, "front": true}}), vec!["b"]),
            (
                json!({"tags": {"back": false}, "a": {"on": true}}),
                vec!["a"],
            ),
            (json!({"a": {"on": "false"}}), vec!["a", "b"]),
        ];
        for (user, expected) in cases {
            assert_eq!(names(&chart, &user), expected, "{user}");
        }
    }

    #[test]
    fn aliases_make_several_of_one_chart_and_versions_choose() {
        let parent = "apiVersion: v1\nname: p\nversion: 1.0.0\n";
        let requirements = "dependencies:\n- {name: a, version: '1', alias: one}\n\
            - {name: a, version: '>=1.2.0', alias: two, condition: two.on}\n- {name: b, version: ^1.0.0}\n";
        let chart = chart(&[
            ("Chart.yaml", parent),
            ("requirements.yaml", requirements),
            A,
            B,
        ]);
        // A chart of a version that is not wanted is not disabled, and stays.
        assert_eq!(names(&chart, &json!({})), ["b", "one", "two"]);
        assert_eq!(names(&chart, &json!({"two": {"on": false}})), ["b", "one"]);
    }

    #[test]
    fn a_subchart_that_is_not_there_is_named() {
        let parent = "name: p\nversion: 1.0.0\ndependencies: [{name: a, version: 1.x}, {name: c, version: 1.x}]\n";
        let error = prepare(&chart(&[("Chart.yaml", parent), A]), &json!({})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "found in Chart.yaml, but missing in charts/ directory: c"
        );
    }

    #[test]
    fn imports_lie_below_what_the_parent_sets_itself() {
        let parent = "name: p\nversion: 1.0.0\ndependencies:\n- name: a\n  version: 1.x\n  import-values:\n\
            \x20 - data\n  - {child: deep.down, parent: up}\n  - {child: not.there, parent: x}\n";
        let chart = chart(&[
            ("Chart.yaml", parent),
            ("values.yaml", "up: {kept: 1}\n"),
            A,
            (
                "charts/a/values.yaml",
                "exports: {data: {x: 1, y: 2}}\ndeep: {down: {kept: 9, new: 3}}\n",
            ),
        ]);
        let values = prepare(&chart, &json!({"y": 5.0})).unwrap().values;
        assert_eq!(values["x"], json!(1.0));
        assert_eq!(values["y"], json!(5.0));
        assert_eq!(values["up"], json!({"kept": 1.0, "new": 3.0}));
    }

    #[test]
    fn globals_reach_every_subchart_and_nulls_delete_their_defaults() {
        let chart = chart(&[
            ("Chart.yaml", "name: p\nversion: 1.0.0\n"),
            (
                "values.yaml",
                "global: {g: {x: 1}}\na: {gone: null, given: 2}\n",
            ),
            A,
            (
                "charts/a/values.yaml",
                "gone: 1\ngiven: 1\nown: {k: 1, n: null}\nglobal: {g: {w: 2}, h: 3}\n",
            ),
        ]);
        let user = json!({"global": {"g": {"z": 7.0}}, "a": {"own": {"k": null}}});
        let values = prepare(&chart, &user).unwrap().values;
        let expected = json!({"given": 2.0, "own": {}, "global": {"g": {"x": 1.0, "w": 2.0, "z": 7.0}, "h": 3.0}});
        assert_eq!(values["a"], expected);
        assert_eq!(values["global"], json!({"g": {"x": 1.0, "z": 7.0}}));
        let error = prepare(&chart, &json!({"a": 1})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the values of the subchart `a` are no map"
        );
    }
}
