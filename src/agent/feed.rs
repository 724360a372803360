//! What happens in an environment, as it happens.

use std::{sync::mpsc::Sender, thread, time::Duration};

use percent_encoding::percent_decode_str;

use crate::{
    client::{Client, Live},
    deployment::text,
};

/// How long to wait before connecting again where the server has said nothing yet.
const RETRY: Duration = Duration::from_secs(3);

/// Wakes whenever something was recorded in an environment, and whenever something may have been
/// missed, until nobody is there to be woken.
pub(super) fn follow(client: Client, environment: String, wake: Sender<()>) {
    thread::spawn(move || {
        let mut retry = RETRY;
        loop {
            if let Ok(live) = client.live(None) {
                // What was recorded before is not told.
                if wake.send(()).is_err() {
                    return;
                }
                retry = read(live, &environment, &wake);
            }
            thread::sleep(retry);
        }
    });
}

/// Reads one connection to its end; answers how long to wait then.
fn read(mut live: Live, environment: &str, wake: &Sender<()>) -> Duration {
    while let Ok(Some(message)) = live.next() {
        if concerns(text(&message.data, "stream"), environment) && wake.send(()).is_err() {
            break;
        }
    }
    live.retry
}

/// Whether a stream is of a lane in the environment: `lane-checkout@production`.
fn concerns(stream: &str, environment: &str) -> bool {
    let lane = stream.strip_prefix("lane-").and_then(|lane| lane.rsplit_once('@'));
    lane.is_some_and(|(_, name)| {
        percent_decode_str(name).decode_utf8().is_ok_and(|name| name == environment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lanes_of_the_environment_are_of_concern() {
        assert!(concerns("lane-checkout@production", "production"));
        assert!(concerns("lane-a%40b@review%40x", "review@x"));
        for other in
            ["lane-checkout@staging", "release-checkout@production", "environment-production"]
        {
            assert!(!concerns(other, "production"), "{other}");
        }
    }
}
