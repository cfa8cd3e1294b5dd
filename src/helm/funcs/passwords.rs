//! Passwords: hashed for web servers, and derived from a master password.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::{Row, pure};

/// What Helm takes as the cost of bcrypt.
const BCRYPT_COST: u32 = 10;
/// The longest password bcrypt takes.
const BCRYPT_LENGTH: usize = 72;
/// What the algorithm of derived passwords puts before everything it hashes.
const SCOPE: &str = "com.lyndir.masterpassword";

pub(super) const TABLE: &[Row] = &[
    pure("bcrypt", "text", |args| {
        Ok(bcrypt_of(&args.bytes(0)?).into())
    }),
    pure("htpasswd", "text text", |args| {
        let (user, password) = (args.string(0)?, args.bytes(1)?);
        Ok(if user.contains(':') {
            format!("invalid username: {user}").into()
        } else {
            format!("{user}:{}", bcrypt_of(&password)).into()
        })
    }),
    pure("derivePassword", "uint text text text text", derive),
];

fn bcrypt_of(password: &[u8]) -> String {
    let failed = |problem: &str| format!("failed to encrypt string with bcrypt: {problem}");
    if password.len() > BCRYPT_LENGTH {
        return failed("bcrypt: password length exceeds 72 bytes");
    }
    let mut salt = [0; 16];
    if getrandom::fill(&mut salt).is_err() {
        return failed("there is no randomness");
    }
    match bcrypt::hash_with_salt(password, BCRYPT_COST, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(error) => failed(&error.to_string()),
    }
}

/// The shapes of a kind of password; each letter stands for a class of letters.
fn shapes(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn class(letter: char) -> &'static [u8] {
    match letter {
        'V' => b"AEIOU",
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive(args: &Args<'_>) -> Result<Value, Fault> {
    let counter = match args.any(0) {
        Value::Int(counter) => u32::try_from(*counter).ok(),
        _ => None,
    };
    let counter = counter.ok_or_else(|| Fault::new("the counter is too large"))?;
    let kind = args.string(1)?;
    let (password, user, site) = (args.bytes(2)?, args.bytes(3)?, args.bytes(4)?);
    let Some(shapes) = shapes(&kind) else {
        return Ok(format!("cannot find password template {kind}").into());
    };
    let scoped = |text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        [SCOPE.as_bytes(), &length, text].concat()
    };
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2).map_err(|_| Fault::new("no such scrypt"))?;
    scrypt::scrypt(&password, &scoped(&user), &params, &mut key)
        .map_err(|_| Fault::new("failed to derive password"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|_| Fault::new("failed to derive password"))?;
    mac.update(&scoped(&site));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let letters = shape.chars().zip(&seed[1..]).map(|(letter, byte)| {
        let class = class(letter);
        char::from(class[usize::from(*byte) % class.len()])
    });
    Ok(letters.collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_passwords_are_those_that_helm_derives() {
        // One only: deriving takes long, and the kinds differ in their shapes alone.
        let texts = ["password", "user", "example.com"].map(Value::from);
        let args = [&[Value::Int(1), "maximum".into()][..], &texts].concat();
        let found = derive(&Args::new(&args)).unwrap();
        assert_eq!(found.deep_equal(&"pf4zS1LjCg&LjhsZ7T2~".into()), Ok(true));
    }

    #[test]
    fn a_hashed_password_can_be_verified() {
        assert!(bcrypt::verify("secret", &bcrypt_of(b"secret")).unwrap());
        assert!(bcrypt_of(&[b'x'; 73]).starts_with("failed"));
    }
}
