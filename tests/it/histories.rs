//! Two deployment histories that really happened, imported and asked for.

pub(crate) mod checks;
pub(crate) mod data;
pub(crate) mod fold;
pub(crate) mod import;
mod questions;
mod unaware;
mod what_if;

use std::{collections::HashMap, fs};

use serde_json::json;
use tempfile::tempdir;

use self::{
    data::{History, Line},
    fold::{by_line, by_time},
    import::{Import, import, import_into, is_summary_of, send},
};
use crate::{
    home::Home,
    scripts::examples::{self, Named},
    support::{Chance, Server},
};

#[test]
fn wikimedia_says_who_deployed_what_and_a_second_import_adds_nothing() {
    is_kept_once("wikimedia", &Home::embedded());
}

/// Imports a history twice through a server, and checks all that it comes to each time.
pub(crate) fn is_kept_once(name: &str, home: &Home) {
    let Some(history) = History::find(name) else { return };
    let server = home.server("one");
    let client = server.client();
    let summary = import(&history, &server);
    is_summary_of(&summary, &history);
    assert_eq!(summary["recorded"], history.lines.len());
    assert_eq!(summary["clamped"], 3, "the lines whose time goes backwards in their lane");
    let effects = by_line(&history);
    checks::is_whole(&client, &history, &effects);

    let named = Named { staging: "staging", production: "eqiad" };
    examples::are_right(&client, &history, &effects, named);

    let before = client.position();
    let again = import(&history, &server);
    is_summary_of(&again, &history);
    assert_eq!((&again["recorded"], &again["known"]), (&json!(0), &json!(history.lines.len())));
    assert_eq!(client.position(), before, "a second import wrote to the log");
    checks::is_whole(&client, &history, &effects);
}

#[test]
fn alphagov_is_whole_though_its_server_was_killed_and_its_import_started_again() {
    let Some(history) = History::find("alphagov") else { return };
    let data = tempdir().unwrap();
    let server = Server::start(data.path());
    let mut first = Import::start(&history, server.url());
    first.until(&server.client(), history.events() as u64 / 3);
    server.kill();
    // What it has not heard of, it would send again; so does whoever runs it anew.
    drop(first);

    let server = Server::start(data.path());
    let client = server.client();
    let summary = import(&history, &server);
    is_summary_of(&summary, &history);
    assert!(summary["known"].as_u64() > Some(0) && summary["recorded"].as_u64() > Some(0));
    assert_eq!(client.get("/readyz").json()["head"], history.events());
    let effects = by_line(&history);
    checks::is_whole(&client, &history, &effects);
    let environments = ["staging", "production"];
    questions::answers_are_those_of_the_files(&history, &client, data.path(), environments);
    let named = Named { staging: "staging", production: "production" };
    examples::are_right(&client, &history, &effects, named);
}

#[test]
fn an_import_that_is_killed_and_run_again_doubles_nothing() {
    let Some(history) = History::find("wikimedia") else { return };
    let data = tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    let mut chance = Chance(7);
    for part in 1..=5 {
        let mut killed = Import::start(&history, server.url());
        let step = history.events() as u64 / 7;
        killed.until(&client, part * step + chance.below(step));
        drop(killed);
    }
    let summary = import(&history, &server);
    is_summary_of(&summary, &history);
    assert_eq!(client.get("/readyz").json()["head"], history.events());
    checks::is_whole(&client, &history, &by_line(&history));
}

#[test]
fn an_import_goes_on_by_itself_when_a_killed_server_comes_back() {
    let Some(history) = History::find("wikimedia") else { return };
    let data = tempdir().unwrap();
    let mut server = Server::start(data.path());
    let address = server.address().to_owned();
    let mut import = Import::start(&history, server.url());
    for part in 1..=3 {
        import.until(&server.client(), history.events() as u64 * part / 4);
        server.kill();
        server = Server::start_at(data.path(), &address);
    }
    let summary = import.end();
    is_summary_of(&summary, &history);
    assert_eq!(server.client().get("/readyz").json()["head"], history.events());
    checks::is_whole(&server.client(), &history, &by_line(&history));
}

#[test]
fn every_read_model_can_be_deleted() {
    let Some(history) = History::find("wikimedia") else { return };
    let home = Home::embedded();
    is_summary_of(&import_into(&history, &home), &history);
    let server = home.server("one");
    let position = server.client().position();
    checks::is_whole(&server.client(), &history, &by_line(&history));
    assert!(server.stop().success());

    fs::remove_dir_all(home.directory("one").join("read-models")).unwrap();
    let server = home.server("one");
    checks::is_whole(&server.client(), &history, &by_line(&history));
    assert_eq!(server.client().position(), position);
}

#[test]
fn reports_that_come_in_any_order_make_the_same_history_by_time() {
    let Some(history) = History::find("wikimedia") else { return };
    // Late by up to a whole block, and late by up to all of it.
    let mut chance = Chance(11);
    let mut in_blocks: Vec<_> = history.lines.iter().collect();
    in_blocks.chunks_mut(1_000).for_each(|block| chance.shuffle(block));
    let mut throughout = in_blocks.clone();
    chance.shuffle(&mut throughout);
    for sent in [in_blocks, throughout] {
        report(&history, &sent);
    }
}

fn report(history: &History, sent: &[&Line]) {
    let data = tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    let mut last = HashMap::new();
    for block in sent.chunks(1_000) {
        for (line, number) in block.iter().zip(send(&client, block)) {
            let last = last.entry(line.lane()).or_insert(0);
            *last += u64::from(line.version.is_some());
            assert_eq!(number, line.version.as_ref().map(|_| *last), "{line:?}");
        }
    }
    let effects = by_time(sent);
    let lanes = by_line(history).len();
    assert_eq!(effects.len() + 2, lanes, "lanes whose times are distinct");
    let position = client.position();
    checks::deployments_are(&client, &position, &effects, history.deployments());
    checks::rollbacks_are(&client, &position, &effects);
    // Where two times of a lane are equal, neither is the last one.
    let mut expected = history.state.clone();
    for ((service, environment), effects) in &effects {
        let last = effects.last().unwrap();
        let lanes = expected.get_mut(environment).unwrap();
        match &last.line.version {
            Some(version) => lanes.insert(service.clone(), version.clone()),
            None => lanes.remove(service),
        };
    }
    checks::state_is(&client, &position, &expected);
}
