//! A log that does something of its own when it is appended to or asked for its end, and else is another one.

use futures::future::BoxFuture;
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use crate::{
    log::{AppendError, Appended, Clocks, Log, LogFault, NewEvent, RecordStream, Recorded},
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
};

/// What a log is decorated with. Whoever has it is a [`Log`]: all that is not here is the inner log's.
pub trait Decorator: Send + Sync {
    /// The log that is decorated.
    fn inner(&self) -> &dyn Log;

    /// Appends; as [`Log::append`].
    ///
    /// # Errors
    ///
    /// As [`Log::append`].
    fn on_append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>>;

    /// Says where the log ends; as [`Log::head`].
    ///
    /// # Errors
    ///
    /// As [`Log::head`].
    fn on_head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        self.inner().head()
    }
}

impl<D: Decorator> Log for D {
    fn id(&self) -> LogId {
        self.inner().id()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        self.on_append(stream, expected, events)
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        from: Option<StreamVersion>,
    ) -> RecordStream<'a> {
        self.inner().read_stream(stream, from)
    }

    fn read_all(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.inner().read_all(after)
    }

    fn subscribe(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.inner().subscribe(after)
    }

    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        self.on_head()
    }

    fn count(&self, after: Option<GlobalPosition>) -> BoxFuture<'_, Result<Option<u64>, LogFault>> {
        self.inner().count(after)
    }

    fn event_at(
        &self,
        position: GlobalPosition,
    ) -> BoxFuture<'_, Result<Option<Recorded<EncodedEvent>>, LogFault>> {
        self.inner().event_at(position)
    }

    fn rewound(&self) -> BoxFuture<'_, GlobalPosition> {
        self.inner().rewound()
    }

    fn heard_damage<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        self.inner().heard_damage(stream)
    }

    fn examine<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        self.inner().examine(stream)
    }

    fn writable(&self) -> BoxFuture<'_, Result<(), LogFault>> {
        self.inner().writable()
    }

    fn clocks(&self) -> BoxFuture<'_, Result<Clocks, LogFault>> {
        self.inner().clocks()
    }

    fn is_shared(&self) -> bool {
        self.inner().is_shared()
    }
}
