//! A short history with everything in it that can happen to a lane, told to a server.

use serde_json::{Value, json};

use crate::support::Client;

/// A minute of the day on which it all happens.
fn at(time: &str) -> String {
    format!("2026-03-02T{time}:00Z")
}

/// Sends a request that has to be taken, by a person: they alone can agree to a deployment.
#[track_caller]
fn send(client: &Client, method: &str, path: &str, body: &Value) {
    let headers = [("Content-Type", "application/json"), ("Shiplog-Actor", "person:ben")];
    let answer = client.send(method, path, &headers, body.to_string().as_bytes());
    assert!(matches!(answer.status, 200 | 201), "{method} {path} {body}: {}", answer.text());
}

#[track_caller]
fn post(client: &Client, path: &str, body: &Value) {
    send(client, "POST", path, body);
}

/// A request of a deployment into production, with more fields; a report says when.
fn deployment(service: &str, time: &str, more: &Value) -> Value {
    let mut body = json!({
        "service": service, "environment": "production", "actor": "person:ana",
    });
    let fields = body.as_object_mut().unwrap();
    if more.get("status").is_some() {
        fields.insert("at".into(), at(time).into());
    }
    fields.extend(more.as_object().unwrap().clone());
    body
}

#[track_caller]
fn deploy(client: &Client, service: &str, time: &str, more: &Value) {
    post(client, "/v1/deployments", &deployment(service, time, more));
}

#[track_caller]
fn reported(client: &Client, service: &str, time: &str, version: &str) {
    let more = json!({"status": "succeeded", "release": {"version": version}});
    deploy(client, service, time, &more);
}

/// What happened next to a deployment into production.
#[track_caller]
fn next(client: &Client, deployment: &str, step: &str, time: &str, more: &Value) {
    let (service, number) = deployment.split_once('#').unwrap();
    let decided = matches!(step, "approve" | "reject") || more.get("claim").is_some();
    let mut body = if decided { json!({}) } else { json!({"at": at(time)}) };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post(client, &format!("/v1/deployments/{service}/production/{number}/{step}"), &body);
}

/// Everything that every release of Shiplog takes.
pub(crate) fn tell(client: &Client) {
    send(
        client,
        "PUT",
        "/v1/environments/production",
        &json!({
            "tier": "production", "approvals": 1, "at": at("06:00")
        }),
    );
    send(
        client,
        "PUT",
        "/v1/releases/till/1.0",
        &json!({
            "commit": "0a1b2c3", "notes": "the first",
            "artifacts": [{"name": "image", "digest": "sha256:10"}]
        }),
    );
    deploy(
        client,
        "till",
        "07:00",
        &json!({
            "status": "succeeded", "reason": "release train 31", "url": "https://ci.example/1",
            "external_id": "1", "labels": {"team": "shop"},
            "release": {"version": "1.0", "commit": "0a1b2c3",
                "artifacts": [{"name": "image", "digest": "sha256:10"}]}
        }),
    );
    deploy(
        client,
        "till",
        "08:00",
        &json!({
            "status": "succeeded",
            "release": {"version": "1.1", "commit": "1b2c3d4",
                "artifacts": [{"name": "image", "digest": "sha256:11"}],
                "changes": [{"kind": "migration", "id": "0042", "reversible": false}]}
        }),
    );
    an_incident(client);
    late_and_wrong(client);
    on_other_lanes(client);
}

/// #3 fails half-way, and #4 goes back through a freeze.
fn an_incident(client: &Client) {
    let release =
        json!({"version": "1.2", "artifacts": [{"name": "image", "digest": "sha256:12"}]});
    deploy(client, "till", "09:00", &json!({"release": release}));
    next(client, "till#3", "approve", "09:05", &json!({"comment": "go"}));
    next(client, "till#3", "start", "09:10", &json!({"executor": "ci", "claim": true}));
    let target = |target, status| json!({"target": target, "status": status});
    next(client, "till#3", "targets", "09:11", &target("web-1", "started"));
    next(client, "till#3", "targets", "09:12", &target("web-1", "succeeded"));
    next(client, "till#3", "targets", "09:13", &target("web-2", "failed"));
    next(
        client,
        "till#3",
        "fail",
        "09:15",
        &json!({
            "error": "the migration timed out", "failed_step": "migrate"
        }),
    );
    let freeze = json!({"reason": "an incident", "at": at("09:20")});
    post(client, "/v1/environments/production/freeze", &freeze);
    deploy(
        client,
        "till",
        "09:30",
        &json!({
            "intent": {"kind": "rollback", "to": "previous"}, "reason": "orders are lost",
            "override": {"rails": ["freeze", "approvals"], "reason": "it burns"}
        }),
    );
    next(client, "till#4", "start", "09:31", &json!({}));
    next(client, "till#4", "succeed", "09:35", &json!({}));
    next(client, "till#4", "health", "09:40", &json!({"health": "healthy", "source": "probe"}));
    let links = json!([{"kind": "incident", "url": "https://incidents.example/7"}]);
    next(client, "till#3", "notes", "10:00", &json!({"text": "a lock", "links": links}));
    next(client, "till#3", "corrections", "10:05", &json!({"kind": "blamed", "reason": "a lock"}));
    let unfreeze = json!({"reason": "it is over", "at": at("10:10")});
    post(client, "/v1/environments/production/unfreeze", &unfreeze);
    post(client, "/v1/releases/till/1.2/block", &json!({"reason": "it locks"}));
}

