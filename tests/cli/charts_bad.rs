//! Charts that cannot be had: what went wrong, with what, and what to type.

use std::{fs, io::Read, io::Write, net, thread, time::Duration};

use insta::assert_snapshot;

use super::charts::{gzipped, user_of};
use crate::support::{
    chart_server::{ChartServer, Reply, archive, digest, packed, provenance},
    sandbox::Sandbox,
};

/// What a command says of `--chart 'URL/charts x'`.
fn of_repository(vc: &Sandbox, server: &ChartServer) -> crate::support::sandbox::Output {
    vc.run(&format!("template --chart '{}/charts x'", server.url()))
}

#[test]
fn files_that_are_no_charts_are_refused() {
    let vc = Sandbox::new();
    let whole = archive("x", "1.0.0");
    let bomb = packed(&[
        ("x/Chart.yaml", b"name: x\nversion: 1.0.0\n"),
        ("x/zeros", &vec![0; 101 << 20]),
    ]);
    let escape = packed(&[
        ("x/Chart.yaml", b"name: x\nversion: 1.0.0\n"),
        ("x/../../y", b""),
    ]);
    for (name, bytes) in [
        ("page", b"<html>not found</html>".as_slice()),
        ("cut-off", &whole[..whole.len() / 2]),
        ("bomb", &bomb),
        ("escape", &escape),
        ("other", &packed(&[("x/readme", b"nothing")])),
    ] {
        fs::write(vc.path(&format!("work/{name}.tgz")), bytes).expect("a file");
        assert_snapshot!(name, vc.run(&format!("template --chart {name}.tgz")));
    }
    assert_snapshot!("a-name-of-helm", vc.run("template --chart loft/vcluster"));
    assert_snapshot!("a-bare-name", vc.run("template --chart vcluster"));
}

#[test]
fn a_provenance_file_beside_an_archive_is_heeded() {
    let vc = Sandbox::new();
    let bytes = archive("x", "1.0.0");
    fs::write(vc.path("work/x.tgz"), &bytes).expect("a file");
    vc.write("work/x.tgz.prov", &provenance(&digest(&bytes)));
    assert_eq!(vc.run("template --chart x.tgz").code, Some(0));
    vc.write("work/x.tgz.prov", &provenance(&digest(b"another")));
    assert_snapshot!(vc.run("template --chart x.tgz"));
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.answer("/x.tgz", Reply::File(bytes.clone()));
    server.answer(
        "/x.tgz.prov",
        Reply::File(provenance(&digest(b"another")).into_bytes()),
    );
    assert_snapshot!(vc.run(&format!("template --chart {}/x.tgz", server.url())));
    let text = provenance(&digest(b"another"));
    server.push_with("x", &bytes, Some(&text), "1.0.0");
    assert_snapshot!(vc.run(&format!(
        "template --chart oci://{}/x:1.0.0",
        server.place()
    )));
}

#[test]
fn names_and_versions_that_are_not_there_lead_to_those_that_are() {
    let server = ChartServer::start();
    server.add("vcluster", &["0.35.0", "0.36.0", "0.36.1", "0.37.0-rc.1"]);
    server.push("x", "x", "1.0.0", "1.0.0");
    let vc = user_of(&server);
    let run = |rest: &str| vc.run(&format!("template --chart {rest}"));
    assert_snapshot!(
        "name",
        run(&format!("vclutser --chart-repo {}/charts", server.url()))
    );
    assert_snapshot!(
        "version",
        run(&format!(
            "'{}/charts vcluster' --chart-version 0.36.9",
            server.url()
        ))
    );
    assert_snapshot!(
        "constraint",
        run(&format!(
            "'{}/charts vcluster' --chart-version ^2",
            server.url()
        ))
    );
    assert_snapshot!("tag", run(&format!("oci://{}/x:2.0.0", server.place())));
    assert_snapshot!("registry", run(&format!("oci://{}/y", server.place())));
    assert_eq!(vc.run("cache list -o json").stdout.trim(), "[]");
}

#[test]
fn flags_that_go_not_together_are_refused() {
    let vc = Sandbox::new();
    for (name, flags) in [
        ("a-folder-with-a-version", "--chart . --chart-version 1.0.0"),
        (
            "two-versions",
            "--chart oci://r.example.com/x:1.0.0 --chart-version 2.0.0",
        ),
        (
            "two-places",
            "--chart oci://r.example.com/x --chart-repo https://charts.example.com",
        ),
        ("no-version", "--chart-version banana"),
        ("no-registry", "--chart oci://r.example.com/Upper"),
        (
            "no-address",
            "--chart ftp://me:secret@charts.example.com/x.tgz",
        ),
    ] {
        let output = vc.run(&format!("template {flags}"));
        assert_eq!(output.code, Some(2), "{output}");
        assert!(!output.stderr.contains("secret"), "{output}");
        assert_snapshot!(name, output);
    }
}

