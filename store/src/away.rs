//! What stands for a log while nobody can reach it.

use futures::{FutureExt as _, StreamExt as _, future, future::BoxFuture, stream};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use crate::{
    log::{AppendError, Appended, Log, LogFault, NewEvent, RecordStream, Recorded},
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
};

/// A log of which nothing is there but its id: it takes nothing and gives nothing.
///
/// So what was derived from the log before can be served until the log itself is there.
#[derive(Clone, Debug)]
pub struct AwayLog {
    id: LogId,
    why: LogFault,
}

impl AwayLog {
    /// Stands for this log; whoever asks for more is told why there is none.
    pub fn new(id: LogId, why: LogFault) -> Self {
        Self { id, why }
    }

    fn nothing(&self) -> RecordStream<'_> {
        stream::once(future::ready(Err(self.why.clone()))).boxed()
    }
}

impl Log for AwayLog {
    fn id(&self) -> LogId {
        self.id
    }

    fn append<'a>(
        &'a self,
        _stream: &'a StreamName,
        _expected: ExpectedVersion,
        _events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        future::ready(Err(self.why.clone().into())).boxed()
    }

    fn read_stream<'a>(
        &'a self,
        _stream: &'a StreamName,
        _from: Option<StreamVersion>,
    ) -> RecordStream<'a> {
        self.nothing()
    }

    fn read_all(&self, _after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.nothing()
    }

    /// Gives nothing at all: who follows a log waits for it.
    fn subscribe(&self, _after: Option<GlobalPosition>) -> RecordStream<'_> {
        stream::pending().boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        future::ready(Err(self.why.clone())).boxed()
    }

    fn event_at(
        &self,
        _position: GlobalPosition,
    ) -> BoxFuture<'_, Result<Option<Recorded<EncodedEvent>>, LogFault>> {
        future::ready(Err(self.why.clone())).boxed()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
