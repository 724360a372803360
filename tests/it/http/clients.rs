//! Clients that are slow, too many, or do not go away.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    lane::{DEPLOYMENTS, reported},
    server::Server,
};
use crate::support::{self, PATIENCE, shiplog};

/// What SIGTERM leaves to whatever runs, with what a busy machine adds to that.
const GONE: Duration = Duration::from_secs(30);

/// A question in SQL that ends only when it is stopped.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

/// A connection on which this has been sent.
fn sent(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// All that comes until the server ends the connection.
fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // Ended or reset: what came before counts.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn head(address: &str, line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").into_bytes()
}

fn address(server: &Server) -> String {
    server.url().strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn a_request_that_does_not_come_to_the_end_of_its_head_is_cut_off() {
    let server = Server::start();
    let address = address(&server);
    let halves =
        ["G", "GET /livez HTTP/1.1\r\n", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: "];
    let streams = halves.map(|half| sent(&address, half.as_bytes()));
    for stream in streams {
        assert_eq!(answer(stream), "", "it is cut off without an answer");
    }
    server.ask("GET", "/livez").send().expect(200);
}

#[test]
fn bodies_take_what_there_is_for_all_together_and_reports_go_on_beside_them() {
    let server = Server::start();
    let address = address(&server);
    let part = vec![b' '; 8 << 20];
    let head = head(
        &address,
        "POST /v1/deployments:batch",
        "Content-Type: application/jsonl\r\nContent-Length: 16777216\r\n",
    );
    let halves: Vec<_> = (0..12)
        .map(|_| {
            let mut stream = sent(&address, &head);
            // Whoever is refused may not take it all.
            let _ = stream.write_all(&part);
            stream
        })
        .collect();
    server.post(DEPLOYMENTS, &reported("1.0", "10:01"));
    let mut refused = 0;
    for stream in &halves {
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut start = [0; 12];
        if (&*stream).read_exact(&mut start).is_ok() {
            assert_eq!(&start, b"HTTP/1.1 503");
            refused += 1;
        }
    }
    // Six halves are 48 MiB, without what each has for itself.
    assert!((1..=6).contains(&refused), "{refused} of 12 are refused");
    drop(halves);
    let line = format!("{}\n", reported("1.1", "10:02"));
    let whole = server.ask("POST", "/v1/deployments:batch");
    whole.header("Content-Type", "application/jsonl").body(line).send().expect(200);
}

#[test]
fn one_connection_too_many_is_told_so_and_counted() {
    let data = TempDir::new().unwrap();
    let mut serve = shiplog();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--max-connections", "8"]);
    let server = support::Server::run(serve.arg("--data").arg(data.path()));
    let address = server.address().to_owned();
    let mut idle: Vec<_> = (0..8).map(|_| sent(&address, b"")).collect();
    // The last one is there once it is answered.
    let mut last = idle.pop().unwrap();
    last.write_all(&head(&address, "GET /livez", "")).unwrap();
    let mut start = [0; 12];
    last.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let refused = answer(sent(&address, &head(&address, "GET /livez", "")));
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1"),
        "{refused}"
    );
    assert!(refused.contains("\"code\":\"busy\""), "{refused}");
    last.write_all(&head(&address, "GET /metrics", "Connection: close\r\n")).unwrap();
    let metrics = answer(last);
    assert!(metrics.contains("shiplog_http_connections 8"), "{metrics}");
    assert!(
        metrics.contains("shiplog_http_connections_refused_total{reason=\"limit\"} 1"),
        "{metrics}"
    );
    for stream in idle {
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(answer(stream), "");
    }
    assert_eq!(server.client().get("/livez").status, 200);
}

/// Each method and path of the contract, with something in the place of what varies.
fn routes(server: &Server) -> Vec<(String, String)> {
    let contract = server.get("/openapi.json");
    let mut routes = Vec::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| match part.strip_prefix('{') {
            Some("number}") => "1",
            Some(_) => "checkout",
            None => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        routes.extend(
            methods.as_object().unwrap().keys().map(|it| (it.to_uppercase(), path.clone())),
        );
    }
    assert!(routes.len() > 50, "{routes:?}");
    routes
}

/// How many connections a server has, but for the one that asks.
fn connections(server: &Server) -> usize {
    let metrics = server.ask("GET", "/metrics").send().expect(200).text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("shiplog_http_connections "));
    line.unwrap().parse::<usize>().unwrap() - 1
}