#[test]
fn a_repository_that_refuses_is_told_with_what_to_do() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    for code in [401, 403, 404, 500, 503] {
        server.answer("/charts/index.yaml", Reply::Refusal(code, String::new()));
        let output = of_repository(&vc, &server);
        assert_eq!(output.code, Some(1), "{output}");
        assert_snapshot!(format!("repository-{code}"), output);
        // What may be otherwise in a moment is asked for once more.
        let asked = server.calls().lines().count();
        assert_eq!(asked, if code >= 500 { 2 } else { 1 }, "{code}");
    }
    server.answer("/charts/index.yaml", Reply::Refusal(401, String::new()));
    let wrong = format!(
        "template --chart 'https://me:secret@{}/charts x'",
        server.place()
    );
    let output = vc.run(&wrong);
    assert!(!output.stderr.contains("secret"), "{output}");
    assert_snapshot!(
        "repository-wrong-password",
        output.stderr.replace(&server.place(), "[PLACE]")
    );
}

#[test]
fn a_registry_that_refuses_is_told_with_what_it_says() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    let chart = format!("template --chart oci://{}/x:1.0.0", server.place());
    server.with_tokens_for("me", "secret");
    assert_snapshot!("registry-nobody", vc.run(&chart));
    server.with_tokens();
    server.answer(
        "/v2/x/manifests/1.0.0",
        Reply::Refusal(403, "quota\u{1b}[31m is used up".to_owned()),
    );
    assert_snapshot!("registry-forbidden", vc.run(&chart));
    server.answer("/v2/x/manifests/1.0.0", Reply::File(b"<html>".to_vec()));
    assert_snapshot!("registry-page", vc.run(&chart));
    let image =
        br#"{"config": {"mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": []}"#;
    server.answer("/v2/x/manifests/1.0.0", Reply::File(image.to_vec()));
    assert_snapshot!("registry-image", vc.run(&chart));
    server.push("x", "x", "1.0.0", "1.0.0");
    let blob = digest(&archive("x", "1.0.0"));
    server.answer(
        &format!("/v2/x/blobs/{blob}"),
        Reply::File(archive("x", "6.6.6")),
    );
    assert_snapshot!("registry-wrong-blob", vc.run(&chart));
    assert_eq!(vc.run("cache list -o json").stdout.trim(), "[]");
}

#[test]
fn an_answer_that_ends_or_never_comes_is_told() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.add("x", &["1.0.0"]);
    server.answer("/charts/index.yaml", Reply::Reset);
    let output = of_repository(&vc, &server);
    assert_eq!(output.code, Some(1), "{output}");
    assert_snapshot!("reset", output);
    server.add("x", &["1.0.0"]);
    server.answer("/charts/x-1.0.0.tgz", Reply::Half(archive("x", "1.0.0")));
    assert_snapshot!("half", of_repository(&vc, &server));
    server.answer("/charts/index.yaml", Reply::Silence);
    let silent = vc.run(&format!(
        "template --timeout 300ms --chart '{}/charts x'",
        server.url()
    ));
    assert_eq!(silent.code, Some(6), "{silent}");
    assert_snapshot!("silence", silent);
}

#[test]
fn a_copy_in_the_cache_is_offered_when_the_network_fails() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.add("x", &["1.0.0"]);
    assert_eq!(of_repository(&vc, &server).code, Some(0));
    server.answer("/charts/index.yaml", Reply::Refusal(503, String::new()));
    assert_snapshot!(of_repository(&vc, &server));
}

#[test]
fn an_index_that_is_none_is_told_with_its_line() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    for (name, text) in [
        ("index-page", "<!doctype html>\n<html></html>\n"),
        (
            "index-broken",
            "apiVersion: v1\nentries:\n  x:\n  - version: [\n",
        ),
        ("index-list", "apiVersion: v1\nentries: [x]\n"),
        (
            "index-nowhere",
            "apiVersion: v1\nentries: {x: [{version: 1.0.0}]}\n",
        ),
        (
            "index-bad-place",
            "apiVersion: v1\nentries: {x: [{version: 1.0.0, urls: ['ftp://a/b']}]}\n",
        ),
    ] {
        server.answer("/charts/index.yaml", Reply::File(text.as_bytes().to_vec()));
        assert_snapshot!(name, of_repository(&vc, &server));
    }
}

