//! Who we are to the servers of charts: where logins are found, and where they never go.

use std::{fs, os::unix::fs::PermissionsExt};

use insta::assert_snapshot;

use super::charts::{rendered, user_of};
use crate::support::{
    chart_server::{ChartServer, Reply, archive, digest, logins},
    sandbox::Sandbox,
};

#[test]
fn logins_are_found_where_docker_and_helm_keep_them() {
    let server = ChartServer::start();
    server.with_tokens_for("me", "secret");
    server.push("x", "x", "1.0.0", "1.0.0");
    let place = server.place();
    let chart = format!("template --chart oci://{place}/x:1.0.0");
    let identity = format!(r#"{{"auths": {{"{place}": {{"identitytoken": "secret"}}}}}}"#);
    for (file, text) in [
        (
            "home/.docker/config.json",
            logins(&format!("https://{place}/v1/"), "me", "secret"),
        ),
        ("home/.docker/config.json", identity),
        (
            "home/.docker/config.json",
            r#"{"credsStore": "test"}"#.to_owned(),
        ),
        (
            "config/helm/registry/config.json",
            format!(r#"{{"credHelpers": {{"{place}": "test"}}}}"#),
        ),
    ] {
        let vc = user_of(&server);
        vc.write(file, &text);
        let vc = with_helper(
            vc,
            "read server; echo \"{\\\"Username\\\":\\\"me\\\",\\\"Secret\\\":\\\"secret\\\"}\"",
        );
        assert_eq!(rendered(&vc, &chart), "x 1.0.0", "{file}: {text}");
    }
    assert!(server.calls().contains("refresh_token=secret"));
    // A program that knows nobody leaves it at asking as nobody.
    let vc = user_of(&server);
    vc.write("home/.docker/config.json", r#"{"credsStore": "test"}"#);
    let vc = with_helper(vc, "echo credentials not found in native keychain; exit 1");
    assert_snapshot!(vc.run(&chart));
    assert!(vc.files_with("cache", "secret").is_empty());
}

/// The same user with a credential helper `test`, which does this.
fn with_helper(vc: Sandbox, script: &str) -> Sandbox {
    vc.write(
        "bin/docker-credential-test",
        &format!("#!/bin/sh\n{script}\n"),
    );
    let path = vc.path("bin/docker-credential-test");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let path = format!("{}:/usr/bin:/bin", vc.path("bin").display());
    vc.with_variable("PATH", &path)
}

#[test]
fn a_helper_that_fails_is_told_and_need_not_be_the_end() {
    let server = ChartServer::start();
    server.push("x", "x", "1.0.0", "1.0.0");
    let chart = format!("template --chart oci://{}/x:1.0.0", server.place());
    let user = || {
        let vc = user_of(&server);
        vc.write("home/.docker/config.json", r#"{"credsStore": "test"}"#);
        vc
    };
    server.with_tokens();
    let missing = user().run(&format!("{chart} -o json"));
    assert_eq!(missing.code, Some(0), "{missing}");
    assert!(missing.stderr.contains("asking `127.0.0.1"), "{missing}");
    server.with_tokens_for("me", "secret");
    assert_snapshot!(user().run(&chart));
    assert_snapshot!(
        with_helper(
            user(),
            "echo {secret}; echo the keychain is locked >&2; exit 1"
        )
        .run(&chart)
    );
    assert_snapshot!(with_helper(user(), "echo the keychain is locked; exit 1").run(&chart));
    let vc = user();
    vc.write("home/.docker/config.json", r#"{"auths": {"a": "secret"}}"#);
    assert_snapshot!(vc.run(&chart));
}

#[test]
fn a_repository_knows_us_by_its_address_or_by_helm_s_list() {
    let server = ChartServer::start();
    server.only_for("me", "pass word");
    server.add("x", &["1.0.0"]);
    let vc = user_of(&server);
    let chart = format!(
        "--chart 'https://me:pass%20word@{}/charts x'",
        server.place()
    );
    assert_eq!(rendered(&vc, &format!("template {chart}")), "x 1.0.0");
    assert_snapshot!(server.calls());
    assert!(
        vc.files_with("cache", "pass word").is_empty()
            && vc.files_with("cache", "pass%20word").is_empty()
    );
    assert!(!vc.run("cache list -o json").stdout.contains("pass"));

    // Helm's list has the authority of the server, too.
    let vc = Sandbox::new();
    vc.write("authority.pem", server.authority());
    let list = format!(
        "repositories: [{{name: x, url: '{}/charts', username: me, password: pass word, caFile: {}}}]\n",
        server.url(),
        vc.path("authority.pem").display()
    );
    vc.write("config/helm/repositories.yaml", &list);
    assert_eq!(
        rendered(
            &vc,
            &format!("template --chart '{}/charts x'", server.url())
        ),
        "x 1.0.0"
    );
}

#[test]
fn a_login_goes_to_its_own_host_only() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0"]);
    let elsewhere = format!("https://{}/elsewhere.tgz", server.other_place());
    server.answer("/charts/x-1.0.0.tgz", Reply::Redirect(elsewhere.clone()));
    server.answer("/elsewhere.tgz", Reply::File(archive("x", "1.0.0")));
    let vc = user_of(&server);
    let chart = format!("--chart 'https://me:secret@{}/charts x'", server.place());
    assert_eq!(rendered(&vc, &format!("template {chart}")), "x 1.0.0");
    assert_snapshot!("redirect", server.calls());
    // Nor does it follow an index that names another host.
    let index = format!(
        "apiVersion: v1\nentries:\n  x:\n  - version: 1.0.0\n    urls: ['{elsewhere}', x.tgz]\n",
    );
    server.answer("/charts/index.yaml", Reply::File(index.into_bytes()));
    let vc = user_of(&server);
    assert_eq!(rendered(&vc, &format!("template {chart}")), "x 1.0.0");
    assert_snapshot!("index", server.calls());
    // Registries keep their blobs elsewhere, which must not see the token.
    server.with_tokens();
    let bytes = archive("x", "1.0.0");
    server.push("x", "x", "1.0.0", "1.0.0");
    server.answer(
        &format!("/v2/x/blobs/{}", digest(&bytes)),
        Reply::Redirect(elsewhere),
    );
    let vc = user_of(&server);
    rendered(
        &vc,
        &format!("template --chart oci://{}/x:1.0.0", server.place()),
    );
    assert_snapshot!("blob", server.calls());
}

#[test]
fn where_charts_come_from_is_shown_without_a_password() {
    let vc = Sandbox::new();
    let set = vc.run("config set chart_repo https://me:hunter2@charts.example.com/x");
    assert!(
        !set.to_string()
            .replace("$ vc config set chart_repo https://me:hunter2@", "")
            .contains("hunter2"),
        "{set}"
    );
    assert!(vc.read("config/vc/config.yaml").contains("hunter2"));
    let shown = vc.run("config -o json");
    assert!(
        shown.stdout.contains("https://charts.example.com/x") && !shown.stdout.contains("hunter2"),
        "{shown}"
    );
    let wrong = vc.run("config set chart_repo me:hunter2@charts.example.com");
    assert!(!wrong.stderr.contains("hunter2"), "{wrong}");
}
