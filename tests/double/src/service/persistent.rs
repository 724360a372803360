//! Persistent subscriptions: making, changing and deleting groups; reading as one of their
//! consumers.

mod read;

use std::time::Duration;

use tonic::{Request, Status, Streaming};

pub(crate) use self::read::read;
use super::{
    call::{Answers, once, question},
    read::{matching, whence},
    routes::Visit,
    status,
};
use crate::{
    groups::{Group, GroupSettings, Source, Start},
    memory::{AllCursor, Stream, StreamCursor},
    wire::{
        persistent::{
            CreateOptions, CreateReq, CreateSource, DeleteReq, DeleteSource, FilteredBy,
            MessageTimeout, Settings,
        },
        shared::StreamIdentifier,
        streams::read::{AllOptions, Revision},
    },
};

/// Makes a group.
pub(crate) async fn create(visit: Visit, call: Request<Streaming<CreateReq>>) -> Answers<()> {
    let options = question(call).await?.options.ok_or_else(status::thrown)?;
    visit.may_lead()?;
    let (source, name, settings, start) = parse(&visit, options)?;
    let group = Group::new(settings, start);
    if visit.cluster().groups().create(source.clone(), name.clone(), group) {
        once(())
    } else {
        Err(status::group_exists(source.name(), &name))
    }
}

/// Changes a group's settings; where it reads is left as it is.
pub(crate) async fn update(visit: Visit, call: Request<Streaming<CreateReq>>) -> Answers<()> {
    let options = question(call).await?.options.ok_or_else(status::thrown)?;
    visit.may_lead()?;
    let (source, name, settings, _) = parse(&visit, options)?;
    let group = visit.cluster().groups().find(&source, &name);
    group.ok_or_else(|| status::no_group(source.name(), &name))?.update(settings);
    once(())
}

/// Deletes a group.
pub(crate) async fn delete(visit: Visit, call: Request<Streaming<DeleteReq>>) -> Answers<()> {
    let options = question(call).await?.options.ok_or_else(status::thrown)?;
    visit.may_lead()?;
    let source = match options.source {
        Some(DeleteSource::All(())) => Source::All,
        Some(DeleteSource::Stream(stream)) => Source::Stream(name_of(Some(stream))?),
        None => return Err(status::thrown()),
    };
    if visit.cluster().groups().delete(&source, &options.group) {
        once(())
    } else {
        Err(status::no_group(source.name(), &options.group))
    }
}

type Parsed = (Source, String, GroupSettings, Start);

fn parse(visit: &Visit, options: CreateOptions) -> Result<Parsed, Status> {
    let CreateOptions { old_stream, group, settings, source } = options;
    let settings = parse_settings(&settings.ok_or_else(status::thrown)?);
    let log = visit.memory().read();
    let (source, start) = match source {
        Some(CreateSource::All(all)) => {
            let filter = match &all.filtering {
                Some(FilteredBy::Filter(filter)) => Some(matching(filter)?),
                Some(FilteredBy::NoFilter(())) | None => None,
            };
            let from = whence(&AllOptions { place: all.place })?;
            let cursor = AllCursor::from(&log, from).ok_or_else(status::invalid_position)?;
            (Source::All, Start::All(cursor, filter))
        }
        Some(CreateSource::Stream(stream)) => {
            let name = name_of(stream.stream)?;
            let there = log.stream_named(&name).map_or(0, Stream::next);
            let next = match stream.revision {
                Some(Revision::Exact(revision)) => revision,
                Some(Revision::End(())) => there,
                Some(Revision::Start(())) | None => 0,
            };
            (Source::Stream(name.clone()), Start::Stream(name, StreamCursor { next: Some(next) }))
        }
        None => {
            let name = name_of(old_stream)?;
            (Source::Stream(name.clone()), Start::Stream(name, StreamCursor { next: Some(0) }))
        }
    };
    Ok((source, group, settings, start))
}

fn parse_settings(settings: &Settings) -> GroupSettings {
    let ms = match settings.message_timeout {
        Some(MessageTimeout::Ms(ms)) => u64::try_from(ms).unwrap_or(0),
        Some(MessageTimeout::Ticks(ticks)) => u64::try_from(ticks).unwrap_or(0) / 10_000,
        None => 0,
    };
    GroupSettings {
        resolve_links: settings.resolve_links,
        max_retries: u32::try_from(settings.max_retries).unwrap_or(0),
        timeout: Duration::from_millis(if ms == 0 { 30_000 } else { ms }),
        max_subscribers: usize::try_from(settings.max_subscribers).unwrap_or(0),
    }
}

/// A stream's name.
fn name_of(stream: Option<StreamIdentifier>) -> Result<String, Status> {
    let name = stream.ok_or_else(status::thrown)?.name;
    String::from_utf8(name.into()).map_err(|_| status::thrown())
}
