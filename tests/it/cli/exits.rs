//! Exit codes, each reached by what it stands for.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use shiplog_projections::{current::Current, projection::Projection as _};

use super::call::{Desk, Said, Shop};

#[test]
fn the_help_lists_every_code_that_a_script_may_meet() {
    let help = Desk::new().call("--help").ends(0);
    assert_eq!(help.err, "");
    let (_, table) = help.out.split_once("\nExit codes:\n").unwrap();
    let codes: Vec<_> = table.lines().map(|line| line.trim_start().split_at(1).0).collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn what_was_done_ends_with_0_and_the_same_again_too() {
    let shop = Shop::open();
    let deploy = "deploy checkout production 1.0 --idempotency-key run-1";
    let first = shop.call(deploy).ends(0);
    let again = shop.call(deploy).ends(0);
    assert_eq!((first.out.as_str(), &again.out), ("checkout/production#1\n", &first.out));
    assert_eq!(shop.call("history --output jsonl").lines().len(), 1);
}

#[test]
fn a_report_is_never_refused_for_what_it_says() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01");
    // Late, repeated, and against what was reported before.
    for report in [
        "succeed checkout/production#1",
        "fail checkout/production#1 --error 'it did not, after all'",
        "start checkout/production#1 --at 2025-02-01",
        "deploy checkout production 0.9 --status succeeded --at 2025-02-01",
    ] {
        shop.call(report).ends(0);
    }
    let shown = shop.call("show checkout/production#1 --output json").ends(0).json();
    assert_eq!((&shown["status"], &shown["contradicted"]), (&"failed".into(), &true.into()));
}

#[test]
fn whatever_has_no_code_of_its_own_ends_with_1() {
    let desk = Desk::new();
    // A directory is there and is no file: neither a wrong argument nor a server that is away.
    fs::create_dir(desk.join("history")).unwrap();
    desk.call("import changes history --data data").tells(1, &["cannot read history: "]);
    fs::write(desk.join("no-log"), "not SQLite").unwrap();
    let said = desk.call("restore no-log --data data");
    said.tells(1, &["`no-log` is not a shiplog log: it is not an SQLite database"]);
    assert!(!desk.join("data").exists(), "a restore that failed left something behind");
}

#[test]
fn what_is_malformed_ends_with_2_whoever_finds_it() {
    let shop = Shop::open();
    for call in [
        "deploy checkout",
        "deploy checkout production 1.0 --at soonish",
        "deploy checkout '' 1.0",
        "history --status finished",
        "retry checkout production --at 10m",
        "approve checkout/production#1 --at 10m",
    ] {
        shop.call(call).tells(2, &[]);
    }
    let dated = ["what is asked for is asked for now; --at belongs to reports", "--status"];
    shop.call("deploy checkout production 1.0 --at 5y").tells(2, &dated);
}

#[test]
fn what_differs_ends_with_3() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded");
    let desk = shop.close();
    let file = format!("data/read-models/current-v{}-g1.sqlite", Current.version());
    let models = rusqlite::Connection::open(desk.join(&file)).unwrap();
    assert_eq!(models.execute("UPDATE lanes SET running = NULL", []).unwrap(), 1);
    drop(models);
    desk.call("replay current --data data").ends(3);
}

#[test]
fn what_is_not_there_or_refused_ends_with_4() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --idempotency-key run-1");
    let cases = [
        ("show checkout/production#9", "no deployment `#9` in `checkout/production`"),
        ("show search/production", "nothing was ever deployed to `search/production`"),
        ("show checkout/production~1", "nothing ran before #1"),
        ("show checkout/production@2025-01-01", "nothing ran there at 2025-01-01T00:00:00Z"),
        ("status moon", "nobody has heard of environment `moon`"),
        ("start checkout production", "nothing is in progress there"),
        ("cancel checkout/production#1", "has already ended: it is `succeeded`"),
        ("rollback checkout production --reason x", "no other release worked here before `#1`"),
        ("deploy checkout production 2.0 --idempotency-key run-1", "was used for another request"),
        ("releases checkout 9.9", "`9.9`"),
    ];
    for (call, why) in cases {
        let said = shop.call(call).ends(4);
        assert!(said.out.is_empty() && said.err.contains(why), "{call}: {said:#?}");
        assert!(said.err.lines().count() >= 2, "{call} does not say what to do next: {}", said.err);
    }
}

#[test]
fn who_was_overtaken_ends_with_5_and_learns_what_happened_instead() {
    let shop = Shop::open();
    shop.does(
        "
        deploy checkout production 1.0 --status succeeded
        deploy checkout production 1.1 --status succeeded
        ",
    );
    let said = overtaken(&shop);
    said.tells(
        5,
        &[
            "checkout/production changed since you looked; nothing was rolled back",
            "what runs now: 1.2 (#3)",
        ],
    );
}

/// A rollback between whose look at the lane and whose write somebody else deploys.
fn overtaken(shop: &Shop) -> Said {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut call = shop.command("rollback checkout production --reason 'too slow'");
    call.env("SHIPLOG_SERVER", format!("http://{}", door.local_addr().unwrap()));
    thread::scope(|scope| {
        scope.spawn(|| pass(&door, shop));
        Said::by(&mut call)
    })
}

/// Lets one client speak with the server, and has somebody else deploy before its first write.
fn pass(door: &TcpListener, shop: &Shop) {
    let (mut client, _) = door.accept().unwrap();
    let mut server = TcpStream::connect(shop.address()).unwrap();
    let (mut answers, mut heard) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || io::copy(&mut answers, &mut heard));
        let mut bytes = vec![0; 65_536];
        loop {
            let read = client.read(&mut bytes).unwrap();
            if bytes[..read].starts_with(b"POST") {
                shop.does("deploy checkout production 1.2 --status succeeded --actor bob");
            }
            if read == 0 {
                return server.shutdown(Shutdown::Both).unwrap();
            }
            server.write_all(&bytes[..read]).unwrap();
        }
    });
}

#[test]
fn a_server_or_a_log_that_cannot_be_had_now_ends_with_6() {
    let shop = Shop::open();
    let away = format!("--server {} status", shop.url());
    let locked = shop.desk.call("serve --data data --listen 127.0.0.1:0");
    locked.tells(6, &["another shiplog process has it open", "--data"]);
    let desk = shop.close();
    desk.call(&away).tells(6, &["cannot reach the server at ", "start one with `shiplog serve`"]);
}
