//! The process that runs one script: it reads orders, folds, and answers.

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use super::{
    confine, interpreter,
    interpreter::Interpreter,
    limits,
    protocol::{self, Failed, Order, Reply, ScriptEvent},
};

/// Runs a script for whoever holds the other end of standard input and output, until that is closed.
///
/// Meant to be the whole of a process, which it shuts in first: it can open nothing, start nothing and
/// take no more memory than a script is given.
///
/// # Errors
///
/// What the operating system says of the pipes or of shutting itself in.
pub fn work() -> io::Result<()> {
    confine::shut_in()?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    serve(&mut input, &mut output, confine::end_after)
}

/// Answers orders until there are none; `end_after` says how much more may be taken before it is over.
fn serve(
    input: &mut impl Read,
    output: &mut impl Write,
    end_after: impl Fn(Duration) -> io::Result<()>,
) -> io::Result<()> {
    interpreter::with(|mut script| {
        while let Some(bytes) = protocol::read(input)? {
            end_after(limits::PER_BATCH + limits::STUCK)?;
            let reply = match protocol::decode(&bytes)? {
                Order::Load { name, source } => script.load(name, source).map(Reply::Loaded),
                Order::Restore(partitions) => partitions
                    .into_iter()
                    .try_for_each(|(key, state)| script.restore(key, state))
                    .map(|()| Reply::Restored),
                Order::Fold(events) => fold(&script, &events, output, &end_after)?,
            };
            protocol::write(output, &reply.unwrap_or_else(|failed| Reply::Failed(*failed)))?;
        }
        Ok(())
    })
    .map_err(io::Error::other)?
}

fn fold(
    script: &Interpreter<'_>,
    events: &[ScriptEvent<'_>],
    output: &mut impl Write,
    end_after: impl Fn(Duration) -> io::Result<()>,
) -> io::Result<Result<Reply, Box<Failed>>> {
    let mut said = Instant::now();
    end_after(limits::PER_EVENT + limits::STUCK)?;
    for (index, event) in events.iter().enumerate() {
        if let Err(failed) = script.step(event) {
            return Ok(Err(Box::new(Failed { event: Some(index), ..*failed })));
        }
        if said.elapsed() > limits::SAYS {
            protocol::write(output, &Reply::Going(index + 1))?;
            end_after(limits::PER_EVENT + limits::STUCK)?;
            said = Instant::now();
        }
    }
    end_after(limits::PER_BATCH + limits::STUCK)?;
    Ok(script.folded().map(Reply::Folded))
}

#[cfg(test)]
mod tests;
