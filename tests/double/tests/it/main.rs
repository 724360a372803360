//! The double, as clients see it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod basics;
