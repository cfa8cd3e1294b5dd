//! `vc template`: what a chart and values make, as text.

use super::chart::ChartArgs;
use super::values::ValueArgs;
use super::{Session, objects};
use crate::error::Error;
use crate::helm::{self, Capabilities, ReleaseInfo, Rendered, Selection};
use crate::lifecycle;
use crate::ui::Format;

/// What a release is called that nobody named; Helm's own choice.
const UNNAMED: &str = "release-name";
/// Where a release goes for which nobody named a namespace.
const NAMESPACE: &str = "default";
/// The longest name of a release.
const LONGEST_NAME: usize = 53;

/// Print what a chart and values make, as `helm template` does
///
/// Needs no cluster: what the chart looks for on one is taken not to be there, and the Kubernetes version is the newest
/// known. With `--live` the host is asked instead. The namespace is `default` unless `-n` names one.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that the user sets"
)]
pub struct TemplateArgs {
    /// Name of the release [default: `release-name`]
    name: Option<String>,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    chart: ChartArgs,
    /// Ask the host for its version, its API and what the chart looks for
    #[arg(long, conflicts_with_all = ["kube_version", "api_versions"])]
    live: bool,
    /// Kubernetes version to render for
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// API version that the cluster has beside those of Kubernetes; may be repeated, or several with commas
    #[arg(short = 'a', long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Print only what this template makes, such as `templates/role.yaml`; may be a pattern, may be repeated
    #[arg(short = 's', long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Print the definitions in `crds/` as well
    #[arg(long)]
    include_crds: bool,
    /// Leave out the chart's hooks
    #[arg(long)]
    no_hooks: bool,
    /// Leave out the chart's tests
    #[arg(long)]
    skip_tests: bool,
    /// Render as for an upgrade
    #[arg(long)]
    is_upgrade: bool,
}

/// Renders and prints.
pub async fn run(session: &Session, args: TemplateArgs) -> Result<(), Error> {
    let release = ReleaseInfo {
        name: name(args.name.as_deref())?,
        namespace: session
            .settings
            .namespace
            .as_ref()
            .map_or_else(|| NAMESPACE.to_owned(), ToString::to_string),
        revision: 1,
        is_upgrade: args.is_upgrade,
    };
    let capabilities = capabilities(args.kube_version.as_deref(), &args.api_versions)?;
    let values = args.values.resolve(session, args.chart.is_built_in())?;
    let chart = args.chart.resolve(session).await?;
    let prepared = helm::prepare(&chart, &values)
        .map_err(|error| Error::usage("the chart cannot be used").because(&error))?;
    let rendered = if args.live {
        let host = session.host().await?;
        lifecycle::render_for(&host, &prepared, &release).await?
    } else {
        lifecycle::render(&prepared, &release, capabilities)?
    };
    let selection = Selection {
        crds: args.include_crds,
        no_hooks: args.no_hooks,
        no_tests: args.skip_tests,
        only: args.show_only,
    };
    if session.ui.format() == Format::Json {
        return print_objects(session, &rendered, &selection);
    }
    let text = rendered
        .printed(&prepared.chart, &selection)
        .map_err(|error| {
            Error::usage(error.to_string())
                .hint("name a file of the chart, such as `templates/role.yaml`")
        })?;
    session.ui.text(&text)?;
    // The process ends with this command: taking a large chart apart would only make the user wait.
    std::mem::forget((chart, prepared, rendered));
    Ok(())
}

fn print_objects(
    session: &Session,
    rendered: &Rendered,
    selection: &Selection,
) -> Result<(), Error> {
    if selection.crds || !selection.only.is_empty() {
        return Err(
            Error::usage("`-o json` goes with neither `--show-only` nor `--include-crds`")
                .hint("leave out `-o json`, or select with `jq`"),
        );
    }
    let hooks = rendered.hooks.iter().filter(|hook| {
        let is_test = hook.events.iter().any(|event| event == "test");
        !(selection.no_hooks || selection.no_tests && is_test)
    });
    let hooks = hooks.map(|hook| &hook.manifest.object);
    let manifests = rendered.manifests.iter().map(|manifest| &manifest.object);
    let objects: Vec<_> = manifests
        .chain(hooks)
        .filter(|object| !object.is_null())
        .collect();
    objects::print(session, &objects)
}

/// A name by Helm's rule: that of a host name, and not too long for what is added to it.
fn name(given: Option<&str>) -> Result<String, Error> {
    let name = given.unwrap_or(UNNAMED);
    let is_part = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_part) {
        return Err(
            Error::usage(format!("`{name}` is no name for a release")).hint(format!(
                "use at most {LONGEST_NAME} small letters, digits and hyphens"
            )),
        );
    }
    Ok(name.to_owned())
}

fn capabilities(version: Option<&str>, api_versions: &[String]) -> Result<Capabilities, Error> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = version {
        let number = version.trim_start_matches('v');
        let numbers = number.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let numbers = numbers.take(1).flat_map(|numbers| numbers.split('.'));
        if numbers.take_while(|number| !number.is_empty()).count() < 2 {
            return Err(
                Error::usage(format!("`{version}` is no version of Kubernetes"))
                    .hint("write it as `--kube-version 1.35`"),
            );
        }
        capabilities.kube_version = format!("v{number}");
    }
    capabilities
        .api_versions
        .extend(api_versions.iter().cloned());
    Ok(capabilities)
}
