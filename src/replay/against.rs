//! With what a read model that was rebuilt is compared.

use std::{convert::Infallible, str::FromStr};

use crate::log::Place;

/// With what it is compared.
#[derive(Clone, Debug)]
pub(super) enum Against {
    /// With the live one, beside the same log.
    Live,
    /// With what another log makes of it.
    Log(Place),
}

impl Against {
    /// What stands for the live one: no directory is called so.
    pub(super) const LIVE: &str = "";
}

impl FromStr for Against {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == Self::LIVE { Self::Live } else { Self::Log(Place::from(text)) })
    }
}
