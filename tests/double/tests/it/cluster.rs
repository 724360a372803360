//! Several nodes: who leads, what a follower says, what gossip tells.

use eventstore::{Endpoint, Error, ExpectedRevision};
use shiplog_double::{Double, Options};

use crate::support::{append, begin, client, cluster, events, numbers, read};

fn endpoint(double: &Double, node: usize) -> Endpoint {
    let address = double.address(node).unwrap();
    let (host, port) = address.split_once(':').unwrap();
    Endpoint { host: host.to_owned(), port: port.parse().unwrap() }
}

#[tokio::test]
async fn a_follower_says_who_leads_if_the_leader_is_required() {
    let double = cluster(3);
    assert!(double.lead(1));
    // Only with one node in its connection string the client asks no gossip.
    let client = client(&format!("{}&nodePreference=leader", double.node_uri(0)));
    let error = append(&client, "lane-a", ExpectedRevision::Any, events(0..1)).await.unwrap_err();
    let Error::NotLeaderException(leader) = error else { panic!("{error}") };
    assert_eq!(leader, endpoint(&double, 1));
    assert_eq!(double.events("lane-a"), 0);
}

#[tokio::test]
async fn a_follower_passes_a_write_on_if_nobody_minds() {
    let double = cluster(3);
    let follower = client(&format!("{}&nodePreference=follower", double.node_uri(2)));
    begin(&follower, "lane-a", 0..3).await;
    let leader = client(&double.node_uri(0));
    assert_eq!(numbers(&read(&leader, "lane-a").await.unwrap()), [0, 1, 2]);
}

#[tokio::test]
async fn a_follower_that_passes_nothing_on_says_who_leads() {
    let options = Options { nodes: 3, forwards_writes: false, ..Options::default() };
    let double = Double::start(options).unwrap();
    let follower = client(&format!("{}&nodePreference=follower", double.node_uri(2)));
    let error = append(&follower, "lane-a", ExpectedRevision::Any, events(0..1)).await.unwrap_err();
    assert!(matches!(error, Error::NotLeaderException(leader) if leader == endpoint(&double, 0)));
}

#[tokio::test]
async fn a_client_finds_the_leader_through_gossip() {
    let double = cluster(3);
    for leader in [2, 0, 1] {
        assert!(double.lead(leader));
        let client = client(&double.uri_with("nodePreference=leader"));
        let stream = format!("lane-{leader}");
        begin(&client, &stream, 0..1).await;
        assert_eq!(double.events(&stream), 1);
    }
}

#[tokio::test]
async fn another_node_leads_when_the_leader_is_stopped() {
    let double = cluster(3);
    let before = client(&double.uri_with("nodePreference=leader"));
    begin(&before, "lane-a", 0..2).await;
    double.stop(0);
    assert_eq!(double.leader(), Some(1));
    let after = client(&double.uri_with("nodePreference=leader"));
    append(&after, "lane-a", ExpectedRevision::Exact(1), events(2..3)).await.unwrap();
    double.restart(0).unwrap();
    assert_eq!(double.leader(), Some(1));
    let old = client(&format!("{}&nodePreference=follower", double.node_uri(0)));
    assert_eq!(numbers(&read(&old, "lane-a").await.unwrap()), [0, 1, 2]);
}

#[tokio::test]
async fn a_minority_does_nothing() {
    let double = cluster(3);
    let client = client(&double.node_uri(0));
    begin(&client, "lane-a", 0..1).await;
    double.stop(1);
    double.stop(2);
    assert_eq!(double.leader(), None);
    let error = append(&client, "lane-a", ExpectedRevision::Any, events(1..2)).await.unwrap_err();
    assert!(matches!(&error, Error::ServerError(said) if said.contains("Server Is Not Ready")));
    let error = read(&client, "lane-a").await.unwrap_err();
    assert!(matches!(&error, Error::ServerError(said) if said.contains("Server Is Not Ready")));
    double.restart(2).unwrap();
    assert_eq!(double.leader(), Some(0));
    assert_eq!(double.events("lane-a"), 1);
}
