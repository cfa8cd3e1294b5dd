//! What a server of charts has: archives, provenance files, digests; and the logins of those who ask.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::api_server::base64;

/// A chart with one template, which shows its version.
pub(crate) fn archive(name: &str, version: &str) -> Vec<u8> {
    let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    let template = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: '{{ .Release.Name }}'}\n\
                    data: {chart: '{{ .Chart.Name }} {{ .Chart.Version }}'}\n";
    packed(&[
        (&format!("{name}/Chart.yaml"), chart.as_bytes()),
        (&format!("{name}/templates/map.yaml"), template.as_bytes()),
    ])
}

/// A gzipped tar archive, the same bytes each time.
pub(crate) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut tar = Vec::new();
    for (name, data) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(header);
        tar.extend(*data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&tar).expect("memory takes any length");
    gzip.finish().expect("memory takes any length")
}

/// A provenance file that has this digest for an archive.
pub(crate) fn provenance(digest: &str) -> String {
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: x\n\n...\nfiles:\n  x-1.0.0.tgz: {digest}\n\
         -----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    )
}

/// `sha256:` and the digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("memory takes any length");
    }
    text
}

/// A file of logins in docker's form, with one login in it.
pub(crate) fn logins(place: &str, user: &str, password: &str) -> String {
    let auth = base64(format!("{user}:{password}"));
    json!({ "auths": { place: { "auth": auth } } }).to_string()
}
