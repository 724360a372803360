//! The log as it grows, line by line.

use std::thread;

use serde_json::Value;

use super::COLUMNS;
use crate::{
    client::{Client, Live},
    context::Context,
    exit::{Exit, Failure},
    output::{Format, Rows, printable},
};

/// Writes events as they are recorded, until `limit` are written or nobody reads any more.
pub(super) fn run(
    context: &mut Context<'_>,
    after: Option<String>,
    limit: Option<u64>,
) -> anyhow::Result<Exit> {
    let client = context.client()?;
    let mut feed = Feed { live: client.live(after.as_deref())?, client: &client, last: after };
    if context.settings.output.value == Format::Csv {
        Rows::begin(context, &COLUMNS)?.end()?;
    }
    let mut left = limit;
    while left != Some(0) {
        let event = feed.next(context)?;
        write(context, &event)?;
        context.out.flush()?;
        left = left.map(|left| left.saturating_sub(1));
    }
    Ok(Exit::Success)
}

/// The stream, taken up again where it breaks off.
struct Feed<'a> {
    client: &'a Client,
    live: Live,
    /// The position of the last event that was read.
    last: Option<String>,
}

impl Feed<'_> {
    fn next(&mut self, context: &mut Context<'_>) -> anyhow::Result<Value> {
        loop {
            match self.live.next() {
                Ok(Some(message)) => {
                    if message.id.is_some() {
                        self.last = message.id;
                    }
                    return Ok(message.data);
                }
                Ok(None) => context.say("the server ended the stream; connecting again")?,
                Err(error) => {
                    context.say(format!("the stream broke off ({error}); connecting again"))?;
                }
            }
            self.reconnect(context)?;
        }
    }

    fn reconnect(&mut self, context: &mut Context<'_>) -> anyhow::Result<()> {
        let retry = self.live.retry;
        loop {
            thread::sleep(retry);
            match self.client.live(self.last.as_deref()) {
                Ok(live) => {
                    self.live = live;
                    self.live.retry = retry;
                    return Ok(());
                }
                Err(failure) if is_passing(&failure) => context.say(format!("{failure}"))?,
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

fn is_passing(failure: &Failure) -> bool {
    failure.exit() == Exit::Unavailable
}

fn write(context: &mut Context<'_>, event: &Value) -> anyhow::Result<()> {
    match context.settings.output.value {
        Format::Table => {
            let watch = context.watch();
            let cells = COLUMNS.iter().map(|column| column.shown(event, &watch).into_text());
            let cells: Vec<_> = cells.filter(|cell| !cell.is_empty()).collect();
            writeln!(context.out, "{}", printable(&cells.join("  ")))?;
        }
        Format::Json | Format::Jsonl => {
            serde_json::to_writer(&mut *context.out, event)?;
            writeln!(context.out)?;
        }
        Format::Csv => Rows::resume(context, &COLUMNS).add(event)?,
    }
    Ok(())
}
