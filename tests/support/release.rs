//! Helm's release records as Helm itself writes them, and read back.

use std::io::{Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};

use super::api_server::{ApiServer, base64};

/// The Secret of a release in Helm's JSON form.
pub(crate) fn secret(release: &Value) -> Value {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(release.to_string().as_bytes())
        .expect("memory takes any length");
    let packed = base64(gzip.finish().expect("memory takes any length"));
    let (name, version) = (&release["name"], &release["version"]);
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": secret_name(name.as_str().unwrap_or_default(), version.as_u64().unwrap_or(1)),
            "namespace": release["namespace"],
            "labels": {
                "owner": "helm", "name": name, "status": release["info"]["status"], "version": version.to_string(),
            },
        },
        "data": { "release": base64(packed) },
    })
}

/// What a record says, if it is there.
pub(crate) fn find(host: &ApiServer, namespace: &str, name: &str, version: u64) -> Option<Value> {
    use base64::Engine;
    let secret = secret_name(name, version);
    let secret = host.get(&format!("/api/v1/namespaces/{namespace}/secrets/{secret}"))?;
    let engine = base64::engine::general_purpose::STANDARD;
    let unpacked = |text: &[u8]| engine.decode(text).expect("base64");
    let data = secret["data"]["release"].as_str().expect("a record");
    let mut json = String::new();
    GzDecoder::new(&*unpacked(&unpacked(data.as_bytes())))
        .read_to_string(&mut json)
        .expect("gzip");
    Some(serde_json::from_str(&json).expect("JSON"))
}

/// The record of `dev` in its own namespace.
///
/// # Panics
///
/// If there is none.
pub(crate) fn of_dev(host: &ApiServer, version: u64) -> Value {
    find(host, "vcluster-dev", "dev", version)
        .unwrap_or_else(|| panic!("revision {version} is missing"))
}

/// The revisions of `dev` in its own namespace, each with its status: `1 superseded`, `2 deployed`.
pub(crate) fn statuses_of_dev(host: &ApiServer) -> Vec<String> {
    let mut found: Vec<(u64, String)> = host
        .paths()
        .iter()
        .filter_map(|path| path.split_once("/secrets/sh.helm.release.v1.dev.v"))
        .filter_map(|(_, version)| version.parse().ok())
        .map(|version| {
            let record = of_dev(host, version);
            let status = record["info"]["status"].as_str().unwrap_or_default();
            (version, status.to_owned())
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|(version, status)| format!("{version} {status}"))
        .collect()
}

fn secret_name(name: &str, version: u64) -> String {
    format!("sh.helm.release.v1.{name}.v{version}")
}
