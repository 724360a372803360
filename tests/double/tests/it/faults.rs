//! Misbehaving on cue.

use std::time::{Duration, Instant};

use eventstore::{
    BatchAppendOptions, Error, ExpectedRevision, StreamPosition, SubscribeToAllOptions,
    SubscribeToStreamOptions, SubscriptionEvent,
};
use shiplog_double::{Double, Ending, Options, Status};
use tonic::Code;

use crate::support::{append, begin, client, double, events, read};

#[tokio::test]
async fn an_append_can_be_written_and_not_answered() {
    let double = double();
    for number in 0..2 {
        double.faults().drop_answers(1);
        let client = client(&double.uri());
        let stream = format!("lane-{number}");
        let lost = append(&client, &stream, ExpectedRevision::NoStream, events(0..2)).await;
        assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
        assert_eq!(double.events(&stream), 2);
    }
}

#[tokio::test]
async fn a_batch_can_be_written_and_not_answered() {
    let double = double();
    let client = client(&double.uri());
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    double.faults().drop_answers(1);
    let lost = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(0..2)).await;
    lost.unwrap_err();
    assert_eq!(double.events("lane-a"), 2);
}

#[tokio::test]
async fn an_answer_can_be_withheld_while_all_else_goes_on() {
    let double = double();
    let client = client(&double.uri());
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    double.faults().withhold_answers(1);
    let mut lost =
        Box::pin(batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(0..2)));
    assert!(futures::poll!(&mut lost).is_pending());
    let next = batch.append_to_stream("lane-b", ExpectedRevision::NoStream, events(0..2));
    next.await.unwrap();
    assert!(futures::poll!(&mut lost).is_pending());
    assert_eq!((double.events("lane-a"), double.connections()), (2, 1));
}

#[tokio::test]
async fn an_append_can_be_written_and_answered_as_timed_out() {
    let double = double();
    let client = client(&double.uri());
    double.faults().time_out(2);
    let lost = append(&client, "lane-a", ExpectedRevision::NoStream, events(0..2)).await;
    assert!(matches!(lost, Err(Error::Grpc { code: Code::Aborted, .. })), "{lost:?}");
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    let lost = batch.append_to_stream("lane-b", ExpectedRevision::NoStream, events(0..2)).await;
    assert!(matches!(lost, Err(Error::Grpc { code: Code::DeadlineExceeded, .. })), "{lost:?}");
    assert_eq!((double.events("lane-a"), double.events("lane-b")), (2, 2));
}

#[tokio::test]
async fn an_append_can_be_refused() {
    let double = double();
    let client = client(&double.uri());
    double.faults().refuse(1);
    let refused = append(&client, "lane-a", ExpectedRevision::NoStream, events(0..2)).await;
    assert!(matches!(refused, Err(Error::ServerError(_))), "{refused:?}");
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    double.faults().refuse(1);
    let refused = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(0..2)).await;
    // The server forgets the code.
    let Err(Error::Grpc { code: Code::Ok, message }) = refused else { panic!("{refused:?}") };
    assert_eq!(message, "Server Is Not Ready");
    assert_eq!(double.events("lane-a"), 0);
    begin(&client, "lane-a", 0..2).await;
}

#[tokio::test]
async fn answers_can_be_late() {
    let double = double();
    let client = client(&double.uri());
    double.faults().delay(Duration::from_millis(50));
    let began = Instant::now();
    begin(&client, "lane-a", 0..1).await;
    assert!(began.elapsed() >= Duration::from_millis(50));
    read(&client, "lane-a").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100));
    double.faults().clear();
    begin(&client, "lane-b", 0..1).await;
}

#[tokio::test]
async fn a_stopped_server_is_refused_and_comes_back_with_all_that_it_had() {
    let double = double();
    let before = client(&double.uri());
    begin(&before, "lane-a", 0..3).await;
    let (uri, address) = (double.uri(), double.address(0).unwrap());
    double.stop(0);
    let refused = std::net::TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    read(&before, "lane-a").await.unwrap_err();
    double.restart(0).unwrap();
    assert_eq!(double.uri(), uri);
    let after = client(&uri);
    assert_eq!(read(&after, "lane-a").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_subscription_can_be_closed_with_an_error() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..1).await;
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("lane-a", &options).await;
    subscription.next().await.unwrap();
    double.faults().close_subscriptions(Ending::Error(Status::internal("on cue")));
    let error = subscription.next().await.unwrap_err();
    assert!(matches!(&error, Error::ServerError(said) if said.contains("on cue")), "{error}");
    // One that is made later is not meant.
    let mut subscription = client.subscribe_to_stream("lane-a", &options).await;
    subscription.next().await.unwrap();
}

#[tokio::test]
async fn a_stalled_subscription_gives_nothing_until_it_goes_on() {
    let double = double();
    let client = client(&double.uri());
    double.faults().stall(true);
    begin(&client, "lane-a", 0..1).await;
    let options = SubscribeToAllOptions::default().position(StreamPosition::Start);
    let mut subscription = client.subscribe_to_all(&options).await;
    let first = subscription.next_subscription_event().await.unwrap();
    assert!(matches!(first, SubscriptionEvent::Confirmed(_)));
    let waiting = tokio::spawn(async move { subscription.next().await });
    begin(&client, "lane-b", 1..2).await;
    assert!(!waiting.is_finished());
    double.faults().stall(false);
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_log_in_is_turned_away() {
    let login = Some(("admin".to_owned(), "changeit".to_owned()));
    let double = Double::start(Options { login, ..Options::default() }).unwrap();
    begin(&client(&double.uri()), "lane-a", 0..1).await;
    for wrong in ["", "admin:guess@"] {
        let client = client(&double.uri().replace("admin:changeit@", wrong));
        assert!(matches!(read(&client, "lane-a").await, Err(Error::AccessDenied)));
    }
}