#[test]
fn no_route_is_held_up_by_clients_that_are_slow() {
    let server = Server::start();
    let address = address(&server);
    server.post(DEPLOYMENTS, &reported("1.0", "10:01"));
    let (mut halves, mut rest) = (Vec::new(), Vec::new());
    for (method, path) in routes(&server) {
        let line = format!("{method} {path}");
        halves
            .push(sent(&address, format!("{line} HTTP/1.1\r\nHost: {address}\r\nX: ").as_bytes()));
        // Not read, and of a write not sent to its end.
        let body = match method.as_str() {
            "GET" => "",
            _ => "Content-Type: application/json\r\nContent-Length: 100000\r\n",
        };
        rest.push(sent(&address, &head(&address, &line, body)));
    }
    assert!(connections(&server) >= halves.len(), "they are there");
    for (nth, hour) in ["11:01", "11:02", "11:03"].iter().enumerate() {
        server.post(DEPLOYMENTS, &reported(&format!("1.{nth}"), hour));
        server.get("/v1/lanes/checkout/production");
    }
    // They wait for their heads together, and not one after the other.
    for half in halves {
        assert_eq!(answer(half), "", "it is cut off without an answer");
    }
    drop(rest);
    let since = Instant::now();
    while connections(&server) > 0 {
        assert!(since.elapsed() < PATIENCE, "{} connections are left", connections(&server));
        std::thread::yield_now();
    }
    server.post(DEPLOYMENTS, &reported("1.9", "11:09"));
}

/// A request of JSON, whole.
fn whole(address: &str, line: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    [head(address, line, &headers), body.into_bytes()].concat()
}

#[test]
fn a_server_that_is_to_stop_is_gone_whatever_runs() {
    let server = Server::start();
    let address = address(&server);
    for minute in 10..40 {
        server.post(DEPLOYMENTS, &reported("1.0", &format!("11:{minute}")));
    }
    let script = json!({
        "language": "javascript",
        "source": "fromAll().when({ $any(s) { for (;;) {} } })",
    });
    let upload = "Content-Type: application/jsonl\r\nContent-Length: 16777216\r\n";
    let question = whole(&address, "POST /v1/sql", &json!({"query": ENDLESS}));
    let get = |path: &str| sent(&address, &head(&address, &format!("GET {path}"), ""));
    let kept = [
        sent(&address, b"GET /"),
        sent(&address, &head(&address, "POST /v1/deployments:batch", upload)),
        get("/v1/events/live?after=0"),
        sent(&address, &whole(&address, "PUT /v1/projections/endless", &script)),
        get("/"),
        get("/v1/rollbacks?format=report"),
        get("/v1/rollbacks?format=csv"),
        sent(&address, &question),
        sent(&address, &question),
        sent(&address, &question),
        sent(
            &address,
            &whole(&address, "POST /v1/what-if", &json!({"rollbacks": {"infer": "never"}})),
        ),
        sent(&address, &whole(&address, "POST /v1/projections/preview", &script)),
        sent(&address, &whole(&address, "POST /v1/projections/history/rebuild", &json!({}))),
    ];
    // It is at work on them once another one is answered.
    server.ask("GET", "/livez").send().expect(200);
    let began = Instant::now();
    let server = server.meanwhile(|_| {
        assert!(began.elapsed() < GONE, "it took {:?}", began.elapsed());
    });
    drop(kept);
    assert_eq!(server.get("/v1/lanes/checkout/production")["current"]["number"], 30);
}
