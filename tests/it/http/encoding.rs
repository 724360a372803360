//! Bodies as editors and shells of some systems write them.

use super::{
    lane::{DEPLOYMENTS, LANE},
    server::Server,
};

/// What their files begin with.
const MARK: &str = "\u{feff}";

const REPORT: &str = r#"{"service": "checkout", "environment": "production", "status": "succeeded", "release": {"version": "1"}, "at": "2025-03-01T09:00:00Z"}"#;

fn send(server: &Server, (path, kind): (&str, &str), body: Vec<u8>) -> super::server::Answer {
    server.ask("POST", path).header("Content-Type", kind).body(body).send()
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_body() {
    let server = Server::start();
    let body = format!("{MARK}{REPORT}").into_bytes();
    send(&server, (DEPLOYMENTS, "application/json"), body).expect(201);
    let lines = format!("{MARK}{REPORT}\r\n{}\r\n", REPORT.replace("09:00", "10:00"));
    let answer = send(&server, ("/v1/deployments:batch", "application/jsonl"), lines.into_bytes());
    let answer = answer.expect(200).text;
    assert_eq!(answer.matches(r#""status":"recorded""#).count(), 2, "{answer}");
    assert_eq!(server.get(LANE)["current"]["number"], 3);
}

#[test]
fn utf_16_is_called_so_and_nothing_is_recorded() {
    let server = Server::start();
    for mark in ["", MARK] {
        let body = format!("{mark}{REPORT}\n");
        let wide: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (path, kind) in
            [(DEPLOYMENTS, "application/json"), ("/v1/deployments:batch", "application/jsonl")]
        {
            let problem = send(&server, (path, kind), wide.clone()).problem(400, "malformed");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("UTF-16") && detail.contains("UTF-8"), "{detail}");
        }
    }
    assert!(server.get("/v1/events")["items"].as_array().unwrap().is_empty());
}
