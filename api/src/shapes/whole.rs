//! Whole numbers, as JSON has them: `3` and `3.0` are the same number.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

/// A deployment's number, from 1.
pub(crate) type NumberGiven = Whole<1, { u32::MAX }>;

struct WholeVisitor<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for WholeVisitor<MIN, MAX> {
    type Value = Whole<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        let fits = u32::try_from(number).ok().filter(|number| (MIN..=MAX).contains(number));
        fits.map(Whole).ok_or_else(|| {
            E::custom(format!("`{number}` is not a whole number from {MIN} to {MAX}"))
        })
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format!("`{number}` is less than {MIN}"))),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() == 0.0 && (f64::from(MIN)..=f64::from(MAX)).contains(&number) {
            return Ok(Whole(number as u32));
        }
        Err(E::custom(format!("`{number}` is not a whole number from {MIN} to {MAX}")))
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    #[test]
    fn a_fraction_of_nothing_is_none() {
        for json in ["3", "3.0", "3e0"] {
            assert_eq!(parse::<Whole<1, 4>>(json.as_bytes()).unwrap(), Whole(3), "{json}");
        }
        for json in ["0", "5", "-1", "3.5", "1e300", "\"3\"", "null"] {
            assert!(parse::<Whole<1, 4>>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
