//! From a request to a plan, with the facts of the host that a chart asks for.

use serde_json::json;

use crate::cluster::Plan;
use crate::driver::vcluster::{self, CreateRequest, PlanError, Planned};
use crate::error::{Error, Kind};
use crate::helm::{self, Chart, Lookups};
use crate::host::Host;

/// A Kubernetes version to render with before the host is known.
const ANY_VERSION: &str = "v1.33.0";

/// Renders without a host, as `helm template` does: nothing that the chart looks for is there.
///
/// What the chart itself says of its values, in a schema or in its templates, is checked with that.
pub fn draft(chart: &Chart, request: &CreateRequest) -> Result<Plan, Error> {
    check_schema(chart, request)?;
    let mut lookups = Lookups::new();
    loop {
        match render(chart, request, ANY_VERSION, 1, &lookups)? {
            Planned::Done(plan) => return Ok(plan),
            Planned::Needs(keys) => lookups.extend(keys.into_iter().map(|key| (key, json!({})))),
        }
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
    let mut lookups = Lookups::new();
    loop {
        match render(chart, request, host_version, revision, &lookups)? {
            Planned::Done(plan) => return Ok(plan),
            Planned::Needs(keys) => {
                for key in keys {
                    let found = host.look_up(&key).await?;
                    lookups.insert(key, found);
                }
            }
        }
    }
}

/// Checks the values against the chart's own schema, and tells all that it refuses.
fn check_schema(chart: &Chart, request: &CreateRequest) -> Result<(), Error> {
    let Some(schema) = &chart.schema else {
        return Ok(());
    };
    let prepared = helm::prepare(chart, &request.values)
        .map_err(|error| Error::usage("the chart cannot be used").because(&error))?;
    let violations = helm::schema::validate(schema, &prepared.values).map_err(|error| {
        Error::usage("the chart's `values.schema.json` cannot be used").because(&error)
    })?;
    if violations.is_empty() {
        return Ok(());
    }
    let mut error = Error::usage("the values are not as the chart's schema wants them");
    error.causes = violations
        .into_iter()
        .map(|found| format!("`{}`: {}", found.path, found.problem))
        .collect();
    Err(error.hint("see the `values.yaml` of the chart for the keys that there are"))
}

fn render(
    chart: &Chart,
    request: &CreateRequest,
    host_version: &str,
    revision: u64,
    lookups: &Lookups,
) -> Result<Planned, Error> {
    vcluster::plan(chart, request, host_version, revision, lookups).map_err(|error| {
        let message = match &error {
            PlanError::Render(_) => {
                format!("the values of {} do not fit the chart", request.reference)
            }
            _ => "the chart cannot be used".to_owned(),
        };
        Error::new(Kind::Usage, message).because(&error)
    })
}
