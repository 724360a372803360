//! What the command says of a damaged lane, and what it keeps for one.

use rusqlite::Connection;

use super::call::{Desk, Shop};

/// A data directory whose lane `checkout` has an event, the fourth of the log, that cannot be read; and
/// what its metadata were.
fn damaged() -> (Desk, Vec<u8>) {
    let shop = Shop::open();
    for (service, version) in [("search", "1.0"), ("checkout", "1.0"), ("checkout", "1.1")] {
        shop.does(&format!("deploy {service} production {version} --status succeeded"));
    }
    let desk = shop.close();
    let log = Connection::open(desk.join("data/log.sqlite")).unwrap();
    let sql = "SELECT metadata FROM events WHERE position = 4";
    let metadata = log.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(log);
    set_metadata(&desk, b"{");
    // Made anew, the read models meet it.
    std::fs::remove_dir_all(desk.join("data/read-models")).unwrap();
    (desk, metadata)
}

fn set_metadata(desk: &Desk, metadata: &[u8]) {
    let log = Connection::open(desk.join("data/log.sqlite")).unwrap();
    log.execute("UPDATE events SET metadata = ? WHERE position = 4", [metadata]).unwrap();
}

const STREAM: &str = "lane-checkout@production";

#[test]
fn a_damaged_lane_is_named_wherever_it_is_told_of() {
    let shop = Shop::open_in(damaged().0);
    let said = shop.call("status production").ends(0);
    assert!(said.out.contains("damaged since event 4: its metadata"), "{said:#?}");
    assert!(said.err.contains("1 stream is damaged, and told of only in part"), "{said:#?}");
    let lane = &shop.call("status production --service checkout --output json").json()["lanes"][0];
    assert_eq!(lane["damaged"]["position"], 4, "{lane}");
    let said = shop.call("show checkout/production#1").ends(0);
    assert!(said.out.contains("damaged since event 4: its metadata"), "{said:#?}");
    let said = shop.call("projections").ends(0);
    assert!(said.out.contains(&format!("{STREAM} since event 4: its metadata")), "{said:#?}");
    let said = shop.call("events --all").ends(0);
    assert!(said.out.contains("Unreadable") && said.out.contains("its metadata"), "{said:#?}");
    let event = shop.call("events --after 3 --limit 1 --output jsonl").lines().remove(0);
    assert_eq!((&event["type"], &event["position"]), (&"Unreadable".into(), &4.into()));
    shop.call("deploy checkout production 1.2 --status succeeded")
        .tells(6, &["`checkout` in `production` is damaged since event 4", "--idempotency-key"]);
    shop.does("deploy search production 1.1 --status succeeded");
}

#[test]
fn what_copies_the_log_stops_at_the_event_and_names_it_and_what_checks_it_goes_on() {
    let (desk, _) = damaged();
    let event = format!("event 4 of `{STREAM}` is damaged: its metadata");
    desk.call("transfer --from data --to copy").tells(1, &[&event, "docs/damage.md"]);
    let verified = desk.call("verify --data data --output json").ends(3).json();
    let findings = verified["findings"].to_string();
    assert!(findings.contains(&format!("event 4 of `{STREAM}`")), "{findings}");
    assert_eq!(verified["head"], 6, "{verified}");

    let shop = Shop::open_in(desk);
    for what in ["events", "changes"] {
        let said = shop.call(&format!("export {what}")).ends(1);
        assert!(said.err.contains(&event) && said.err.contains("docs/damage.md"), "{said:#?}");
    }
    let desk = shop.close();
    let said = desk.call("replay --data data").ends(0);
    let line = format!("`{STREAM}` is damaged since event 4: its metadata");
    assert_eq!(said.err.matches(&line).count(), 1, "once for all read models: {said:#?}");
    let replayed = desk.call("replay current --data data --output json").ends(0).json();
    assert_eq!(replayed[0]["damaged"][0]["position"], 4, "{replayed}");
}

#[test]
fn a_run_in_a_damaged_lane_is_kept_until_that_is_mended_and_delays_no_other() {
    let (desk, metadata) = damaged();
    let shop = Shop::open_in(desk);
    let said = shop
        .call("run --spool spool --service checkout --environment production --version 1.2 -- true")
        .ends(0);
    assert!(said.err.contains("is damaged since event 4"), "{said:#?}");
    // What other lanes have left while the server was away, before and after it by their names.
    let address = shop.address().to_owned();
    let desk = shop.close();
    for service in ["api", "billing", "search", "web"] {
        let words = format!("run --spool spool --server http://{address} --service {service}");
        desk.call(&format!("{words} --environment production --version 2.0 -- true")).ends(0);
    }

    let shop = Shop::open_at(desk, &address);
    let said = shop.call("flush --spool spool").ends(6);
    assert!(
        said.err.contains("is damaged since event 4") && said.err.contains("1 runs wait"),
        "{said:#?}"
    );
    for service in ["api", "billing", "search", "web"] {
        let lane =
            shop.call(&format!("status --service {service} --output jsonl")).lines().remove(0);
        assert_eq!(lane["current"]["release"]["version"], "2.0", "{lane}");
    }
    let desk = shop.close();
    set_metadata(&desk, &metadata);

    let shop = Shop::open_at(desk, &address);
    shop.call("flush --spool spool").ends(0);
    let lane = shop.call("status --service checkout --output jsonl").lines().remove(0);
    assert_eq!(lane["current"]["release"]["version"], "1.2", "{lane}");
}
