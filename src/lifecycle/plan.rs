//! From a request to a plan, with the facts of the host that a chart asks for.

use crate::cluster::Plan;
use crate::driver::vcluster::{self, CreateRequest, PlanError, Planned};
use crate::error::{Error, Kind};
use crate::helm::{
    self, ApiVersions, Capabilities, Chart, Lookups, Needs, Prepared, ReleaseInfo, Rendered,
    Rendering,
};
use crate::host::Host;

/// A Kubernetes version to render with before the host is known.
const ANY_VERSION: &str = "v1.33.0";

/// What the host answered to a chart's questions.
struct Answers {
    capabilities: Capabilities,
    lookups: Lookups,
}

impl Answers {
    /// Those of a host of which nothing is known but its version.
    fn of_version(kube_version: String) -> Self {
        Self {
            capabilities: Capabilities {
                kube_version,
                api_versions: ApiVersions::unknown(),
            },
            lookups: Lookups::new(),
        }
    }

    /// Where there is no host, nothing is there that the chart looks for.
    fn without_host(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            lookups: Lookups::of_nothing(),
        }
    }

    /// Asks the host.
    async fn fetch(&mut self, host: &Host, needs: Needs) -> Result<(), Error> {
        if needs.api_versions {
            self.capabilities.api_versions = ApiVersions::known(host.fetch_api_versions().await?);
        }
        for key in needs.lookups {
            let found = host.look_up(&key).await?;
            self.lookups.insert(key, found);
        }
        Ok(())
    }
}

/// Renders without a host, as `helm template` does: nothing that the chart looks for is there.
///
/// What the chart itself says of its values, in a schema or in its templates, is checked with that.
pub fn draft(chart: &Chart, request: &CreateRequest) -> Result<Plan, Error> {
    let prepared = helm::prepare(chart, &request.values)
        .map_err(|error| Error::usage("the chart cannot be used").because(&error))?;
    let answers = Answers::without_host(Capabilities {
        kube_version: ANY_VERSION.to_owned(),
        ..Capabilities::default()
    });
    check_schema(&prepared)?;
    match plan_with(chart, request, 1, &answers)? {
        Planned::Done(plan) => Ok(plan),
        Planned::Needs(_) => unreachable!("without a host every question has its answer"),
    }
}

/// Renders for a host, and fetches from it what the chart looks for.
pub async fn plan(
    host: &Host,
    chart: &Chart,
    request: &CreateRequest,
    host_version: &str,
    revision: u64,
) -> Result<Plan, Error> {
    let mut answers = Answers::of_version(host_version.to_owned());
    loop {
        match plan_with(chart, request, revision, &answers)? {
            Planned::Done(plan) => return Ok(plan),
            Planned::Needs(needs) => answers.fetch(host, needs).await?,
        }
    }
}

/// Renders a release as `helm template` does, for the cluster that `capabilities` tell of; nothing that the chart looks
/// for is there. The values are checked against the chart's schemas.
pub fn render(
    prepared: &Prepared,
    release: &ReleaseInfo,
    capabilities: Capabilities,
) -> Result<Rendered, Error> {
    check_schema(prepared)?;
    match render_with(prepared, release, &Answers::without_host(capabilities))? {
        Rendering::Done(rendered) => Ok(rendered),
        Rendering::Needs(_) => unreachable!("without a host every question has its answer"),
    }
}

/// Renders a release for a host, and fetches from it what the chart looks for. The values are checked against the
/// chart's schemas.
pub async fn render_for(
    host: &Host,
    prepared: &Prepared,
    release: &ReleaseInfo,
) -> Result<Rendered, Error> {
    check_schema(prepared)?;
    let mut answers = Answers::of_version(host.fetch_version().await?.git_version);
    loop {
        match render_with(prepared, release, &answers)? {
            Rendering::Done(rendered) => return Ok(rendered),
            Rendering::Needs(needs) => answers.fetch(host, needs).await?,
        }
    }
}

fn render_with(
    prepared: &Prepared,
    release: &ReleaseInfo,
    answers: &Answers,
) -> Result<Rendering, Error> {
    let Answers {
        capabilities,
        lookups,
    } = answers;
    helm::render(prepared, release, capabilities, lookups).map_err(|error| {
        let name = prepared.chart.name();
        Error::usage(format!(
            "cannot render the chart `{name}` with these values"
        ))
        .because(&error)
    })
}

/// Checks the values against the schemas of the chart and its subcharts, and tells all that they refuse. It comes before
/// rendering, for it says why templates would fail.
fn check_schema(prepared: &Prepared) -> Result<(), Error> {
    let violations = helm::schema::validate(prepared).map_err(|error| {
        Error::usage("a `values.schema.json` of the chart cannot be used").because(&error)
    })?;
    if violations.is_empty() {
        return Ok(());
    }
    let mut error = Error::usage("the values are not as the chart's schema wants them");
    error.causes = violations.iter().map(ToString::to_string).collect();
    Err(error.hint("see the `values.yaml` of the chart for the keys that there are"))
}

fn plan_with(
    chart: &Chart,
    request: &CreateRequest,
    revision: u64,
    answers: &Answers,
) -> Result<Planned, Error> {
    let Answers {
        capabilities,
        lookups,
    } = answers;
    vcluster::plan(chart, request, capabilities, revision, lookups).map_err(|error| {
        let message = match &error {
            PlanError::Render(_) => {
                format!(
                    "cannot render the chart with the values of {}",
                    request.reference
                )
            }
            _ => "the chart cannot be used".to_owned(),
        };
        Error::new(Kind::Usage, message).because(&error)
    })
}