#[test]
fn a_wrong_checksum_is_told_and_nothing_is_kept() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.add("x", &["1.0.0"]);
    server.answer("/charts/x-1.0.0.tgz", Reply::File(archive("x", "6.6.6")));
    assert_snapshot!(of_repository(&vc, &server));
    assert_eq!(vc.run("cache list -o json").stdout.trim(), "[]");
}

#[test]
fn what_is_too_large_is_not_read_to_its_end() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.answer("/charts/index.yaml", Reply::Endless);
    assert_snapshot!("endless-index", of_repository(&vc, &server));
    server.answer(
        "/charts/index.yaml",
        Reply::Packed(gzipped(&vec![b'#'; 65 << 20])),
    );
    assert_snapshot!("packed-index", of_repository(&vc, &server));
    server.answer("/x.tgz", Reply::Endless);
    assert_snapshot!(
        "endless-archive",
        vc.run(&format!("template --chart {}/x.tgz", server.url()))
    );
}

#[test]
fn redirects_end_and_never_leave_tls() {
    let server = ChartServer::start();
    let vc = user_of(&server);
    server.answer(
        "/charts/index.yaml",
        Reply::Redirect("/charts/index.yaml".to_owned()),
    );
    assert_snapshot!("redirect-loop", of_repository(&vc, &server));
    assert_eq!(server.calls().lines().count(), 11);
    for (name, to) in [
        ("redirect-to-plain", "http://charts.example.com/index.yaml"),
        ("redirect-to-a-file", "file:///etc/passwd"),
    ] {
        server.answer("/charts/index.yaml", Reply::Redirect(to.to_owned()));
        assert_snapshot!(name, of_repository(&vc, &server));
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0"]);
    let other = ChartServer::start();
    let vc = user_of(&other);
    assert_snapshot!("unknown-authority", of_repository(&vc, &server));
    assert_eq!(server.calls(), "");
    let nobody = Sandbox::new().with_variable("SSL_CERT_FILE", "/nowhere.pem");
    assert_snapshot!("no-authority", of_repository(&nobody, &server));
    let closed = net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("a port");
    drop(closed);
    assert_snapshot!(
        "nobody-there",
        vc.run(&format!("template --chart 'https://{address} x'"))
    );
}

#[test]
fn the_proxy_of_the_environment_leads_to_the_server() {
    let server = ChartServer::start();
    server.add("x", &["1.0.0"]);
    let proxy = Proxy::start(&server.place());
    // A name that the server's certificate has, and that only the proxy knows.
    let chart = "template --chart 'https://kubernetes.default.svc/charts x'";
    let vc = user_of(&server).with_variable(
        "HTTPS_PROXY",
        &format!("http://me:secret@{}", proxy.address),
    );
    let output = vc.run(chart);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        proxy
            .first_line()
            .starts_with("CONNECT kubernetes.default.svc:443")
    );
    let refusing = Proxy::start("refuse");
    let vc = user_of(&server).with_variable(
        "https_proxy",
        &format!("http://me:secret@{}", refusing.address),
    );
    let output = vc.run(chart);
    assert!(!output.stderr.contains("secret"), "{output}");
    assert_snapshot!(output);
}

/// A proxy that takes the user `me` and leads everything to one place, or refuses all.
struct Proxy {
    address: net::SocketAddr,
    asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(to: &str) -> Self {
        let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port");
        let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let (record, to) = (asked.clone(), to.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (record, to) = (record.clone(), to.clone());
                thread::spawn(move || lead(stream, &to, &record));
            }
        });
        Self { address, asked }
    }

    fn first_line(&self) -> String {
        self.asked.lock().expect("no thread panics")[0].clone()
    }
}

/// Answers one `CONNECT`. It ends with the connections.
fn lead(mut stream: net::TcpStream, to: &str, record: &std::sync::Mutex<Vec<String>>) {
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a socket");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    record.lock().expect("no thread panics").push(head.clone());
    // "me:secret" in Base64.
    let (true, Ok(server)) = (
        head.contains("Basic bWU6c2VjcmV0"),
        net::TcpStream::connect(to),
    ) else {
        stream.write_all(b"HTTP/1.1 407 No\r\n\r\n").ok();
        return;
    };
    stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").ok();
    let copies = [
        (stream.try_clone(), server.try_clone()),
        (server.try_clone(), stream.try_clone()),
    ];
    for (from, into) in copies {
        let (mut from, mut into) = (from.expect("a socket"), into.expect("a socket"));
        thread::spawn(move || {
            std::io::copy(&mut from, &mut into).ok();
            into.shutdown(net::Shutdown::Write).ok();
        });
    }
}
