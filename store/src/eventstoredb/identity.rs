//! Which log it is: written into the cluster once, by whoever comes first.

use eventstore::{AppendToStreamOptions, Error, EventData, ExpectedRevision, ReadStreamOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    connection::SIGN_OF_LIFE, contained::within, failure::Failure, reads::Reads, scope::IDENTITY,
};
use crate::{log::LogFault, position::LogId};

/// The one event of the stream that says it. It is no event of the log's own.
const EVENT_TYPE: &str = "LogStarted";

#[derive(Serialize, Deserialize)]
struct Started {
    /// Eight hexadecimal digits.
    log: String,
}

/// The log's id, which is drawn if it has none.
///
/// # Errors
///
/// A fault, if it can be neither read nor written.
pub(super) async fn identify(reads: &Reads) -> Result<LogId, LogFault> {
    if let Some(id) = read(reads).await? {
        return Ok(id);
    }
    // Should another node be faster, its id is the one.
    reads.call(|line| async move { write(reads, &line.client).await }).await?;
    read(reads).await?.ok_or_else(|| {
        let place = format!("stream `{}`", reads.scope.identity());
        LogFault::Corrupt { place, problem: "what was written there is gone".into() }
    })
}

/// The log's id, if it has one.
pub(super) async fn read(reads: &Reads) -> Result<Option<LogId>, LogFault> {
    let options = ReadStreamOptions::default().requires_leader(true).max_count(1);
    let (name, options) = (reads.scope.identity(), &options);
    let name = name.as_str();
    let call = |line: std::sync::Arc<super::line::Line>| async move {
        let reading = async {
            let mut reading = line.client.read_stream(name, options).await?;
            reading.next().await
        };
        match within(reads.limit, reading).await {
            Err(Failure::Client(Error::ResourceNotFound)) => Ok(None),
            event => event,
        }
    };
    let Some(event) = reads.call(call).await?.and_then(|event| event.event) else {
        return Ok(None);
    };
    let started = event.as_json::<Started>().map_err(|error| error.to_string());
    let id = started.and_then(|it| it.log.parse().map_err(|error| format!("{error}")));
    id.map(Some).map_err(|problem| LogFault::Corrupt { place: format!("stream `{name}`"), problem })
}

/// Asks for the cheapest thing that a node has to look into its log for.
pub(super) async fn ask(client: &eventstore::Client) -> Result<(), Failure> {
    let options = ReadStreamOptions::default().max_count(1);
    let asking = async {
        let mut reading = client.read_stream(IDENTITY, &options).await?;
        reading.next().await
    };
    match within(SIGN_OF_LIFE, asking).await {
        Ok(_) | Err(Failure::Client(Error::ResourceNotFound)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

async fn write(reads: &Reads, client: &eventstore::Client) -> Result<(), Failure> {
    let id = draw();
    let started = Started { log: LogId(id.as_fields().0).to_string() };
    let event = EventData::json(EVENT_TYPE, &started)
        .map_err(|error| Failure::Client(Error::InternalParsingError(error.to_string())))?;
    let options = AppendToStreamOptions::default()
        .expected_revision(ExpectedRevision::NoStream)
        .requires_leader(true);
    let name = reads.scope.identity();
    match within(reads.limit, client.append_to_stream(name, &options, event.id(id))).await {
        Ok(_) | Err(Failure::Client(Error::WrongExpectedVersion { .. })) => Ok(()),
        Err(failure) => Err(failure),
    }
}

#[expect(clippy::disallowed_methods, reason = "which log it is follows from nothing")]
fn draw() -> Uuid {
    Uuid::new_v4()
}
