//! Certificates and keys: what Helm's `genCA` and its kin yield.
//!
//! Keys are in `certificates/key.rs`, the certificates themselves in `certificates/x509.rs`.

mod key;
mod x509;

use std::any::Any;
use std::rc::Rc;

use super::super::decode_base64;
use super::super::engine::{Args, Fault};
use super::super::value::{Map, Object, Value};
use super::{Row, pure};
use key::Key;
use x509::{Issuer, Request};

pub(super) const TABLE: &[Row] = &[
    pure("genPrivateKey", "text", |args| {
        Ok(key::generated(&args.string(0)?).into())
    }),
    pure("genCA", "text int", |args| {
        let key = Key::rsa()?;
        authority(args, &key)
    }),
    pure("genCAWithKey", "text int text", |args| {
        let key = key_argument(args, 2)?;
        authority(args, &key)
    }),
    pure("genSelfSignedCert", "text list list int", |args| {
        let key = Key::rsa()?;
        self_signed(&request(args)?, &key)
    }),
    pure(
        "genSelfSignedCertWithKey",
        "text list list int text",
        |args| {
            let key = key_argument(args, 4)?;
            self_signed(&request(args)?, &key)
        },
    ),
    pure("genSignedCert", "text list list int certificate", |args| {
        let key = Key::rsa()?;
        signed(args, &key)
    }),
    pure(
        "genSignedCertWithKey",
        "text list list int certificate text",
        |args| {
            let key = key_argument(args, 5)?;
            signed(args, &key)
        },
    ),
    pure("buildCustomCert", "text text", build_custom),
];

fn key_argument(args: &Args<'_>, index: usize) -> Result<Key, Fault> {
    Key::from_pem(&args.string(index)?)
        .map_err(|problem| Fault::new(format!("parsing private key: {problem}")))
}

fn authority(args: &Args<'_>, key: &Key) -> Result<Value, Fault> {
    let request = Request {
        name: args.string(0)?.to_string(),
        days: args.int(1)?,
        is_authority: true,
        ..Request::default()
    };
    self_signed(&request, key)
}

fn request(args: &Args<'_>) -> Result<Request, Fault> {
    Ok(Request {
        name: args.string(0)?.to_string(),
        addresses: texts(args, 1)?
            .iter()
            .map(|text| {
                text.parse()
                    .map_err(|_| Fault::new(format!("error parsing ip: {text}")))
            })
            .collect::<Result<_, _>>()?,
        host_names: texts(args, 2)?,
        days: args.int(3)?,
        is_authority: false,
    })
}

fn texts(args: &Args<'_>, index: usize) -> Result<Vec<String>, Fault> {
    let Value::List(items) = args.any(index) else {
        return Ok(Vec::new());
    };
    let texts = items.iter().map(|item| match item {
        Value::Str(text) => Ok(text.to_string()),
        other => Err(Fault::new(format!(
            "argument {} must be a list of strings, but holds a {}",
            index + 1,
            other.type_name()
        ))),
    });
    texts.collect()
}

fn self_signed(request: &Request, key: &Key) -> Result<Value, Fault> {
    let cert = x509::certificate(request, key, &Issuer::itself(key))?;
    CertificateObject::value(cert, key.to_pem()?)
}

fn signed(args: &Args<'_>, key: &Key) -> Result<Value, Fault> {
    let Value::Object(object) = args.any(4) else {
        return Err(Fault::new("argument 5 is no certificate"));
    };
    let object: &dyn Any = object.as_ref();
    let issuer = object
        .downcast_ref::<CertificateObject>()
        .ok_or_else(|| Fault::new("argument 5 is no certificate"))?;
    let issuer_key = Key::from_pem(&issuer.key)
        .map_err(|problem| Fault::new(format!("error parsing private key: {problem}")))?;
    let issuer = Issuer::parse(&issuer.cert, &issuer_key)?;
    let cert = x509::certificate(&request(args)?, key, &issuer)?;
    CertificateObject::value(cert, key.to_pem()?)
}

/// A certificate made elsewhere, checked to be one.
fn build_custom(args: &Args<'_>) -> Result<Value, Fault> {
    let decoded = |index, what| {
        let text = args.string(index)?;
        let bytes = decode_base64(text.as_bytes())
            .map_err(|_| Fault::new(format!("unable to decode base64 {what}")))?;
        String::from_utf8(bytes).map_err(|_| Fault::new(format!("unable to decode {what}")))
    };
    let (cert, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    x509::check(&cert)?;
    Key::from_pem(&key)
        .map_err(|problem| Fault::new(format!("error parsing private key: {problem}")))?;
    CertificateObject::value(cert, key)
}

/// What these functions yield, with the fields `Cert` and `Key`.
struct CertificateObject {
    cert: String,
    key: String,
}

impl CertificateObject {
    #[expect(clippy::unnecessary_wraps, reason = "ends functions that can fail")]
    fn value(cert: String, key: String) -> Result<Value, Fault> {
        Ok(Value::Object(Rc::new(Self { cert, key })))
    }
}

impl Object for CertificateObject {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.as_str().into()),
            "Key" => Some(self.key.as_str().into()),
            _ => None,
        }
    }

    fn call(&self, _method: &str, _args: &Args<'_>) -> Option<Result<Value, Fault>> {
        None
    }

    fn plain(&self) -> Value {
        format!("{{{} {}}}", self.cert, self.key).into()
    }

    fn serialized(&self) -> Value {
        let fields = [("Cert", &self.cert), ("Key", &self.key)];
        let fields: Map = fields
            .into_iter()
            .map(|(name, text)| (name, text.as_str().into()))
            .collect();
        fields.into()
    }
}
