//! Deployments per service and week: a read model from an empty file to its proof, as
//! `docs/projections.md` tells it.
//!
//! `cargo run -p shiplog-projections --example weekly -- shiplog-data target/weekly` folds the log of a
//! data directory into `target/weekly`, and prints what it comes to.

mod weekly;

#[cfg(test)]
mod proof;

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use shiplog_projections::runner::Runner;
use shiplog_store::{log::Log as _, sqlite::SqliteLog};

use crate::weekly::{Week, Weekly, per_week};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("name the data directory, and one for the read model".into());
    };
    fs::create_dir_all(&directory)?;
    let log = SqliteLog::open_read_only(&data)?;
    let mut runner = Runner::open(Weekly, &directory, log.id())?;
    runner.catch_up_to(&log, None).await?;
    let mut out = io::stdout().lock();
    for Week { service, monday, deployments } in per_week(runner.tables())? {
        writeln!(out, "{monday}  {deployments:>6}  {service}")?;
    }
    Ok(())
}
