//! Where charts come from: repositories, registries, addresses, the cache, and who we are to each.

use std::{fs, path::Path};

use insta::assert_snapshot;

use crate::support::{
    chart_server::{ChartServer, Reply, archive, digest, logins, packed, provenance},
    release,
    sandbox::Sandbox,
};

/// A user who trusts the authority of a server.
pub(crate) fn user_of(server: &ChartServer) -> Sandbox {
    let vc = Sandbox::new();
    vc.write("authority.pem", server.authority());
    let authority = vc.path("authority.pem");
    vc.with_variable("SSL_CERT_FILE", &authority.to_string_lossy())
}

/// The same, for whom the official chart is on the server.
pub(crate) fn user_of_mirror(server: &ChartServer) -> Sandbox {
    user_of(server).with_variable("VC_CHART_REPO", &format!("{}/charts", server.url()))
}

/// The chart and version that a command says it renders.
pub(crate) fn rendered(vc: &Sandbox, arguments: &str) -> String {
    let output = vc.run(arguments);
    let line = output
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("data: {chart: '"));
    let line = line.unwrap_or_else(|| panic!("{output}"));
    line.trim_end_matches("'}").to_owned()
}

#[test]
fn a_chart_of_a_repository_is_fetched_once() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"]);
    let vc = user_of(&server);
    let chart = format!("--chart '{}/charts x'", server.url());
    assert_snapshot!(vc.run(&format!("template dev {chart}")));
    assert_snapshot!("first", server.calls());
    // What is the newest may change; what was fetched does not.
    assert_eq!(rendered(&vc, &format!("template {chart}")), "x 1.10.0");
    assert_snapshot!("newest-again", server.calls());
    for (version, expected) in [
        ("1.9.0", "x 1.9.0"),
        ("<1.5", "x 1.0.0"),
        (">0-0", "x 2.0.0-rc.1"),
    ] {
        let arguments = format!("template {chart} --chart-version '{version}'");
        assert_eq!(rendered(&vc, &arguments), expected);
    }
    server.calls();
    for version in ["1.9.0", "v1.9.0", "1.0.0"] {
        rendered(&vc, &format!("template {chart} --chart-version {version}"));
    }
    let by_name = format!(
        "template --chart x --chart-repo {}/charts/ --chart-version 1.0.0",
        server.url()
    );
    assert_eq!(rendered(&vc, &by_name), "x 1.0.0");
    assert_eq!(server.calls(), "", "a version is asked for once");
}

#[test]
fn what_the_server_knows_again_is_not_sent_again() {
    let server = ChartServer::start();
    server.with_states();
    server.add("x", &["1.0.0"]);
    let vc = user_of(&server);
    for _ in 0..2 {
        rendered(
            &vc,
            &format!("template --chart '{}/charts x'", server.url()),
        );
        rendered(
            &vc,
            &format!("template --chart {}/charts/x-1.0.0.tgz", server.url()),
        );
    }
    assert_snapshot!(server.calls());
    server.answer("/charts/x-1.0.0.tgz", Reply::File(archive("x", "1.0.1")));
    let again = rendered(
        &vc,
        &format!("template --chart {}/charts/x-1.0.0.tgz", server.url()),
    );
    assert_eq!(again, "x 1.0.1");
}

#[test]
fn the_official_chart_comes_from_where_it_is_said_to_be() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.36.0", "0.36.1", "0.36.2"]);
    let vc = user_of_mirror(&server);
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
    assert_snapshot!(server.calls());
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
    assert_eq!(server.calls(), "", "the second time needs no network");
    assert_eq!(
        rendered(&vc, "template --chart-version latest"),
        "vcluster 0.36.2"
    );
    assert_eq!(
        rendered(&vc, "template --chart-version 0.36.0"),
        "vcluster 0.36.0"
    );
    let dry = vc.run("create dev --chart upstream --dry-run -o json");
    assert!(dry.stdout.contains("vcluster 0.36.1"), "{dry}");
    // The file is as good as the variable, and the flag comes before both.
    let vc = user_of(&server);
    vc.write(
        "config/vc/config.yaml",
        &format!("chart_repo: {}/charts\n", server.url()),
    );
    assert_eq!(
        rendered(&vc, "template --chart upstream"),
        "vcluster 0.36.1"
    );
    server.push("mirror/vcluster", "vcluster", "0.36.1", "0.36.1");
    server.calls();
    let registry = format!(
        "template --chart upstream --chart-repo oci://{}/mirror",
        server.place()
    );
    assert_eq!(rendered(&vc, &registry), "vcluster 0.36.1");
    assert_snapshot!("official-in-a-registry", server.calls());
}

