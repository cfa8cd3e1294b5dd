//! A server of charts on loopback, inside the test's own process: files by path as a repository has them, and a registry
//! of OCI artifacts. It records what it is asked and with which login, and can go wrong in the ways that servers do.

mod content;
mod wire;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::content::{archive, digest, logins, packed, provenance};
use self::{content::hex, wire::serve};
use super::pki::Pki;

/// Kinds of what a registry has, as Helm names them.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// What opens the registry.
const TOKEN: &str = "token-of-the-registry";

/// A running server; ends when dropped.
pub(crate) struct ChartServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: String,
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Reply>>,
    calls: Mutex<Vec<String>>,
    /// Who may read files, by user and password.
    readers: Mutex<Option<(String, String)>>,
    /// Whether the registry wants a token, and from whom it takes a login for one.
    tokens: Mutex<Tokens>,
    /// Whether files are known again by their state.
    has_states: Mutex<bool>,
}

#[derive(Clone, Default, PartialEq, Eq)]
enum Tokens {
    /// It wants none.
    #[default]
    None,
    /// It gives one to anybody.
    Anybody,
    /// It gives one to this user with this password.
    User(String, String),
}

/// What a path is answered with.
#[derive(Clone)]
pub(crate) enum Reply {
    /// This.
    File(Vec<u8>),
    /// This, packed.
    Packed(Vec<u8>),
    /// This, of a kind that a registry names.
    Kind(&'static str, Vec<u8>),
    /// A refusal, and what is said of it.
    Refusal(u16, String),
    /// Elsewhere.
    Redirect(String),
    /// Half of this, and then nothing.
    Half(Vec<u8>),
    /// The connection ends without an answer.
    Reset,
    /// Nothing, ever.
    Silence,
    /// More and more, without an end.
    Endless,
}

impl ChartServer {
    /// Starts a server that speaks TLS, with an authority of its own.
    pub(crate) fn start() -> Self {
        let pki = Pki::new("nobody");
        let acceptor = TlsAcceptor::from(pki.server_config());
        Self::start_with(Some(acceptor), pki.authority)
    }

    /// Starts a server that speaks HTTP without TLS.
    pub(crate) fn start_plain() -> Self {
        Self::start_with(None, String::new())
    }

    fn start_with(acceptor: Option<TlsAcceptor>, authority: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the server of charts");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("a port");
        let shared = Arc::new(Shared::default());
        runtime.spawn(serve(shared.clone(), listener, acceptor));
        Self {
            shared,
            address,
            authority,
            runtime: Some(runtime),
        }
    }

    /// Host and port.
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
    }

    /// The same server under another name, which is another host to clients.
    pub(crate) fn other_place(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.authority.is_empty() {
            "http"
        } else {
            "https"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of its authority, as PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Answers a path so.
    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.files().insert(path.to_owned(), reply);
    }

    fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Reply>> {
        self.shared.files.lock().expect("no request panics")
    }

    /// Lets only this user read files.
    pub(crate) fn only_for(&self, user: &str, password: &str) {
        *self.shared.readers.lock().expect("no request panics") =
            Some((user.to_owned(), password.to_owned()));
    }

    /// Has the registry want a token, which anybody gets.
    pub(crate) fn with_tokens(&self) {
        *self.shared.tokens.lock().expect("no request panics") = Tokens::Anybody;
    }

    /// Has the registry want a token, which this user gets.
    pub(crate) fn with_tokens_for(&self, user: &str, password: &str) {
        *self.shared.tokens.lock().expect("no request panics") =
            Tokens::User(user.to_owned(), password.to_owned());
    }

    /// Has files known again by their state, as most servers do.
    pub(crate) fn with_states(&self) {
        *self.shared.has_states.lock().expect("no request panics") = true;
    }

    /// Puts versions of a chart into the repository at `/charts`, with the digests of what lies there.
    pub(crate) fn add(&self, name: &str, versions: &[&str]) {
        let mut index = format!(
            "apiVersion: v1\nentries:\n  another:\n  - version: 9.9.9\n    urls: [x]\n  {name}:\n"
        );
        for version in versions {
            let archive = archive(name, version);
            let file = format!("{name}-{version}.tgz");
            let digits = hex(&archive);
            writeln!(
                index,
                "  - apiVersion: v2\n    version: {version}\n    urls:\n    - {file}\n    digest: {digits}"
            )
            .expect("memory takes any length");
            self.answer(&format!("/charts/{file}"), Reply::File(archive));
        }
        self.answer("/charts/index.yaml", Reply::File(index.into_bytes()));
    }

    /// Pushes a chart to the registry, under a tag.
    pub(crate) fn push(&self, repository: &str, name: &str, version: &str, tag: &str) {
        self.push_with(repository, &archive(name, version), None, tag);
    }

    /// The same with this archive, and what vouches for it; the digest of the manifest.
    pub(crate) fn push_with(
        &self,
        repository: &str,
        archive: &[u8],
        provenance: Option<&str>,
        tag: &str,
    ) -> String {
        let mut layers = vec![(CHART, archive.to_vec())];
        layers.extend(provenance.map(|text| (PROVENANCE, text.as_bytes().to_vec())));
        let described: Vec<Value> = layers
            .iter()
            .map(|(kind, bytes)| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() }))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "config": { "mediaType": CONFIG, "digest": digest(b"{}"), "size": 2 },
            "layers": described,
        });
        for (_, bytes) in layers {
            let path = format!("/v2/{repository}/blobs/{}", digest(&bytes));
            self.answer(&path, Reply::File(bytes));
        }
        let manifest = manifest.to_string().into_bytes();
        let of_manifest = digest(&manifest);
        for reference in [tag, &of_manifest] {
            let path = format!("/v2/{repository}/manifests/{reference}");
            self.answer(&path, Reply::Kind(MANIFEST, manifest.clone()));
        }
        let list = format!("/v2/{repository}/tags/list");
        let mut tags: Vec<String> = match self.files().get(&list) {
            Some(Reply::File(bytes)) => {
                let list: Value = serde_json::from_slice(bytes).expect("our own list");
                serde_json::from_value(list["tags"].clone()).expect("a list of text")
            }
            _ => Vec::new(),
        };
        tags.push(tag.to_owned());
        let body = json!({ "name": repository, "tags": tags }).to_string();
        self.answer(&list, Reply::File(body.into_bytes()));
        of_manifest
    }

    /// What it was asked since the last time, one a line: what, by whom, and what was answered.
    pub(crate) fn calls(&self) -> String {
        let calls = std::mem::take(&mut *self.shared.calls.lock().expect("no request panics"));
        let port = format!(":{}", self.address.port());
        calls
            .join("\n")
            .replace(&port, ":[PORT]")
            .replace("%3A", ":")
            .replace("%2F", "/")
    }
}

impl Drop for ChartServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
