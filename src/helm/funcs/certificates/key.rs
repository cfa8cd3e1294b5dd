//! Private keys: made, read from PEM, and written as Go writes them.

use der::asn1::UintRef;
use der::pem::LineEnding;
use der::{Decode as _, Encode as _, Sequence};
use dsa::{Components, KeySize};
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use p256::elliptic_curve::Generate as _;
use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};

use super::super::super::engine::Fault;
use super::super::random::generator;

/// The size of the RSA keys of certificates.
const CERTIFICATE_BITS: usize = 2048;
/// The size of the RSA keys of `genPrivateKey`.
const PRIVATE_KEY_BITS: usize = 4096;

/// A private key.
pub(super) enum Key {
    Rsa(Box<PrivateKey>),
    P256(p256::SecretKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// Can be carried along, but signs nothing, as in Go.
    Dsa,
}

/// The form in which DSA keys are kept.
#[derive(Sequence)]
struct DsaKey<'a> {
    version: u8,
    p: UintRef<'a>,
    q: UintRef<'a>,
    g: UintRef<'a>,
    y: UintRef<'a>,
    x: UintRef<'a>,
}

impl Key {
    /// A new RSA key for a certificate.
    pub(super) fn rsa() -> Result<Self, Fault> {
        PrivateKey::new(&mut generator(), CERTIFICATE_BITS)
            .map(|key| Self::Rsa(Box::new(key)))
            .map_err(|error| Fault::new(format!("error generating rsa key: {error}")))
    }

    pub(super) fn from_pem(text: &str) -> Result<Self, String> {
        let (label, bytes) = block(text).ok_or("no PEM data in input")?;
        match label.as_str() {
            "PRIVATE KEY" => from_pkcs8(&bytes),
            "RSA PRIVATE KEY" => PrivateKey::from_pkcs1_der(&bytes)
                .map(|key| Self::Rsa(Box::new(key)))
                .map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC PRIVATE KEY" => p256::SecretKey::from_sec1_der(&bytes)
                .map(Self::P256)
                .map_err(|_| "parsing EC private key from PEM: it is no key of P-256".to_owned()),
            "DSA PRIVATE KEY" => DsaKey::from_der(&bytes)
                .map(|_| Self::Dsa)
                .map_err(|error| format!("parsing DSA private key from PEM: {error}")),
            label => Err(format!("invalid private key type {label}")),
        }
    }

    pub(super) fn to_pem(&self) -> Result<String, Fault> {
        pem_of(self).map_err(|problem| Fault::new(format!("error pem-encoding key: {problem}")))
    }
}

fn from_pkcs8(bytes: &[u8]) -> Result<Key, String> {
    if let Ok(key) = PrivateKey::from_pkcs8_der(bytes) {
        return Ok(Key::Rsa(Box::new(key)));
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(bytes) {
        return Ok(Key::P256(key));
    }
    ed25519_dalek::SigningKey::from_pkcs8_der(bytes)
        .map(|key| Key::Ed25519(Box::new(key)))
        .map_err(|_| "decoding PEM as PKCS#8: it is no key of RSA, P-256 or Ed25519".to_owned())
}

/// The first PEM block of a text: its label and its content.
pub(super) fn block(text: &str) -> Option<(String, Vec<u8>)> {
    let text = &text[text.find("-----BEGIN ")?..];
    let end = text.find("-----END ")?;
    let end = end + 9 + text[end + 9..].find("-----")? + 5;
    let (label, bytes) = der::pem::decode_vec(&text.as_bytes()[..end]).ok()?;
    Some((label.to_owned(), bytes))
}

pub(super) fn pem(label: &str, bytes: &[u8]) -> Result<String, String> {
    der::pem::encode_string(label, LineEnding::LF, bytes).map_err(|error| error.to_string())
}

fn pem_of(key: &Key) -> Result<String, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    match key {
        Key::Rsa(key) => {
            let bytes = key.to_pkcs1_der().map_err(|error| text(&error))?;
            pem("RSA PRIVATE KEY", bytes.as_bytes())
        }
        Key::P256(key) => {
            let bytes = key.to_sec1_der().map_err(|error| text(&error))?;
            pem("EC PRIVATE KEY", &bytes)
        }
        Key::Ed25519(key) => {
            let bytes = KeypairBytes {
                secret_key: key.to_bytes(),
                public_key: None,
            };
            let bytes = bytes.to_pkcs8_der().map_err(|error| text(&error))?;
            pem("PRIVATE KEY", bytes.as_bytes())
        }
        Key::Dsa => Err("a DSA key signs no certificate".to_owned()),
    }
}

/// `genPrivateKey`: the message becomes the text, as in Helm.
pub(super) fn generated(kind: &str) -> String {
    let key = match kind {
        "" | "rsa" => PrivateKey::new(&mut generator(), PRIVATE_KEY_BITS)
            .map(|key| Key::Rsa(Box::new(key)))
            .map_err(|error| error.to_string()),
        "ecdsa" => Ok(Key::P256(p256::SecretKey::generate_from_rng(
            &mut generator(),
        ))),
        "ed25519" => {
            let mut secret = [0; 32];
            getrandom::rand_core::Rng::fill_bytes(&mut generator(), &mut secret);
            let key = ed25519_dalek::SigningKey::from_bytes(&secret);
            Ok(Key::Ed25519(Box::new(key)))
        }
        "dsa" => return generated_dsa().unwrap_or_else(failed),
        other => return format!("Unknown type {other}"),
    };
    key.and_then(|key| pem_of(&key)).unwrap_or_else(failed)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "what `unwrap_or_else` hands over"
)]
fn failed(problem: String) -> String {
    format!("failed to generate private key: {problem}")
}

fn generated_dsa() -> Result<String, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut random = generator();
    let Ok(components) =
        Components::try_generate_from_rng_with_key_size(&mut random, KeySize::DSA_2048_256);
    let Ok(key) = dsa::SigningKey::try_generate_from_rng_with_components(&mut random, components);
    let numbers = key.verifying_key().components();
    let parts = [
        numbers.p().to_be_bytes(),
        numbers.q().to_be_bytes(),
        numbers.g().to_be_bytes(),
        key.verifying_key().y().to_be_bytes(),
        key.x().to_be_bytes(),
    ];
    let parts = parts
        .iter()
        .map(|bytes| UintRef::new(bytes).map_err(|error| text(&error)))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = DsaKey {
        version: 0,
        p: parts[0],
        q: parts[1],
        g: parts[2],
        y: parts[3],
        x: parts[4],
    };
    pem(
        "DSA PRIVATE KEY",
        &bytes.to_der().map_err(|error| text(&error))?,
    )
}
