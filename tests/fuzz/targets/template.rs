//! Any template is rendered or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vc::helm::{self, ApiVersions, Capabilities, Chart, File, Lookups, ReleaseInfo};
use vc_fuzz::{keep_panics, run};

const VALUES: &str = "name: dev\ncount: 3\nratio: 0.5\nlist: [a, 1, null, {x: y}]\nmap: {a: 1, b: {c: d}}\ntrue: yes\n";

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        let file = |name: &str, data: &[u8]| File { name: name.to_owned(), data: data.to_vec().into() };
        let files = vec![
            file("Chart.yaml", b"apiVersion: v2\nname: fuzz\nversion: 1.0.0\n"),
            file("values.yaml", VALUES.as_bytes()),
            file("templates/_names.tpl", b"{{ define \"name\" }}{{ .Values.name }}{{ end }}"),
            file("templates/any.yaml", bytes),
        ];
        let chart = Chart::from_files(files).expect("a chart but for its template");
        let prepared =
            helm::prepare(&chart, &serde_json::json!({})).expect("values that fit any chart");
        let release = ReleaseInfo {
            name: "dev".to_owned(),
            namespace: "team-a".to_owned(),
            revision: 1,
            is_upgrade: false,
        };
        let capabilities = Capabilities {
            kube_version: "v1.36.3".to_owned(),
            api_versions: ApiVersions::known(["v1".to_owned(), "apps/v1".to_owned()]),
        };
        drop(helm::render(&prepared, &release, &capabilities, &Lookups::of_nothing()));
    });
});
