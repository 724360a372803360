//! The double, as clients see it.

mod basics;