#[test]
fn a_project_does_not_say_where_charts_come_from() {
    let vc = Sandbox::new();
    vc.write("work/vc.yaml", "chart_repo: https://charts.example.com\n");
    assert_snapshot!(vc.run("template --chart upstream"));
}

#[test]
fn a_registry_gives_a_token_and_then_the_chart() {
    let server = ChartServer::start();
    server.with_tokens_for("me", "secret");
    server.push("team/x", "x", "1.0.0", "1.0.0");
    server.push("team/x", "x", "1.1.0+b.1", "1.1.0_b.1");
    server.push("team/x", "x", "1.2.0", "main");
    let vc = user_of(&server);
    vc.write(
        "config/helm/registry/config.json",
        &logins(&server.place(), "me", "secret"),
    );
    let chart = format!("oci://{}/team/x", server.place());
    assert_eq!(
        rendered(&vc, &format!("template --chart {chart}:1.0.0")),
        "x 1.0.0"
    );
    assert_snapshot!("version", server.calls());
    rendered(
        &vc,
        &format!("template --chart {chart} --chart-version 1.0.0"),
    );
    assert_eq!(server.calls(), "", "a version is asked for once");
    assert_eq!(
        rendered(&vc, &format!("template --chart {chart}")),
        "x 1.1.0+b.1"
    );
    assert_snapshot!("newest", server.calls());
    assert_eq!(
        rendered(&vc, &format!("template --chart {chart}:main")),
        "x 1.2.0"
    );
    server.calls();
    assert_eq!(
        rendered(&vc, &format!("template --chart {chart}:main")),
        "x 1.2.0"
    );
    assert_snapshot!("tag-again", server.calls());
}

#[test]
fn a_digest_names_one_chart_for_ever() {
    let server = ChartServer::start();
    server.with_tokens();
    let bytes = archive("x", "1.0.0");
    let text = provenance(&digest(&bytes));
    let manifest = server.push_with("x", &bytes, Some(&text), "1.0.0");
    let vc = user_of(&server);
    let chart = format!("template --chart oci://{}/x@{manifest}", server.place());
    assert_eq!(rendered(&vc, &chart), "x 1.0.0");
    assert_snapshot!(server.calls().replace(&manifest, "[MANIFEST]"));
    rendered(&vc, &chart);
    assert_eq!(server.calls(), "");
}

#[test]
fn several_places_of_one_chart_are_tried_in_turn() {
    let server = ChartServer::start();
    let bytes = archive("x", "1.0.0");
    let index = format!(
        "apiVersion: v1\nentries:\n  x:\n  - version: 1.0.0\n    digest: {}\n    urls: [gone.tgz, wrong.tgz, here.tgz]\n",
        digest(&bytes)
    );
    server.answer("/index.yaml", Reply::File(index.into_bytes()));
    server.answer("/wrong.tgz", Reply::File(archive("x", "6.6.6")));
    server.answer("/here.tgz", Reply::File(bytes));
    let vc = user_of(&server);
    assert_eq!(
        rendered(&vc, &format!("template --chart '{} x'", server.url())),
        "x 1.0.0"
    );
    assert_snapshot!(server.calls());
}

#[test]
fn a_packed_index_is_unpacked() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0"]);
    let index = "apiVersion: v1\nentries: {x: [{version: 1.0.0, urls: [x-1.0.0.tgz]}]}\n";
    server.answer(
        "/charts/index.yaml",
        Reply::Packed(gzipped(index.as_bytes())),
    );
    let vc = user_of(&server);
    assert_eq!(
        rendered(
            &vc,
            &format!("template --chart '{}/charts x'", server.url())
        ),
        "x 1.0.0"
    );
}

/// These bytes, packed.
pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory takes any length");
    gzip.finish().expect("memory takes any length")
}

pub(crate) fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the cache");
    entries.map(|entry| entry.expect("a file").path()).collect()
}