/// What is learned late, contradicts what is known, or corrects it.
fn late_and_wrong(client: &Client) {
    reported(client, "till", "07:30", "1.0.1");
    next(client, "till#5", "fail", "07:25", &json!({"error": "said the other pipeline"}));
    reported(client, "till", "10:30", "1.3");
    next(client, "till#6", "corrections", "10:40", &json!({"kind": "void", "reason": "a test"}));
    reported(client, "till", "11:00", "1.0");
    next(
        client,
        "till#7",
        "corrections",
        "11:10",
        &json!({
            "kind": "intent", "reason": "it was one",
            "intent": {"kind": "rollback", "restores": 1}
        }),
    );
    next(
        client,
        "till#3",
        "corrections",
        "11:20",
        &json!({"kind": "cleared", "reason": "it was the disk"}),
    );
    let failed = json!({"status": "failed", "error": "no disk", "release": {"version": "1.4"}});
    deploy(client, "till", "12:00", &failed);
    deploy(client, "till", "12:10", &json!({"intent": {"kind": "retry", "of": 8}}));
    next(client, "till#9", "reject", "12:15", &json!({"reason": "not today"}));
    deploy(
        client,
        "till",
        "12:20",
        &json!({
            "intent": {"kind": "roll_forward", "mends": 8}, "release": {"version": "1.4.1"}
        }),
    );
    next(client, "till#10", "cancel", "12:25", &json!({"reason": "too late"}));
}

fn on_other_lanes(client: &Client) {
    // What went back without saying so, and what is not there any more.
    for (time, version) in [("07:00", "1"), ("08:00", "2"), ("09:00", "1")] {
        reported(client, "finder", time, version);
    }
    reported(client, "fax", "07:00", "3");
    send(
        client,
        "DELETE",
        "/v1/lanes/fax/production",
        &json!({
            "reason": "nobody used it", "at": at("13:00")
        }),
    );
    // Under way.
    let running = json!({"status": "started", "release": {"version": "2026.03"}});
    deploy(client, "réseau", "13:30", &running);
    for service in ["till", "finder"] {
        post(
            client,
            "/v1/deployments",
            &json!({
                "service": service, "environment": "staging", "status": "succeeded",
                "release": {"version": "5"}, "at": at("14:00"), "actor": "service:ci"
            }),
        );
    }
}

/// What came with schema 3: configurations and media types, and a rollback that replays them.
pub(crate) fn tell_configured(client: &Client) {
    let sort = "application/vnd.oci.image.manifest.v1+json";
    for (time, version, digest) in
        [("15:00", "1.0", "a"), ("15:10", "1.0", "b"), ("15:20", "1.1", "b")]
    {
        let image =
            json!({"name": "image", "digest": format!("sha256:{version}"), "mediaType": sort});
        deploy(
            client,
            "configured",
            time,
            &json!({
                "status": "succeeded", "release": {"version": version, "artifacts": [image]},
                "configuration": {"app.yaml": digest}
            }),
        );
    }
    send(
        client,
        "PUT",
        "/v1/releases/configured/1.2",
        &json!({
            "artifacts": [{"name": "image", "digest": "sha256:1.2", "mediaType": sort}]
        }),
    );
    deploy(
        client,
        "configured",
        "15:30",
        &json!({
            "intent": {"kind": "rollback", "to": 1}, "reason": "the flag was wrong"
        }),
    );
    next(client, "configured#4", "succeed", "15:35", &json!({}));
}

/// What any release may add to that.
pub(crate) fn go_on(client: &Client) {
    reported(client, "till", "16:00", "1.5");
    deploy(
        client,
        "configured",
        "16:10",
        &json!({
            "intent": {"kind": "rollback", "to": "previous"}, "reason": "back again"
        }),
    );
    next(client, "configured#5", "succeed", "16:15", &json!({}));
}
