//! What a script may take.

use std::time::Duration;

/// How many scripts run at once, previews and checks aside.
pub const AT_ONCE: usize = 32;

/// How much of a processor one event's handler may take, or the script itself when it is loaded.
///
/// Processor time, not time: on a busy machine a script is slow, and not to blame.
pub(super) const PER_EVENT: Duration = Duration::from_secs(1);

/// How much of a processor it may take to hand over all that a batch has changed, or to take over all
/// states.
pub(super) const PER_BATCH: Duration = Duration::from_secs(20);

/// How much more of a processor its process may take before the operating system ends it: within some
/// of the language's own functions, the interpreter does not look at the time.
pub(super) const STUCK: Duration = Duration::from_secs(2);

/// How long its process may say nothing, whatever the reason, before it is killed.
pub(super) const SILENCE: Duration = Duration::from_mins(2);

/// How often it says that it is still folding.
pub(super) const SAYS: Duration = Duration::from_millis(250);

/// How much memory the interpreter may take, in bytes.
pub(super) const MEMORY: usize = 256 << 20;

/// How deep its calls may go, in bytes of the stack.
pub(super) const STACK: usize = 1 << 20;

/// How much memory its process may map, in bytes: what the interpreter itself does not count, too.
pub(super) const ADDRESS_SPACE: u64 = 2 << 30;

/// How many characters the state of one partition may have as JSON, and its result.
pub(super) const STATE: usize = 1 << 20;

/// How many bytes all states may have.
pub(super) const STATES: i64 = 64 << 20;

/// How many partitions there may be.
pub(super) const PARTITIONS: usize = 200_000;

/// How many characters a partition's name may have.
pub(super) const KEY: usize = 1_000;

/// How many levels deep a state may be.
pub(super) const DEPTH: usize = 64;

/// How many frames of the script a stack has.
pub(super) const FRAMES: usize = 10;

/// How many lines `console.log` keeps, and how many characters of each.
pub(super) const LOG_LINES: usize = 1_000;
pub(super) const LOG_CHARACTERS: usize = 1_000;
