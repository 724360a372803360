//! What a server and the process that runs a script say to each other, over pipes.
//!
//! A message is its length, four bytes, the least significant one first, and then what postcard makes
//! of it. Both ends are one binary, so there is one version of it.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use serde::{Deserialize, Serialize};

/// The longest message that is read, in bytes: a batch, or the states that it changed.
pub(super) const LONGEST: usize = 256 << 20;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order<'a> {
    /// To run this script from now on; once, and first.
    Load {
        /// What it is called in stack traces.
        name: &'a str,
        /// The whole of it.
        source: &'a str,
    },
    /// To go on from these states: the key of each partition and its state as JSON.
    Restore(Vec<(&'a str, &'a str)>),
    /// To fold these events, which follow each other.
    #[serde(borrow)]
    Fold(Vec<ScriptEvent<'a>>),
}

/// An event as a script sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ScriptEvent<'a> {
    pub(super) event_type: &'a str,
    pub(super) stream: &'a str,
    pub(super) version: u64,
    pub(super) position: u64,
    /// When it was recorded, as RFC 3339.
    #[serde(borrow)]
    pub(super) created: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// JSON.
    pub(super) data: &'a str,
    /// JSON.
    #[serde(borrow)]
    pub(super) metadata: Cow<'a, str>,
    /// Of which lane it is, if it is of one.
    #[serde(borrow)]
    pub(super) lane: Option<LaneNames<'a>>,
}

/// A lane, by the names of its service and its environment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneNames<'a> {
    #[serde(borrow)]
    pub(super) service: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) environment: Cow<'a, str>,
}

/// What the script's process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The script loads, and asks for these events.
    Loaded(Shape),
    /// The states are there.
    Restored,
    /// It is still folding, and has folded so many events of the batch.
    Going(usize),
    /// The batch is folded.
    Folded(Folded),
    /// The script failed; the process knows nothing more that is of use.
    Failed(Failed),
}

/// Which events a script asks for, and what it makes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) source: Source,
    /// The types that it has handlers for; none for all types.
    pub(super) types: Option<Vec<String>>,
    pub(super) partitioned: bool,
    /// Whether it makes results of its states.
    pub(super) results: bool,
}

/// Which streams a script asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) kind: SourceKind,
    pub(super) names: Vec<String>,
}

/// How streams are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceKind {
    All,
    Category,
    Streams,
}

/// What a batch changed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Folded {
    pub(super) changes: Vec<Kept>,
    /// What was said with `console.log`.
    pub(super) lines: Vec<String>,
}

/// A partition, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) key: String,
    /// JSON.
    pub(super) state: String,
    /// JSON; none where the script makes no results.
    pub(super) result: Option<String>,
    /// The event that changed it last.
    pub(super) position: u64,
}

/// Why a script failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failed {
    /// The event of the batch, from 0; none if it was not an event's handler.
    pub(super) event: Option<usize>,
    pub(super) message: String,
    /// The script's line, from 1.
    pub(super) line: Option<u32>,
    pub(super) stack: Option<String>,
    pub(super) lines: Vec<String>,
}

/// The bytes of a message, its length first.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    encode_about(message, 0)
}

/// The bytes of a message that has about so many.
pub(super) fn encode_about(message: &impl Serialize, size: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4 + size);
    head.extend([0; 4]);
    framed(postcard::to_extend(message, head).map_err(io::Error::other)?)
}

fn framed(mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = bytes.len() - 4;
    let length = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("a message is too long"))?;
    if let Some(head) = bytes.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
    Ok(bytes)
}

/// How many bytes follow, as a message's first four say.
pub(super) fn length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > LONGEST { Err(io::Error::other("a message is too long")) } else { Ok(length) }
}

/// What bytes say, without their length.
pub(super) fn decode<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<M> {
    postcard::from_bytes(bytes).map_err(io::Error::other)
}

/// Reads the bytes of one message; `None` where there is no further one.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 4];
    match input.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut bytes = vec![0; length(head)?];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes one message.
pub(super) fn write<M: Serialize>(output: &mut impl Write, message: &M) -> io::Result<()> {
    output.write_all(&encode(message)?)?;
    output.flush()
}
