//! What a process that is gone has left, brought to its end.

use std::{io, path::Path};

use serde_json::json;

use super::{Head, Journal, Verb};
use crate::{
    client::{Client, Unwritten},
    deployment,
    execution::Targets,
};

/// What became of what was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server has all of it.
    Delivered,
    /// The server has all of it, but nobody knows how the command ended.
    Unknown,
    /// The command was never run; the request is called off.
    NeverRun,
    /// The process lives and will deliver the rest itself.
    Alive,
    /// The server will not take all of it, for these reasons; it is kept aside.
    Refused(Vec<String>),
}

/// One journal that another process left, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// What it is about.
    pub(crate) head: Head,
    /// The deployment's number, if the server gave it one.
    pub(crate) number: Option<u64>,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// Why what was left could not be settled now.
#[derive(Debug)]
pub(super) enum Stuck {
    /// The server did not take it.
    Unwritten(Unwritten),
    /// The disk did not give it.
    Disk(io::Error),
}

impl From<Unwritten> for Stuck {
    fn from(unwritten: Unwritten) -> Self {
        Self::Unwritten(unwritten)
    }
}

impl From<io::Error> for Stuck {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Delivers one journal of a `shiplog run`; nothing if there is nothing to deliver.
pub(super) fn settle(path: &Path, client: &Client) -> Result<Option<Settled>, Stuck> {
    let Some(mut journal) = Journal::adopt(path)? else { return ahead(path, client) };
    if journal.count(Verb::Request) == 0 {
        // It was cut off before it asked for anything.
        journal.discard()?;
        return Ok(None);
    }
    let fate = match (journal.has_begun(), journal.has_ended()) {
        (true, true) => Fate::Delivered,
        (true, false) => {
            tell_unknown(&mut journal, "shiplog run")?;
            Fate::Unknown
        }
        (false, true) => Fate::NeverRun,
        (false, false) => {
            let reason = "`shiplog run` ended before it ran its command";
            // Without a time: it was asked for when it was delivered, not when it was written down.
            let body = json!({"reason": reason});
            journal.tell(Verb::Cancel, body, None)?;
            Fate::NeverRun
        }
    };
    let told = journal.deliver(client);
    let head = journal.head().clone();
    match told {
        Ok(()) => {}
        // Nothing was run, and the rules say that nothing need be recorded either.
        Err(no) if fate == Fate::NeverRun && no.is_final() => {
            journal.discard()?;
            return Ok(Some(Settled { head, number: None, fate }));
        }
        Err(no) if no.is_final() => journal.refused.push(no.failure.to_string()),
        Err(no) => return Err(no.into()),
    }
    let fate =
        if journal.refused.is_empty() { fate } else { Fate::Refused(journal.refused.clone()) };
    let number = journal.number();
    journal.close()?;
    Ok(Some(Settled { head, number, fate }))
}

/// Delivers what a process that lives has said so far, so that what came first is told first.
fn ahead(path: &Path, client: &Client) -> Result<Option<Settled>, Stuck> {
    let Some(mut journal) = Journal::peek(path)? else { return Ok(None) };
    // Whoever has not begun is about to ask, and has to hear the answer itself.
    if journal.has_begun() {
        match journal.deliver(client) {
            // It will find that out itself.
            Err(no) if no.is_final() => {}
            told => told?,
        }
    }
    let (head, number) = (journal.head().clone(), journal.number());
    Ok(Some(Settled { head, number, fate: Fate::Alive }))
}

/// Writes down that nobody knows how the command ended, after what its script still said.
pub(crate) fn tell_unknown(journal: &mut Journal, who: &str) -> io::Result<()> {
    if journal.count(Verb::Notes) > 0 {
        return Ok(());
    }
    Targets::left_by(journal)?;
    let Head { service, environment, .. } = journal.head();
    let name = journal
        .number()
        .map(|number| json!({"service": service, "environment": environment, "number": number}));
    let name = name.map(|name| format!(" {}", deployment::name(&name))).unwrap_or_default();
    let text = format!(
        "`{who}` was stopped while its command ran: how it ended is unknown. Whoever knows says so: \
         `shiplog succeed{name}` or `shiplog fail{name}`."
    );
    journal.tell(Verb::Notes, json!({"text": text}), None)
}
