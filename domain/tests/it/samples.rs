//! Events and times that tests speak of, in as few words as they need.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use shiplog_domain::{
    lane::{
        Approved, Asked, Cancelled, Command, Configuration, Corrected, Correction,
        DeploymentNumber, Event, Failed, Happened, Intent, Rails, Rejected, Removed, Request,
        Requested, Started, Succeeded, When,
    },
    release::Manifest,
};

/// A time of one day that nobody needs to look up: `10:05`.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-03-01T{time}:00Z").parse().unwrap()
}

/// The caller said when.
pub(crate) fn stated(time: &str) -> When {
    When { at: at(time), stated: true }
}

/// The server filled in when.
pub(crate) fn now(time: &str) -> When {
    When { at: at(time), stated: false }
}

pub(crate) fn number(number: u32) -> DeploymentNumber {
    DeploymentNumber(number)
}

pub(crate) fn release(version: &str) -> Manifest {
    Manifest::named(version.parse().unwrap())
}

/// A release that differs from all others of the same version.
pub(crate) fn built(version: &str, commit: &str) -> Manifest {
    Manifest { commit: Some(commit.into()), ..release(version) }
}

/// One thing to be configured with: this digest of it.
#[expect(clippy::unnecessary_wraps, reason = "it stands where configurations are optional")]
pub(crate) fn configured(digest: &str) -> Option<Arc<Configuration>> {
    let things = BTreeMap::from([("app.yaml".to_owned(), digest.to_owned())]);
    Some(Arc::new(Configuration(things)))
}

pub(crate) fn requested(of: u32, intent: Intent, release: Manifest, time: &str) -> Event {
    Event::Requested(Requested {
        at: at(time),
        number: number(of),
        intent,
        release: Arc::new(release),
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: BTreeMap::new(),
        approvals: None,
        crosses: None,
        acknowledged: Vec::new(),
        configuration: None,
    })
}

pub(crate) fn deploy(of: u32, version: &str, time: &str) -> Event {
    requested(of, Intent::Deploy, release(version), time)
}

pub(crate) fn approved(of: u32, by: &str, time: &str) -> Event {
    Event::Approved(Approved { number: number(of), at: at(time), by: by.into(), comment: None })
}

pub(crate) fn rejected(of: u32, by: &str, time: &str) -> Event {
    Event::Rejected(Rejected { number: number(of), at: at(time), by: by.into(), reason: None })
}

pub(crate) fn started(of: u32, time: &str) -> Event {
    Event::Started(Started { number: number(of), at: at(time), executor: None, log_url: None })
}

pub(crate) fn succeeded(of: u32, time: &str) -> Event {
    Event::Succeeded(Succeeded { number: number(of), at: at(time) })
}

pub(crate) fn failed(of: u32, time: &str) -> Event {
    Event::Failed(Failed {
        number: number(of),
        at: at(time),
        error: None,
        failed_step: None,
        log_url: None,
    })
}

pub(crate) fn cancelled(of: u32, time: &str) -> Event {
    Event::Cancelled(Cancelled { number: number(of), at: at(time), reason: None })
}

pub(crate) fn corrected(of: u32, correction: Correction, time: &str) -> Event {
    let reason = "it was a mistake".into();
    Event::Corrected(Corrected { number: number(of), at: at(time), correction, reason })
}

pub(crate) fn removed(time: &str) -> Event {
    Event::Removed(Removed { at: at(time), reason: None })
}

/// A deployment that was asked for and worked within the same minute.
pub(crate) fn ran(of: u32, version: &str, time: &str) -> [Event; 2] {
    [deploy(of, version, time), succeeded(of, time)]
}

/// A request that says nothing but what it asks for.
pub(crate) fn request(asked: Asked, when: When) -> Request {
    Request {
        when,
        asked,
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: BTreeMap::new(),
        acknowledged: Vec::new(),
        configuration: None,
    }
}

pub(crate) fn ask(asked: Asked, time: &str) -> Command {
    ask_past(asked, time, Rails::default())
}

/// Asks where these guard rails stand.
pub(crate) fn ask_past(asked: Asked, time: &str, rails: Rails) -> Command {
    Command::Request { request: request(asked, now(time)), rails, crosses: None }
}

pub(crate) fn happens(of: u32, when: When, happened: Happened) -> Command {
    Command::Deployment { number: number(of), when, happened }
}

pub(crate) fn fails() -> Happened {
    Happened::Failed { error: None, failed_step: None, log_url: None }
}

pub(crate) fn starts() -> Happened {
    Happened::Started { executor: None, log_url: None }
}

pub(crate) fn corrects(correction: Correction) -> Happened {
    Happened::Correct { correction, reason: "it was a mistake".into() }
}

/// The so-manieth minute of the day, as the others take it.
pub(crate) fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
