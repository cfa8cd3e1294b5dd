//! Certificates with the fields and extensions that Go gives them.

use std::net::IpAddr;
use std::time::Duration;

use const_oid::db::rfc4519::COMMON_NAME;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::asn1::{Any, GeneralizedTime, Ia5String, OctetString, PrintableStringRef, Utf8StringRef};
use der::{DateTime, Decode as _, Encode as _};
use getrandom::rand_core::Rng as _;
use jiff::Timestamp;
use rsa::pkcs1v15;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::SubjectPublicKeyInfo;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::{Time, Validity};

use super::super::super::engine::Fault;
use super::super::random::generator;
use super::key::{self, Key};

const DAY: i64 = 24 * 60 * 60;

/// What a certificate is to say.
#[derive(Default)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) host_names: Vec<String>,
    pub(super) days: i64,
    pub(super) is_authority: bool,
}

/// Who signs a certificate.
pub(super) struct Issuer<'k> {
    key: &'k Key,
    /// `None` for a certificate that signs itself.
    parent: Option<Parent>,
}

struct Parent {
    name: Name,
    key_id: Option<OctetString>,
}

impl<'k> Issuer<'k> {
    pub(super) fn itself(key: &'k Key) -> Self {
        Self { key, parent: None }
    }

    pub(super) fn parse(certificate: &str, key: &'k Key) -> Result<Self, Fault> {
        let tbs = check(certificate)?.tbs_certificate().clone();
        let key_id = tbs
            .get_extension::<SubjectKeyIdentifier>()
            .ok()
            .flatten()
            .map(|(_, id)| id.0);
        Ok(Self {
            key,
            parent: Some(Parent {
                name: tbs.subject().clone(),
                key_id,
            }),
        })
    }
}

/// Reads a certificate in PEM.
pub(super) fn check(text: &str) -> Result<Certificate, Fault> {
    let (_, bytes) = key::block(text).ok_or_else(|| Fault::new("unable to decode certificate"))?;
    Certificate::from_der(&bytes)
        .map_err(|error| Fault::new(format!("error parsing certificate: {error}")))
}

/// The certificate in PEM.
pub(super) fn certificate(
    request: &Request,
    key: &Key,
    issuer: &Issuer<'_>,
) -> Result<String, Fault> {
    made(request, key, issuer)
        .map_err(|error| Fault::new(format!("error creating certificate: {error}")))
}

type Made<T> = Result<T, Box<dyn std::error::Error>>;

fn made(request: &Request, key: &Key, issuer: &Issuer<'_>) -> Made<String> {
    let subject = name(&request.name)?;
    let profile = Profile {
        issuer: issuer
            .parent
            .as_ref()
            .map_or_else(|| subject.clone(), |parent| parent.name.clone()),
        subject,
        request,
        authority_id: issuer
            .parent
            .as_ref()
            .and_then(|parent| parent.key_id.clone()),
    };
    let mut serial = [0; 16];
    generator().fill_bytes(&mut serial);
    let builder = CertificateBuilder::new(
        profile,
        SerialNumber::new(&serial)?,
        validity(request.days)?,
        public_key(key)?,
    )?;
    let certificate = match issuer.key {
        Key::Rsa(key) => {
            let signer = pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
            builder.build::<_, pkcs1v15::Signature>(&signer)?
        }
        Key::P256(key) => {
            let signer = p256::ecdsa::SigningKey::from(key);
            builder.build::<_, p256::ecdsa::DerSignature>(&signer)?
        }
        Key::Ed25519(key) => builder.build::<_, ed25519_dalek::Signature>(&**key)?,
        Key::Dsa => return Err("only RSA, P-256 and Ed25519 keys can sign".into()),
    };
    Ok(key::pem("CERTIFICATE", &certificate.to_der()?)?)
}

fn public_key(key: &Key) -> Made<SubjectPublicKeyInfo> {
    Ok(match key {
        Key::Rsa(key) => SubjectPublicKeyInfo::from_key(&key.to_public_key())?,
        Key::P256(key) => SubjectPublicKeyInfo::from_key(&key.public_key())?,
        Key::Ed25519(key) => SubjectPublicKeyInfo::from_key(&key.verifying_key())?,
        Key::Dsa => return Err("only RSA, P-256 and Ed25519 keys can be certified".into()),
    })
}

/// A name of nothing but a common name, which may be missing.
fn name(common: &str) -> der::Result<Name> {
    let mut sequence = RdnSequence::default();
    if !common.is_empty() {
        let value = match PrintableStringRef::new(common) {
            Ok(text) => Any::from(text),
            Err(_) => Any::from(Utf8StringRef::new(common)?),
        };
        let mut part = RelativeDistinguishedName::default();
        part.insert(AttributeTypeAndValue {
            oid: COMMON_NAME,
            value,
        })?;
        sequence.push(part);
    }
    Name::from_der(&sequence.to_der()?)
}

