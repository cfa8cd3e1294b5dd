//! The definitions of kinds that a chart brings along: made before anything else, never changed, never removed.

use serde::Deserialize;

use crate::cluster::{Object, Plan};
use crate::error::Error;
use crate::host::read::{Condition, HasMetadata, Metadata};
use crate::host::{Collection, Host, HostError, Watch};

/// What a definition says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Definition {
    metadata: Metadata,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

impl HasMetadata for Definition {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// Makes the definitions that the host lacks, and waits until it serves their kinds.
pub(super) async fn create_missing(host: &Host, plan: &Plan) -> Result<(), Error> {
    for definition in &plan.crds {
        let is_new = create(host, definition)
            .await
            .map_err(|error| Error::from(error).within(cannot(definition)))?;
        if is_new && definition.reference.kind == "CustomResourceDefinition" {
            until_served(host, definition)
                .await
                .map_err(|error| Error::from(error).within(cannot(definition)))?;
        }
    }
    Ok(())
}

fn cannot(definition: &Object) -> String {
    format!("cannot create {}", definition.reference)
}

async fn create(host: &Host, definition: &Object) -> Result<bool, HostError> {
    let collection = host.collection_of(&definition.reference).await?;
    match host.create(&collection, &definition.body).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_already_there() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn until_served(host: &Host, definition: &Object) -> Result<(), HostError> {
    let field = format!("metadata.name={}", definition.reference.name);
    let collection = Collection::of("CustomResourceDefinition", None);
    let mut watch = Watch::<Definition>::for_arrivals(host, collection, "", &field).await?;
    let is_served = |definition: &Definition| {
        let mut conditions = definition.status.conditions.iter();
        conditions.any(|fact| fact.holds("Established"))
    };
    while !watch.objects().any(is_served) {
        watch.changed().await?;
    }
    Ok(())
}
