//! Messages of the service `Streams`.

pub(crate) mod read;
pub(crate) mod write;
