//! A certificate authority of its own for every API server in memory.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

/// The authority, a serving certificate for loopback, and a client certificate that the server trusts.
pub(crate) struct Pki {
    /// Certificate of the authority, as PEM.
    pub(crate) authority: String,
    /// Client certificate of the administrator, as PEM.
    pub(crate) client_certificate: String,
    /// Private key of the administrator, as PEM.
    pub(crate) client_key: String,
    tls: Arc<ServerConfig>,
}

impl Pki {
    /// Makes new keys; nothing is shared between two servers, so a mix-up fails the handshake.
    pub(crate) fn new(client_name: &str) -> Self {
        Self::valid_until(client_name, 4096, &[])
    }

    /// That of a control plane, whose server has the name of its Service, too.
    pub(crate) fn of_control_plane(name: &str, namespace: &str, is_expired: bool) -> Self {
        let service = format!("{name}.{namespace}");
        let year = if is_expired { 2001 } else { 4096 };
        Self::valid_until("kubernetes-super-admin", year, &[service])
    }

    /// The same, but the server's certificate has expired.
    pub(crate) fn expired() -> Self {
        Self::valid_until("admin", 2001, &[])
    }

    fn valid_until(client_name: &str, year: i32, names: &[String]) -> Self {
        let authority_key = KeyPair::generate().expect("ring makes keys");
        let mut authority = named("kubernetes-in-memory");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_certificate = authority
            .self_signed(&authority_key)
            .expect("a complete certificate");
        let issuer = Issuer::new(authority, authority_key);

        let server_key = KeyPair::generate().expect("ring makes keys");
        let usual = ["localhost", "127.0.0.1", "kubernetes.default.svc"].map(String::from);
        let mut server = CertificateParams::new([&usual[..], names].concat()).expect("valid names");
        server.not_after = rcgen::date_time_ymd(year, 1, 1);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_certificate = server
            .signed_by(&server_key, &issuer)
            .expect("a complete request");

        let client_key = KeyPair::generate().expect("ring makes keys");
        let mut client = named(client_name);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_certificate = client
            .signed_by(&client_key, &issuer)
            .expect("a complete request");

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(authority_certificate.der().clone())
            .expect("our own certificate");
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .expect("one root");
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![server_certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
            )
            .expect("the key belongs to the certificate");

        Self {
            authority: authority_certificate.pem(),
            client_certificate: client_certificate.pem(),
            client_key: client_key.serialize_pem(),
            tls: Arc::new(tls),
        }
    }

    /// TLS as the server speaks it: a client certificate is welcome, not demanded.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        self.tls.clone()
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}
