//! Random values. Each call yields another one, as in Helm.

use getrandom::SysRng;
use getrandom::rand_core::{Rng as _, UnwrapErr};

use super::super::encode_base64;
use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::text::MAX_LENGTH;
use super::{Row, pure};

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

pub(super) const TABLE: &[Row] = &[
    pure("randAlphaNum", "int", |args| {
        letters_of(args, &format!("{LETTERS}{DIGITS}"))
    }),
    pure("randAlpha", "int", |args| letters_of(args, LETTERS)),
    pure("randNumeric", "int", |args| letters_of(args, DIGITS)),
    pure("randAscii", "int", |args| {
        letters_of(args, &(' '..='~').collect::<String>())
    }),
    pure("randBytes", "int", |args| {
        let mut bytes = vec![0; size(args)?];
        generator().fill_bytes(&mut bytes);
        Ok(encode_base64(&bytes).into())
    }),
    pure("randInt", "int int", |args| {
        let (least, end) = (args.int(0)?, args.int(1)?);
        let count = u64::try_from(i128::from(end) - i128::from(least)).unwrap_or(0);
        if count == 0 {
            return Err(Fault::new("invalid argument to Intn: the range is empty"));
        }
        let drawn = i64::try_from(below(count)).unwrap_or(0);
        Ok(Value::Int(least + drawn))
    }),
    pure("shuffle", "text", |args| {
        let mut letters: Vec<char> = args.letters(0)?.chars().collect();
        for index in (1..letters.len()).rev() {
            letters.swap(index, index_below(index + 1));
        }
        Ok(letters.into_iter().collect::<String>().into())
    }),
    pure("uuidv4", "", |_| Ok(uuid().into())),
];

/// The system's source of randomness; a system without one cannot make any secret.
pub(super) fn generator() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A number below `count`, each as likely as the others.
fn below(count: u64) -> u64 {
    let unfair = u64::MAX - u64::MAX % count;
    loop {
        let drawn = generator().next_u64();
        if drawn < unfair {
            return drawn % count;
        }
    }
}

fn index_below(count: usize) -> usize {
    usize::try_from(below(count as u64)).unwrap_or(0)
}

fn size(args: &Args<'_>) -> Result<usize, Fault> {
    let size = usize::try_from(args.int(0)?).map_err(|_| Fault::new("the count is negative"))?;
    if size > MAX_LENGTH {
        return Err(super::text::too_long());
    }
    Ok(size)
}

fn letters_of(args: &Args<'_>, from: &str) -> Result<Value, Fault> {
    let from: Vec<char> = from.chars().collect();
    // Helm yields nothing for a negative count.
    let count = if args.int(0)? < 0 { 0 } else { size(args)? };
    let drawn = (0..count).map(|_| from[index_below(from.len())]);
    Ok(drawn.collect::<String>().into())
}

fn uuid() -> String {
    let mut bytes = [0; 16];
    generator().fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = super::encoding::hex(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
