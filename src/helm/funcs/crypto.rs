//! Digests, and AES as Helm uses it.

use aes::Aes256;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use getrandom::rand_core::Rng as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::super::{decode_base64, encode_base64};
use super::encoding::hex;
use super::random::generator;
use super::{Row, pure};

/// The size of a block, and of what must be random before the first one.
const BLOCK: usize = 16;

pub(super) const TABLE: &[Row] = &[
    pure("sha1sum", "text", |args| {
        Ok(hex(&Sha1::digest(args.bytes(0)?)).into())
    }),
    pure("sha256sum", "text", |args| {
        Ok(hex(&Sha256::digest(args.bytes(0)?)).into())
    }),
    pure("sha512sum", "text", |args| {
        Ok(hex(&Sha512::digest(args.bytes(0)?)).into())
    }),
    pure("adler32sum", "text", |args| {
        Ok(adler2::adler32_slice(&args.bytes(0)?).to_string().into())
    }),
    pure("encryptAES", "text text", encrypt),
    pure("decryptAES", "text text", decrypt),
];

/// The password itself, cut or filled with zeros.
fn key(args: &Args<'_>) -> Result<[u8; 32], Fault> {
    let password = args.bytes(0)?;
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    Ok(key)
}

fn encrypt(args: &Args<'_>) -> Result<Value, Fault> {
    let text = args.bytes(1)?;
    if text.is_empty() {
        return Ok("".into());
    }
    let mut start = [0; BLOCK];
    generator().fill_bytes(&mut start);
    let cipher = cbc::Encryptor::<Aes256>::new(&key(args)?.into(), &start.into());
    let secret = cipher.encrypt_padded_vec::<Pkcs7>(&text);
    Ok(encode_base64(&[&start[..], &secret].concat()).into())
}

fn decrypt(args: &Args<'_>) -> Result<Value, Fault> {
    let text = args.string(1)?;
    if text.is_empty() {
        return Ok("".into());
    }
    let bytes = decode_base64(text.as_bytes())
        .map_err(|place| Fault::new(format!("illegal base64 data at input byte {place}")))?;
    let wrong = || Fault::new("the text was not encrypted with this password");
    let (start, secret) = bytes.split_first_chunk::<BLOCK>().ok_or_else(wrong)?;
    let cipher = cbc::Decryptor::<Aes256>::new(&key(args)?.into(), &(*start).into());
    let mut plain = cipher
        .decrypt_padded_vec::<NoPadding>(secret)
        .map_err(|_| wrong())?;
    // Go only looks at the last byte to know how much was filled in.
    let filled = usize::from(*plain.last().ok_or_else(wrong)?);
    plain.truncate(plain.len().checked_sub(filled).ok_or_else(wrong)?);
    Ok(Value::from_bytes(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_can_be_decrypted() {
        let text = |text: &str| Value::from(text);
        let secret = encrypt(&Args::new(&[text("password"), text("plain text")])).unwrap();
        let plain = decrypt(&Args::new(&[text("password"), secret])).unwrap();
        assert_eq!(plain.deep_equal(&text("plain text")), Ok(true));
        // Made by Helm v4.3.1.
        let by_helm = "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=";
        let plain = decrypt(&Args::new(&[text("secretkey"), text(by_helm)])).unwrap();
        assert_eq!(plain.deep_equal(&text("plaintext")), Ok(true));
    }
}
