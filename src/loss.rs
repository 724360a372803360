//! Events that the log has lost, as its read models or its WAL show: refused until somebody accepts it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use shiplog_projections::known::{self, Known};
use shiplog_store::{
    clock::SystemClock,
    evidence,
    log::Log,
    position::{GlobalPosition, LogId},
    sqlite::Survey,
};

use crate::{
    data,
    exit::{Exit, Failure},
};

/// How often, and how long apart, a cluster is asked for its head before it is believed to have lost
/// events: a node may not show yet what others have.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);

/// Says whether a loss that the log in `directory` shows is accepted; keeps aside what knows of it then.
///
/// It is accepted by the position of the log's head, 0 for none, so that nobody accepts another loss.
///
/// # Errors
///
/// [`Exit::Different`] if the log has lost something, and that is not accepted.
pub(crate) fn settle(
    directory: &Path,
    survey: &Survey,
    accepted: Option<u64>,
) -> Result<bool, Failure> {
    let Survey { id, head, damage } = survey;
    let beyond = beyond(directory, *id, *head);
    if beyond.is_empty() && damage.is_none() {
        return Ok(false);
    }
    if accepted != Some(number(*head)) {
        return Err(refusal(directory, survey, &beyond, accepted));
    }
    let kept = damage.as_ref().and_then(|damage| damage.kept.clone());
    let kept = keep_aside(directory, &beyond, kept.as_deref())?;
    let (position, kept) = (number(*head), kept.display());
    tracing::warn!(
        position,
        "the log goes on after position {position}; what knows of the events that it has lost is kept \
         in `{kept}`"
    );
    Ok(true)
}

/// Keeps aside the read models whose last event a log on a cluster does not have: it may have been restored
/// from a backup.
///
/// # Errors
///
/// If a file cannot be moved.
pub(crate) async fn keep_aside_of_cluster(directory: &Path, log: &dyn Log) -> Result<(), Failure> {
    let mut looks = 0;
    let (head, astray) = loop {
        let known = known::known(&data::read_models(directory), log.id());
        // What cannot be read is believed to be as it was.
        let Ok(head) = log.head().await else { return Ok(()) };
        let Ok(astray) = known::astray(known, log).await else { return Ok(()) };
        looks += 1;
        if astray.is_empty() || looks >= LOOKS {
            break (head, astray);
        }
        tokio::time::sleep(PAUSE).await;
    };
    let Some(furthest) = astray.first() else { return Ok(()) };
    let (name, known) = (&furthest.name, furthest.position);
    let kept = keep_aside(directory, &astray, None)?;
    let (position, kept) = (number(head), kept.display());
    tracing::warn!(
        position,
        "the cluster's log ends at position {position}, and does not have the event at {known} up to which the \
         read model `{name}` knows it: the cluster may have lost events; what does not fit is made anew, and \
         what it knew is kept in `{kept}`"
    );
    Ok(())
}

/// What is to be said of read models that know more than a log that is only read, if there are any.
pub(crate) fn of_read_models(known: Vec<Known>, head: Option<GlobalPosition>) -> Vec<String> {
    known::beyond(known, head).iter().map(|known| told(known, head)).collect()
}

/// Deletes the read models beside a log that was restored or, where they know more than it, moves them
/// to a directory; says where and what they know.
pub(crate) fn clear_read_models(
    directory: &Path,
    id: LogId,
    head: Option<GlobalPosition>,
) -> io::Result<Option<String>> {
    let models = data::read_models(directory);
    if !models.exists() {
        return Ok(None);
    }
    let Some(furthest) = beyond(directory, id, head).into_iter().next() else {
        return fs::remove_dir_all(&models).map(|()| None);
    };
    let kept = evidence::make_directory(directory, &SystemClock)?;
    evidence::keep(&models, &kept, Path::new(""))?;
    Ok(Some(format!("{}; the read models are kept in `{}`", told(&furthest, head), kept.display())))
}

fn beyond(directory: &Path, id: LogId, head: Option<GlobalPosition>) -> Vec<Known> {
    known::beyond(known::known(&data::read_models(directory), id), head)
}

fn told(known: &Known, head: Option<GlobalPosition>) -> String {
    let Known { name, position, .. } = known;
    let (ends, missing) = (number(head), position.0.saturating_sub(number(head)));
    format!(
        "the read model `{name}` knows the log up to position {position}, and it ends at {ends}: up to \
         {missing} events are lost"
    )
}

/// Moves the files of read models to `kept`, or to a directory that is made for them.
fn keep_aside(directory: &Path, beyond: &[Known], kept: Option<&Path>) -> Result<PathBuf, Failure> {
    let moved = || {
        let kept = match kept {
            Some(kept) => kept.to_owned(),
            None => evidence::make_directory(directory, &SystemClock)?,
        };
        known::keep_aside(beyond, &kept).map(|()| kept)
    };
    moved().map_err(|error: io::Error| {
        let message = format!("cannot keep aside what knows of lost events: {error}");
        Failure::new(Exit::Failure, message)
    })
}

fn refusal(directory: &Path, survey: &Survey, beyond: &[Known], accepted: Option<u64>) -> Failure {
    let Survey { id: _, head, damage } = survey;
    let (ends, place) = (number(*head), directory.display());
    let message = format!(
        "the log in `{place}` has lost events: it ends at position {ends}, and nothing is written"
    );
    let mut failure = Failure::new(Exit::Different, message);
    if let Some(damage) = damage {
        failure = failure.note(damage.to_string());
        if let Some(kept) = &damage.kept {
            failure = failure.note(format!("a copy of it is kept in `{}`", kept.display()));
        }
    }
    for known in beyond {
        failure = failure.note(told(known, *head));
    }
    if let Some(accepted) = accepted {
        failure = failure
            .note(format!("a loss is accepted after {accepted}, which is not where it ends"));
    }
    failure
        .note("to have the events back, restore a newer backup, or the disk, into another directory")
        .note(format!(
            "to go on without them: shiplog serve --data {place} --accept-loss-after {ends}; what knows \
             of them is moved to `lost-…` there"
        ))
}

/// A head as a number: 0 of an empty log.
fn number(head: Option<GlobalPosition>) -> u64 {
    head.map_or(0, |head| head.0)
}