fn validity(days: i64) -> Made<Validity> {
    let now = Timestamp::now().as_second();
    let end = days
        .checked_mul(DAY)
        .and_then(|length| now.checked_add(length));
    let time = |seconds: i64| -> Made<Time> {
        let since = Duration::from_secs(u64::try_from(seconds)?);
        let time = GeneralizedTime::from_date_time(DateTime::from_unix_duration(since)?);
        Ok(Time::GeneralTime(time))
    };
    let end = end.ok_or("the certificate is valid for too many days")?;
    Ok(Validity::new(time(now)?, time(end)?))
}

struct Profile<'r> {
    issuer: Name,
    subject: Name,
    request: &'r Request,
    authority_id: Option<OctetString>,
}

impl Profile<'_> {
    fn alternative_names(&self) -> der::Result<SubjectAltName> {
        let hosts = self.request.host_names.iter().map(|host| {
            let host = Ia5String::new(host)?;
            Ok(GeneralName::DnsName(host))
        });
        let addresses = self.request.addresses.iter().map(|address| {
            // Go writes an IPv4 address in IPv6 form in four bytes.
            Ok(GeneralName::from(address.to_canonical()))
        });
        hosts
            .chain(addresses)
            .collect::<Result<_, _>>()
            .map(SubjectAltName)
    }
}

impl BuilderProfile for Profile<'_> {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let is_authority = self.request.is_authority;
        let mut usage = KeyUsages::KeyEncipherment | KeyUsages::DigitalSignature;
        if is_authority {
            usage |= KeyUsages::KeyCertSign;
        }
        let extended = ExtendedKeyUsage(vec![ID_KP_SERVER_AUTH, ID_KP_CLIENT_AUTH]);
        let constraints = BasicConstraints {
            ca: is_authority,
            path_len_constraint: None,
        };
        let subject = tbs.subject();
        let mut extensions = vec![
            (&KeyUsage(usage)).to_extension(subject, &[])?,
            (&extended).to_extension(subject, &[])?,
            (&constraints).to_extension(subject, &[])?,
        ];
        if is_authority {
            let id = SubjectKeyIdentifier(key_id(&key)?);
            extensions.push((&id).to_extension(subject, &[])?);
        }
        if self.issuer != self.subject
            && let Some(id) = &self.authority_id
        {
            let id = AuthorityKeyIdentifier {
                key_identifier: Some(id.clone()),
                ..AuthorityKeyIdentifier::default()
            };
            extensions.push((&id).to_extension(subject, &[])?);
        }
        let names = self.alternative_names()?;
        if !names.0.is_empty() {
            extensions.push((&names).to_extension(subject, &[])?);
        }
        Ok(extensions)
    }
}

/// The first 20 bytes of the key's SHA-256, as Go has it.
fn key_id(key: &SubjectPublicKeyInfoRef<'_>) -> builder::Result<OctetString> {
    let bits = key.subject_public_key.raw_bytes();
    Ok(OctetString::new(&Sha256::digest(bits)[..20])?)
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier as _;
    use p256::pkcs8::DecodePublicKey as _;

    use super::*;

    fn request(name: &str) -> Request {
        Request {
            name: name.to_owned(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            host_names: vec!["a.example".to_owned()],
            days: 10,
            is_authority: false,
        }
    }

    fn ecdsa() -> Key {
        Key::from_pem(&key::generated("ecdsa")).unwrap()
    }

    #[test]
    fn an_authority_signs_a_certificate_for_names_and_addresses() {
        let ca_key = ecdsa();
        let ca = Request {
            is_authority: true,
            ..request("the ca")
        };
        let ca = certificate(&ca, &ca_key, &Issuer::itself(&ca_key)).unwrap();
        let issuer = Issuer::parse(&ca, &ca_key).unwrap();
        let key = Key::from_pem(&key::generated("ed25519")).unwrap();
        let signed = certificate(&request("leaf"), &key, &issuer).unwrap();
        let leaf = check(&signed).unwrap();
        let tbs = leaf.tbs_certificate();
        assert_eq!(tbs.issuer().to_string(), "CN=the ca");
        assert_eq!(tbs.subject().to_string(), "CN=leaf");
        let (_, id) = tbs
            .get_extension::<AuthorityKeyIdentifier>()
            .unwrap()
            .unwrap();
        assert_eq!(id.key_identifier, issuer.parent.unwrap().key_id);
        let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
        assert_eq!(names.0.len(), 2);
        let spki = check(&ca).unwrap();
        let spki = spki.tbs_certificate().subject_public_key_info().clone();
        let spki = spki.to_der().unwrap();
        let verifier = p256::ecdsa::VerifyingKey::from_public_key_der(&spki).unwrap();
        let signature = p256::ecdsa::DerSignature::try_from(leaf.signature().raw_bytes()).unwrap();
        verifier.verify(&tbs.to_der().unwrap(), &signature).unwrap();
    }

    #[test]
    fn keys_are_written_in_the_forms_that_go_writes() {
        for (kind, label) in [("ecdsa", "EC PRIVATE KEY"), ("ed25519", "PRIVATE KEY")] {
            let text = key::generated(kind);
            assert_eq!(key::block(&text).unwrap().0, label);
            assert!(Key::from_pem(&text).is_ok(), "{kind}");
        }
        assert_eq!(key::generated("x"), "Unknown type x");
        assert!(Key::from_pem("nothing").is_err());
    }
}
