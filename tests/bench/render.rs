//! How long rendering takes, in this process: the built-in chart, and charts of our own making of other sizes; and what
//! the whole of `vc template` takes beside `helm template`.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::json;
use vc::helm::{self, ApiVersions, Capabilities, Chart, File, Lookups, Prepared, ReleaseInfo};

use crate::measure::{Runs, milliseconds, peak_memory, time};
use crate::report::{Report, Unit};
use crate::world::World;

/// What rendering a chart may take.
const BOUND: f64 = 5.0;
/// How many templates of 25 lines make a chart of upstream's size, 2,500 lines.
const UPSTREAM: usize = 100;
/// The same for the chart that shows whether time grows with size: 20,000 lines.
const LARGE: usize = 800;

/// The part of Helm's time and memory that `vc template` may take.
const PART_OF_TIME: f64 = 1.0 / 8.0;
const PART_OF_MEMORY: f64 = 1.0 / 3.0;

pub(crate) fn measure(world: &World, report: &mut Report) -> Result<(), String> {
    let builtin = chart(vc::chart::builtin::files())?;
    figure(report, "render the built-in chart", &builtin, Some(BOUND))?;
    let usual = chart(synthetic(UPSTREAM))?;
    let time = figure(
        report,
        "render 2,500 lines with 70 kB of values",
        &usual,
        Some(BOUND),
    )?;
    let large = chart(synthetic(LARGE))?;
    let factor = 2.0 * f64::from(u32::try_from(LARGE / UPSTREAM).unwrap_or(1));
    figure(report, "render 20,000 lines", &large, Some(time * factor))?;
    beside_helm(world, report)
}

/// Both programs on the chart of upstream's size, which has a schema.
fn beside_helm(world: &World, report: &mut Report) -> Result<(), String> {
    for file in synthetic(UPSTREAM) {
        let path = world.path(&format!("chart/{}", file.name));
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, &file.data))
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    let ours = || world.vc("template bench --chart chart");
    let helm = world.program("helm");
    let theirs = || {
        helm.as_ref()
            .map(|helm| world.command(helm, "template bench chart"))
    };
    let times = Runs::of(31, || time(&mut ours()))?;
    report.figure(
        "`vc template` of 2,500 lines",
        &times,
        Unit::Milliseconds,
        Some(15.0),
    );
    match theirs() {
        Some(_) => {
            let times = Runs::of(11, || time(&mut theirs().expect("it was there")))?;
            report.peer_within("`helm template`", &times, PART_OF_TIME);
        }
        None => report.absent("`helm template`"),
    }
    let Some(memory) = peak_memory(&mut ours()) else {
        report.absent("  its peak memory");
        return Ok(());
    };
    report.figure(
        "  its peak memory",
        &Runs::one(memory),
        Unit::Megabytes,
        None,
    );
    if let Some(memory) = theirs().and_then(|mut helm| peak_memory(&mut helm)) {
        report.peer_within("`helm template`", &Runs::one(memory), PART_OF_MEMORY);
    }
    Ok(())
}

fn chart(files: Vec<File>) -> Result<Chart, String> {
    Chart::from_files(files).map_err(|error| error.to_string())
}

/// Measures parsing and executing all templates; the schema is not part of it.
fn figure(
    report: &mut Report,
    what: &str,
    chart: &Chart,
    bound: Option<f64>,
) -> Result<f64, String> {
    let prepared = helm::prepare(chart, &json!({})).map_err(|error| error.to_string())?;
    let runs = Runs::of(31, || render(&prepared))?;
    report.figure(what, &runs, Unit::Milliseconds, bound);
    Ok(runs.median())
}

fn render(prepared: &Prepared) -> Result<f64, String> {
    let release = ReleaseInfo {
        name: "bench".to_owned(),
        namespace: "bench".to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities {
        kube_version: "v1.36.3".to_owned(),
        api_versions: ApiVersions::known(["v1".to_owned(), "apps/v1".to_owned()]),
    };
    let begin = Instant::now();
    let texts = helm::render_texts(prepared, &release, &capabilities, &Lookups::new())
        .map_err(|error| error.to_string())?;
    let time = milliseconds(begin.elapsed());
    texts.map_err(|needs| format!("asks for {needs:?}"))?;
    Ok(time)
}

/// A chart of so many templates, each of 25 lines of what charts consist of, and about 700 bytes of values for each.
fn synthetic(templates: usize) -> Vec<File> {
    const HELPERS: &str = "{{- define \"s.labels\" -}}\napp: {{ .Chart.Name }}\nrelease: {{ .Release.Name | quote }}\n{{- end }}";
    let file = |name: String, text: String| File {
        name,
        data: text.into(),
    };
    let mut values = String::new();
    let mut schemas = serde_json::Map::new();
    let mut files = vec![
        file(
            "Chart.yaml".to_owned(),
            "apiVersion: v2\nname: s\nversion: 0.1.0\n".to_owned(),
        ),
        file("templates/_helpers.tpl".to_owned(), HELPERS.to_owned()),
    ];
    for number in 0..templates {
        let text = include_str!("render.tpl").replace("NUMBER", &number.to_string());
        files.push(file(format!("templates/t{number}.yaml"), text));
        let _ = write!(
            values,
            "part{number}:\n  enabled: true\n  replicas: {number}\n  image: {{repository: registry.example/part, tag: \"1.{number}\"}}\n  env:\n"
        );
        for variable in 0..8 {
            let _ = writeln!(
                values,
                "    - {{name: VARIABLE_{variable}, value: \"value {variable} of part {number}\"}}"
            );
        }
        schemas.insert(format!("part{number}"), schema_of_part());
        values.push_str("  resources: {limits: {cpu: 100m, memory: 128Mi}, requests: {cpu: 10m, memory: 64Mi}}\n");
    }
    files.push(file("values.yaml".to_owned(), values));
    let schema = json!({"type": "object", "properties": schemas}).to_string();
    files.push(file("values.schema.json".to_owned(), schema));
    files
}

fn schema_of_part() -> serde_json::Value {
    let text = json!({"type": "string", "description": "What it is for, as charts tell their users at length."});
    let quantities = json!({"type": "object", "properties": {"cpu": text, "memory": text}});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "enabled": {"type": "boolean"},
            "replicas": {"type": "integer", "minimum": 0},
            "image": {"type": "object", "properties": {"repository": text, "tag": text}},
            "env": {"type": "array", "items": {"type": "object", "properties": {"name": text, "value": text}}},
            "resources": {"type": "object", "properties": {"limits": quantities, "requests": quantities}},
        },
    })
}
