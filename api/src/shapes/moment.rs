//! Times on the wire: RFC 3339, and nothing more lenient.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use shiplog_domain::instant::{Flaw, flaw};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// A time, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// A text that is no time that Shiplog takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MomentError {
    /// It is not RFC 3339.
    #[error("`{0}` is not a time like `2026-01-31T12:00:00Z`")]
    Shape(String),
    /// It is written like RFC 3339, and there is no such time.
    #[error("`{0}`: {1}")]
    Flaw(String, Flaw),
    /// It is, but further away than Shiplog counts.
    #[error("`{0}` is not between the years 0000 and 9999 (to 9999-12-30T22:00Z)")]
    Range(String),
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        if !is_rfc3339(text) {
            return Err(MomentError::Shape(text.chars().take(100).collect()));
        }
        if let Some(flaw) = flaw(text) {
            return Err(MomentError::Flaw(text.into(), flaw));
        }
        let range = || MomentError::Range(text.chars().take(100).collect());
        let time = text.parse::<Timestamp>().map_err(|_| range())?;
        let whole = Timestamp::from_microsecond(time.as_microsecond()).map_err(|_| range())?;
        let year = i32::from(whole.to_zoned(jiff::tz::TimeZone::UTC).year());
        if (0..=9999).contains(&year) { Ok(Self(whole)) } else { Err(range()) }
    }
}

/// Whether it has the shape of RFC 3339: `2026-01-31T12:00:00.5+01:00`.
fn is_rfc3339(text: &str) -> bool {
    let Some((head, rest)) = text.split_at_checked("2026-01-31T12:00:00".len()) else {
        return false;
    };
    let head: String = head.chars().map(class).collect();
    let fraction = rest
        .strip_prefix('.')
        .map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    let bare_point = rest.strip_prefix('.') == fraction && fraction.is_some();
    let offset: String = fraction.unwrap_or(rest).chars().map(class).collect();
    head == "9-9-9T9:9:9".replace('9', "99").replacen("99", "9999", 1)
        && !bare_point
        && matches!(offset.as_str(), "Z" | "+99:99" | "-99:99")
}

fn class(character: char) -> char {
    match character {
        '0'..='9' => '9',
        't' => 'T',
        'z' => 'Z',
        other => other,
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, up to microseconds"))
            .into()
    }
}

impl ToSchema for Moment {}

/// A time that may be missing, for an answer.
pub(crate) fn moment(time: Option<Timestamp>) -> Option<Moment> {
    time.map(Moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_whatever_its_offset() {
        for (text, read) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.123456789+01:30", "2026-01-31T10:30:00.123456Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"),
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().0.to_string(), read);
        }
    }

    #[test]
    fn what_is_written_so_and_is_no_time_says_why() {
        for (text, why) in [
            ("2026-01-31T12:30:60Z", "no second 60 here"),
            ("2026-01-31T24:00:00Z", "the end of a day is 00:00 of the next one"),
            ("2026-01-31T12:00:00+25:00", "offsets go from -23:59 to +23:59"),
            ("2025-02-29T12:00:00Z", "no day 29 in 2025-02, which has 28 days"),
            ("2026-13-31T12:00:00Z", "months go from 01 to 12"),
        ] {
            let error = text.parse::<Moment>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains(why), "{error}");
        }
        let read = |text: &str| text.parse::<Moment>().unwrap().0.to_string();
        assert_eq!(read("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
        assert_eq!(read("2024-02-29T23:59:00+23:59"), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00Z[UTC]",
            "2026-01-31T12:00:00+0100",
            "2026-02-30T12:00:00Z",
            "+002026-01-31T12:00:00Z",
            "10000-01-31T12:00:00Z",
            "-000001-01-31T12:00:00Z",
            "9999-12-31T23:59:59-23:59",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
