//! How many scripts run at once.

use std::time::Duration;

use super::{folder::Stop, limits};
use crate::turn::{self, Turn};

/// How long a script waits for one to end that it takes the place of.
const PATIENCE: Duration = Duration::from_secs(1);

/// The turns of one server's scripts; its clones share them.
#[derive(Clone, Debug)]
pub(super) struct Turns(turn::Turns);

impl Turns {
    /// As many as may run at once.
    pub(super) fn new() -> Self {
        Self(turn::Turns::new(limits::AT_ONCE))
    }

    /// A turn, held as long as the script runs.
    ///
    /// # Errors
    ///
    /// [`Stop::Machine`] if as many as may run at once go on running.
    pub(super) async fn take(&self) -> Result<Turn, Stop> {
        self.0.take_within(PATIENCE).await.ok_or_else(|| {
            let most = limits::AT_ONCE;
            Stop::Machine(format!(
                "{most} scripts run at once at most, and as many do: pause or drop one"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_script_too_many_waits_until_another_ends() {
        let turns = Turns::new();
        let mut taken = Vec::new();
        for _ in 0..limits::AT_ONCE {
            taken.push(turns.take().await.unwrap());
        }
        let why = turns.take().await.unwrap_err().to_string();
        assert_eq!(why, "32 scripts run at once at most, and as many do: pause or drop one");
        taken.pop();
        assert!(turns.take().await.is_ok());
    }
}