#[test]
fn a_server_without_tls_is_asked_only_here_or_when_it_is_wanted() {
    let server = ChartServer::start_plain();
    server.add("x", &["1.0.0"]);
    server.push("x", "x", "1.0.0", "1.0.0");
    let vc = Sandbox::new();
    assert_eq!(
        rendered(
            &vc,
            &format!("template --chart '{}/charts x'", server.url())
        ),
        "x 1.0.0"
    );
    assert_snapshot!(vc.run("template --chart 'http://charts.example.com x'"));
    let registry = format!("template --chart oci://{}/x", server.place());
    assert_eq!(vc.run(&registry).code, Some(1));
    assert_eq!(
        rendered(&vc, &format!("{registry} --plain-http")),
        "x 1.0.0"
    );
}

/// The upstream chart as far as a cluster in memory can tell: ours under another version.
fn upstream_like(version: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/vcluster");
    let mut files = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for path in files_below(&next) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(&folder)
                .expect("a file of the chart")
                .to_string_lossy()
                .into_owned();
            let mut bytes = fs::read(&path).expect("a file of the chart");
            if name == "Chart.yaml" {
                let text = String::from_utf8(bytes).expect("text");
                let lines = text.lines().map(|line| {
                    if line.starts_with("version:") {
                        format!("version: {version}\n")
                    } else {
                        format!("{line}\n")
                    }
                });
                bytes = lines.collect::<String>().into_bytes();
            }
            files.push((format!("vcluster/{name}"), bytes));
        }
    }
    files.sort();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), &**bytes))
        .collect();
    packed(&files)
}

#[test]
fn a_cluster_keeps_the_official_chart_that_it_was_made_with() {
    let server = ChartServer::start();
    let index = "apiVersion: v1\nentries:\n  vcluster:\n  - {version: 0.36.1, urls: [one.tgz]}\n  \
                 - {version: 0.36.2, urls: [two.tgz]}\n";
    server.answer("/charts/index.yaml", Reply::File(index.as_bytes().to_vec()));
    server.answer("/charts/one.tgz", Reply::File(upstream_like("0.36.1")));
    server.answer("/charts/two.tgz", Reply::File(upstream_like("0.36.2")));
    let vc = user_of_mirror(&server);
    let version = |revision| {
        let record = release::find(&vc.host, "vcluster-dev", "dev", revision).expect("a record");
        record["chart"]["metadata"]["version"]
            .as_str()
            .expect("a version")
            .to_owned()
    };
    let created = vc.run("create dev --chart upstream --no-connect");
    assert_eq!(created.code, Some(0), "{created}");
    assert_eq!(version(1), "0.36.1");
    server.calls();
    let set = "--set controlPlane.service.annotations.note=x";
    let upgraded = vc.run(&format!("upgrade dev {set}"));
    assert_eq!(upgraded.code, Some(0), "{upgraded}");
    assert_eq!(
        (version(2), server.calls()),
        ("0.36.1".to_owned(), String::new())
    );
    let upgraded = vc.run("upgrade dev --chart-version 0.36.2");
    assert_eq!(upgraded.code, Some(0), "{upgraded}");
    assert_eq!(version(3), "0.36.2");
    let values = release::find(&vc.host, "vcluster-dev", "dev", 3).expect("a record");
    assert_eq!(
        values["config"]["controlPlane"]["service"]["annotations"]["note"],
        "x"
    );
    vc.write("work/note.txt", "from a file");
    let upgraded = vc.run(
        "upgrade dev --set-file controlPlane.service.annotations.note=note.txt \
         --set-json controlPlane.service.labels={\"a\":\"b\"} --set-literal controlPlane.service.annotations.more=a,b",
    );
    assert_eq!(upgraded.code, Some(0), "{upgraded}");
    let values = release::find(&vc.host, "vcluster-dev", "dev", 4).expect("a record");
    let service = &values["config"]["controlPlane"]["service"];
    assert_eq!(service["annotations"]["note"], "from a file");
    assert_eq!(
        (&service["annotations"]["more"], &service["labels"]["a"]),
        (&"a,b".into(), &"b".into())
    );
}

#[test]
fn values_that_the_built_in_chart_cannot_honour_lead_to_the_official_one() {
    let vc = Sandbox::new();
    vc.write(
        "work/values.yaml",
        "privateNodes: {enabled: true}\nnobody: {knows: this}\n",
    );
    assert_snapshot!(vc.run("create dev -f values.yaml"));
}
