//! The cache of charts: what it saves, what it says without a network, and what it survives.

use std::fs;

use insta::assert_snapshot;

use super::charts::{files_below, rendered, user_of, user_of_mirror};
use crate::support::chart_server::{ChartServer, archive};

#[test]
fn the_cache_is_listed_and_cleaned() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0", "1.1.0"]);
    let vc = user_of(&server);
    assert_eq!(vc.run("cache list -o json").stdout.trim(), "[]");
    rendered(
        &vc,
        &format!("template --chart '{}/charts x'", server.url()),
    );
    rendered(
        &vc,
        &format!("template --chart {}/charts/x-1.0.0.tgz", server.url()),
    );
    assert_snapshot!(
        vc.run("cache list -o wide")
            .to_string()
            .replace(" 0s ", " 1s ")
    );
    let json = vc.run("cache list -o json");
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).expect("a list");
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{json}");
    let cleaned = vc.run("cache clean -o json");
    let view: serde_json::Value = serde_json::from_str(&cleaned.stdout).expect("an object");
    assert_eq!(view["charts"], 2, "{cleaned}");
    assert!(view["bytes"].as_u64() > Some(500), "{cleaned}");
    assert_snapshot!(vc.run("cache clean"));
    assert_snapshot!(vc.run("cache list"));
}

#[test]
fn without_a_network_the_cache_is_enough_and_says_what_it_lacks() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.36.0", "0.36.1"]);
    let vc = user_of_mirror(&server);
    assert_snapshot!(
        "nothing-cached",
        vc.run("template --chart upstream --offline")
    );
    assert_eq!(server.calls(), "");
    rendered(&vc, "template --chart upstream");
    rendered(&vc, "template --chart-version 0.36.0");
    server.calls();
    let vc = vc.with_variable("VC_OFFLINE", "true");
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
    assert_eq!(
        rendered(&vc, "template --chart-version latest"),
        "vcluster 0.36.1"
    );
    assert_eq!(
        rendered(&vc, "template --chart-version '<0.36.1'"),
        "vcluster 0.36.0"
    );
    assert_snapshot!("another-version", vc.run("template --chart-version 0.35.0"));
    assert_snapshot!(
        "a-registry",
        vc.run("template --chart oci://registry.example.com/x:main")
    );
    assert_snapshot!(
        "an-address",
        vc.run("template --chart https://me:secret@charts.example.com/x.tgz")
    );
    assert_eq!(server.calls(), "");
    // A file is no download.
    fs::write(vc.path("work/x.tgz"), archive("x", "1.0.0")).expect("a file");
    assert_eq!(rendered(&vc, "template --chart x.tgz"), "x 1.0.0");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_is_not_the_end() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.36.1"]);
    let vc = user_of_mirror(&server);
    let output = vc.run_in_shell(
        "export XDG_CACHE_HOME=/proc/nowhere",
        "template --chart upstream",
    );
    assert_snapshot!(output);
}

#[test]
fn a_damaged_cache_is_mended() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.36.1"]);
    let vc = user_of_mirror(&server);
    rendered(&vc, "template --chart upstream");
    for file in files_below(&vc.path("cache/vc/charts/sha256")) {
        fs::write(file, "damaged").expect("a file of ours");
    }
    server.calls();
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
    assert!(server.calls().contains("vcluster-0.36.1.tgz"));
    for file in files_below(&vc.path("cache/vc/charts/names")) {
        fs::write(file, "damaged").expect("a file of ours");
    }
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
}

#[test]
fn many_at_once_fetch_the_same_chart() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.36.1"]);
    let vc = user_of_mirror(&server);
    let mut all: Vec<_> = (0..8)
        .map(|_| vc.start_quietly("template --chart upstream"))
        .collect();
    for child in &mut all {
        let status = child.wait().expect("our own child");
        assert!(status.success(), "{}", vc.read("tmp/said"));
    }
    assert_eq!(files_below(&vc.path("cache/vc/charts/sha256")).len(), 1);
    assert_eq!(files_below(&vc.path("cache/vc/charts/names")).len(), 1);
}
