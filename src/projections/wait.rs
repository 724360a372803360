//! Waiting until the states of a projection are complete.

use serde_json::Value;

use super::field;
use crate::{
    client::{Answer, Client, Lacking, Path, path},
    context::Context,
    exit::Failure,
    progress::Progress,
};

/// How often the server may say the same of how far a projection is, every 2 seconds.
const MOST_REPEATED: u32 = 15;

/// Waits until what is read of a projection includes everything that was recorded before, or will not
/// by waiting.
pub(super) fn level(
    context: &Context<'_>,
    client: &Client,
    name: &str,
    read: &Path,
) -> Result<(), Failure> {
    let progress = Progress::elsewhere(context.settings.quiet.value);
    let (mut last, mut repeated) = (None, 0);
    loop {
        // The server waits for 2 seconds before it answers that it is behind.
        match client.look(read) {
            Ok(Answer { lacking: Lacking { behind: Some(_), .. }, .. }) => {}
            Ok(_) => return Ok(()),
            Err(unanswered) if unanswered.is_behind => {}
            Err(unanswered) => return Err(unanswered.failure),
        }
        let shown = client.look(&path(&["v1", "projections", name]));
        let shown = shown.map_err(|unanswered| unanswered.failure)?.body;
        let done = field(&shown, "events_done").as_u64();
        repeated = if last == done { repeated + 1 } else { 0 };
        last = done;
        if !goes_on(&shown) || repeated == MOST_REPEATED {
            return Ok(());
        }
        let done = done.unwrap_or_default();
        match field(&shown, "events_total").as_u64() {
            Some(total) => {
                progress.show(done, total, &format!("folded {done} of {total} events"));
            }
            None => progress.show(done, done, &format!("folded {done} events")),
        }
    }
}

fn goes_on(shown: &Value) -> bool {
    ["catching-up", "live"].contains(&field(shown, "status").as_str().unwrap_or_default())
}
