//! Rebuilding a read model from the first event, and comparing it with the live one.

use std::path::Path;

use shiplog_store::{log::Log, position::GlobalPosition};

use crate::{
    digest::{Digest, digest},
    files::Files,
    projection::Projection,
    runner::{Runner, RunnerError},
    tables,
};

/// A read model, rebuilt and live, at the same place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Which read model.
    pub name: &'static str,
    /// Up to where both are folded; none if that is nothing.
    pub position: Option<GlobalPosition>,
    /// What the log makes of it.
    pub rebuilt: Digest,
    /// What is kept.
    pub live: Digest,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no live read model.
    #[error("there is no read model `{0}` here; a server makes it when it starts")]
    Missing(&'static str),
    /// A file failed.
    #[error("a read model's file failed: {0}")]
    Tables(#[from] rusqlite::Error),
    /// The log does not fold.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// Rebuilds a read model in `scratch`, up to where the live one in `directory` is, and digests both.
///
/// The live one may be in use meanwhile: it is looked at as it was when this began.
///
/// # Errors
///
/// [`ReplayError`].
pub async fn replay<P: Projection>(
    projection: P,
    log: &dyn Log,
    directory: &Path,
    scratch: &Path,
) -> Result<Comparison, ReplayError> {
    let name = projection.name();
    let path = Files::of(directory, &projection).serving();
    if !path.exists() {
        return Err(ReplayError::Missing(name));
    }
    let mut live = tables::open_to_digest(&path)?;
    let live = live.transaction()?;
    let position = tables::checkpoint(&live)?.position;
    let mut runner = Runner::open(projection, scratch, log.id())?;
    if position.is_some() {
        runner.catch_up_to(log, position).await?;
    }
    Ok(Comparison { name, position, rebuilt: digest(runner.tables())?, live: digest(&live)? })
}
