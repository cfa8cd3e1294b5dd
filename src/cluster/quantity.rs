//! Amounts of processor, memory and storage as Kubernetes writes them: `500m`, `2`, `1.5Gi`, `1e3`.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

use std::iter::Sum;
use std::ops::Add;

/// An amount, exact to a billionth: what `1n` of a processor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    billionths: i128,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount such as `500m`, `2` or `1.5Gi`")]
pub struct InvalidQuantity(String);

const WHOLE: i128 = 1_000_000_000;

/// What each suffix stands for, as so many billionths. Those of two letters come first: `Mi` ends with no `M`.
const SUFFIXES: &[(&str, i128)] = &[
    ("Ki", WHOLE << 10),
    ("Mi", WHOLE << 20),
    ("Gi", WHOLE << 30),
    ("Ti", WHOLE << 40),
    ("Pi", WHOLE << 50),
    ("Ei", WHOLE << 60),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", WHOLE * 1_000),
    ("M", WHOLE * 1_000_000),
    ("G", WHOLE * 1_000_000_000),
    ("T", WHOLE * 1_000_000_000_000),
    ("P", WHOLE * 1_000_000_000_000_000),
    ("E", WHOLE * 1_000_000_000_000_000_000),
];

impl Quantity {
    /// Reads an amount; a part smaller than a billionth counts as one, as for Kubernetes.
    pub fn parse(text: &str) -> Result<Self, InvalidQuantity> {
        let wrong = || InvalidQuantity(text.to_owned());
        let (number, unit) = SUFFIXES
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
            .or_else(|| exponent(text))
            .unwrap_or((text, WHOLE));
        let (number, sign) = match number.strip_prefix('-') {
            Some(number) => (number, -1),
            None => (number.strip_prefix('+').unwrap_or(number), 1),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than any amount has, and more than the arithmetic could hold.
        if (whole.is_empty() && fraction.is_empty())
            || !is_digits(whole)
            || !is_digits(fraction)
            || whole.len() > 18
            || fraction.len() > 9
        {
            return Err(wrong());
        }
        let digits: i128 = format!("0{whole}{fraction}").parse().map_err(|_| wrong())?;
        let scale = 10_i128.pow(u32::try_from(fraction.len()).map_err(|_| wrong())?);
        let scaled = digits.checked_mul(unit).ok_or_else(wrong)?;
        let rounded_up = scaled / scale + i128::from(scaled % scale != 0);
        Ok(Self {
            billionths: sign * rounded_up,
        })
    }

    /// As a figure of processor that means exactly this, to a thousandth: `2`, `3500m`.
    pub fn to_exact_cpu(self) -> String {
        let milli = self.billionths / 1_000_000;
        if milli % 1_000 == 0 {
            (milli / 1_000).to_string()
        } else {
            format!("{milli}m")
        }
    }

    /// As a figure of bytes, to the next larger of the unit that Kubernetes calls `Mi`.
    pub fn to_mebibytes(self) -> String {
        let unit = WHOLE << 20;
        format!(
            "{}Mi",
            self.billionths / unit + i128::from(self.billionths % unit != 0)
        )
    }

    /// A part of it.
    #[must_use]
    pub fn divided_by(self, parts: i128) -> Self {
        Self {
            billionths: self.billionths / parts,
        }
    }

    /// So many of it.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            billionths: self.billionths.saturating_mul(count.into()),
        }
    }

    /// As an amount of processor: `250m`, `2`, `1.5`.
    pub fn to_cpu(self) -> String {
        let milli = (self.billionths + 500_000) / 1_000_000;
        if milli != 0 && milli.abs() < 1_000 {
            return format!("{milli}m");
        }
        decimal(milli, 1_000)
    }

    /// As an amount of bytes in the largest unit of which there is at least one: `128Mi`, `1.5Gi`.
    pub fn to_bytes(self) -> String {
        let bytes = self.billionths / WHOLE;
        let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
        let mut power = 0;
        while power + 1 < units.len() && bytes.abs() >> (10 * (power + 1)) > 0 {
            power += 1;
        }
        decimal(bytes, 1 << (10 * power)) + units[power]
    }
}

/// A number with at most two decimals.
fn decimal(amount: i128, unit: i128) -> String {
    let hundredths = (amount * 100 + unit / 2) / unit;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number with an exponent, such as `1e3` or `12E6`.
fn exponent(text: &str) -> Option<(&str, i128)> {
    let (number, exponent) = text.split_once(['e', 'E'])?;
    let exponent: u32 = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .ok()?;
    Some((number, WHOLE.checked_mul(10_i128.checked_pow(exponent)?)?))
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            billionths: self.billionths.saturating_add(other.billionths),
        }
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        let cpu = |text: &str| Quantity::parse(text).unwrap().to_cpu();
        let bytes = |text: &str| Quantity::parse(text).unwrap().to_bytes();
        assert_eq!(
            ["250m", "1", "1500m", "2.5", "12345678n", "0"].map(cpu),
            ["250m", "1", "1.5", "2.5", "12m", "0"]
        );
        assert_eq!(
            [
                "128Mi", "1536Mi", "5Gi", "1e3", "1k", "131072Ki", "0", "1.5Gi"
            ]
            .map(bytes),
            [
                "128Mi", "1.5Gi", "5Gi", "1000", "1000", "128Mi", "0", "1.5Gi"
            ]
        );
        assert_eq!(bytes("12E"), bytes("12000P"));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for wrong in [
            "",
            "m",
            ".",
            "1.2.3",
            "4 Gi",
            "4gb",
            "4GiB",
            "Gi",
            "--1",
            "1e",
            "e3",
            "½",
            "9999999999999999999",
        ] {
            assert!(Quantity::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Quantity::parse("-1").unwrap() < Quantity::default());
    }

    #[test]
    fn sums_are_exact() {
        let sum: Quantity = ["100m", "0.9", "1000000u"]
            .iter()
            .map(|text| Quantity::parse(text).unwrap())
            .sum();
        assert_eq!(sum, Quantity::parse("2").unwrap());
    }
}
