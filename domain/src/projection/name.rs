//! What a projection can be called.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The most characters that a projection's name may have.
const MAX: usize = 100;

/// The name of a projection that a user writes: `deployments-per-week`.
///
/// 1 to 100 ASCII letters, digits, `-`, `_` and `.`, the first one a letter: it is a part of a URL, a
/// file's name and a script's name in its stack traces. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ProjectionName(Arc<str>);

/// Why a text is not the name of a projection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a projection's name takes 1 to {MAX} letters, digits, `-`, `_` and `.`, and begins with a letter"
)]
pub struct NameError;

impl ProjectionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectionName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
        let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = text.len() <= MAX && text.bytes().all(goes_on);
        if begins && fits { Ok(Self(text.into())) } else { Err(NameError) }
    }
}

impl TryFrom<String> for ProjectionName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl fmt::Display for ProjectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProjectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_url_and_as_a_file() {
        for good in ["a", "deployments-per-week", "Lead_time.v2", &"x".repeat(100)] {
            assert!(good.parse::<ProjectionName>().is_ok(), "{good}");
        }
        for bad in ["", "1st", "-a", ".hidden", "a/b", "a b", "ä", "a%41", &"x".repeat(101)] {
            assert_eq!(bad.parse::<ProjectionName>(), Err(NameError), "{bad}");
        }
    }
}
