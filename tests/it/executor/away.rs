//! A server that is away, or that half hears: nothing is kept from running, and nothing is lost.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use serde_json::Value;

use super::yard::{Going, Yard, came};

#[test]
fn what_ran_while_the_server_was_away_is_delivered_later_with_its_times() {
    let mut yard = Yard::open();
    yard.away();
    yard.script("deploy.sh", "echo ran $SHIPLOG_NUMBER; echo 'succeeded web-1' > $SHIPLOG_TARGETS");
    let first = came(&mut yard.run("1.0", &["--", "./deploy.sh"])).ends(0);
    assert_eq!(first.out, "ran\n", "a number that nobody gave");
    let first = first.says("; the command runs all the same").says("`shiplog flush` delivers");
    drop(first);
    came(&mut yard.run("1.1", &["--", "sh", "-c", "echo oops; exit 3"])).ends(3);
    assert_eq!(yard.journals().len(), 2);
    came(&mut yard.command(&["flush"])).ends(6).says("2 runs wait in ");

    yard.back();
    let flushed = came(&mut yard.command(&["flush", "--output", "jsonl"])).ends(0);
    let rows: Vec<Value> =
        flushed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| &row["number"]).collect::<Vec<_>>(), [1, 2]);
    assert!(rows.iter().all(|row| row["fate"] == "delivered"), "{rows:?}");
    let (one, two) =
        (yard.deployment("checkout/production/1"), yard.deployment("checkout/production/2"));
    assert_eq!((&one["status"], &one["release"]["version"]), (&"succeeded".into(), &"1.0".into()));
    assert_eq!((&two["status"], &two["release"]["version"]), (&"failed".into(), &"1.1".into()));
    assert!(two["error"].as_str().unwrap().ends_with("\noops"), "{two}");
    let recorded = yard.get("/v1/deployments/checkout/production/1/events");
    for event in recorded["items"].as_array().unwrap() {
        let (at, recorded) = (&event["data"]["at"], &event["recorded_at"]);
        assert!(at.as_str().unwrap() < two["requested_at"].as_str().unwrap(), "{at} {recorded}");
    }

    came(&mut yard.command(&["flush"])).ends(0).says("there is nothing to deliver");
    assert_eq!(yard.count(), 2);
}

#[test]
fn what_cannot_be_read_is_named_and_stands_in_nobodys_way() {
    let mut yard = Yard::open();
    yard.away();
    came(&mut yard.run("1.0", &["--", "true"])).ends(0);
    yard.back();
    let broken = yard.path("state/shiplog/spool/000");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("1.jsonl"), "{}\n").unwrap();
    came(&mut yard.command(&["flush"])).ends(1).says("spool/000/1.jsonl: ");
    assert_eq!(yard.deployment("checkout/production/1")["status"], "succeeded");
}

#[test]
fn the_next_run_delivers_what_the_one_before_it_could_not() {
    let mut yard = Yard::open();
    yard.away();
    came(&mut yard.run("1.0", &["--", "true"])).ends(0);
    yard.back();
    let next = came(&mut yard.run("1.1", &["--", "sh", "-c", "echo $SHIPLOG_NUMBER"])).ends(0);
    assert_eq!(next.says("an earlier run, checkout/production#1: delivered").out, "2\n");
    assert_eq!(yard.deployment("checkout/production/1")["release"]["version"], "1.0");
    assert_eq!(yard.count(), 2);
    assert!(yard.journals().is_empty());
}

#[test]
fn a_server_that_goes_away_while_the_command_runs_hears_the_end_later() {
    let mut yard = Yard::open();
    yard.pipe("gate");
    let script = "echo ready; read line < gate; echo 'failed web-1' > $SHIPLOG_TARGETS; exit 4";
    yard.script("deploy.sh", script);
    let mut run = Going::start(&mut yard.run("1.0", &["--", "./deploy.sh"]));
    run.writes("ready");
    yard.away();
    yard.release("gate");
    let (status, said) = run.end();
    assert_eq!(status.code(), Some(4));
    assert!(said.contains("`shiplog flush` delivers"), "{said}");
    yard.back();
    assert_eq!(yard.deployment("checkout/production/1")["status"], "started");
    came(&mut yard.command(&["flush"])).ends(0);
    assert_eq!(
        yard.events("checkout/production/1"),
        ["DeploymentRequested", "DeploymentStarted", "TargetFailed", "DeploymentFailed"]
    );
}

#[test]
fn a_server_in_trouble_is_a_server_that_is_away() {
    let yard = Yard::open();
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", door.local_addr().unwrap());
    let trouble = thread::spawn(move || {
        // The request, and the end.
        for _ in 0..2 {
            let (mut client, _) = door.accept().unwrap();
            read_request(&mut client);
            let answer = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            client.write_all(answer.as_bytes()).unwrap();
        }
    });
    let mut run = yard.run("1.0", &["--", "true"]);
    came(run.env("SHIPLOG_SERVER", &address)).ends(0).says("the command runs all the same");
    trouble.join().unwrap();
    assert_eq!(yard.journals().len(), 1);
    // What is meant for one server is not told another.
    let said = came(&mut yard.command(&["flush"])).ends(0);
    said.says(&format!("runs wait for another server: --server {address}"));
    assert_eq!(yard.journals().len(), 1);
}

#[test]
fn what_was_recorded_although_the_answer_was_lost_is_there_once() {
    let yard = Yard::open();
    let door = TcpListener::bind(yard.address().replace("127.0.0.1", "127.0.0.2")).unwrap();
    let inside = yard.address().to_owned();
    let lossy = thread::spawn(move || {
        for _ in 0..2 {
            let (mut client, _) = door.accept().unwrap();
            let request = read_request(&mut client);
            let mut server = TcpStream::connect(&inside).unwrap();
            server.write_all(&request).unwrap();
            // Somebody is answered, and it is not the one who asked.
            assert_ne!(server.read(&mut [0; 1024]).unwrap(), 0);
        }
    });
    let outside = format!("http://{}", yard.address().replace("127.0.0.1", "127.0.0.2"));
    let mut run = yard.run("1.0", &["--", "true"]);
    came(run.env("SHIPLOG_SERVER", &outside)).ends(0).says("the command runs all the same");
    lossy.join().unwrap();
    assert_eq!(yard.count(), 1);

    // The same address again, without losses.
    let door = TcpListener::bind(yard.address().replace("127.0.0.1", "127.0.0.2")).unwrap();
    let inside = yard.address().to_owned();
    thread::spawn(move || {
        for client in door.incoming() {
            pass(client.unwrap(), TcpStream::connect(&inside).unwrap());
        }
    });
    let mut flush = yard.command(&["flush"]);
    came(flush.env("SHIPLOG_SERVER", &outside)).ends(0);
    assert_eq!(yard.count(), 1);
    assert_eq!(
        yard.events("checkout/production/1"),
        ["DeploymentRequested", "DeploymentStarted", "DeploymentSucceeded"]
    );
}

/// Reads one request that states its length.
fn read_request(client: &mut TcpStream) -> Vec<u8> {
    let (mut request, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                return request;
            }
        }
        let count = client.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "the request was cut short: {text}");
        request.extend_from_slice(&bytes[..count]);
    }
}

/// Lets a client speak with a server until either has enough.
fn pass(mut client: TcpStream, mut server: TcpStream) {
    let (mut answers, mut heard) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        drop(std::io::copy(&mut answers, &mut heard));
        drop(heard.shutdown(Shutdown::Both));
    });
    drop(std::io::copy(&mut client, &mut server));
    drop(server.shutdown(Shutdown::Write));
}
