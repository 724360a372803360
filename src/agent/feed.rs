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

/// Whether what is recorded in a stream may let something go on: a lane in the environment
/// (`lane-checkout@production`), the environment itself, or a release, which may be blocked.
fn concerns(stream: &str, environment: &str) -> bool {
    let is_ours =
        |name: &str| percent_decode_str(name).decode_utf8().is_ok_and(|name| name == environment);
    match stream.split_once('-') {
        Some(("lane", lane)) => lane.rsplit_once('@').is_some_and(|(_, name)| is_ours(name)),
        Some(("environment", name)) => is_ours(name),
        Some(("release", _)) => true,
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_environments_are_of_no_concern() {
        assert!(concerns("lane-checkout@production", "production"));
        assert!(concerns("lane-a%40b@review%40x", "review@x"));
        assert!(concerns("environment-production", "production"));
        assert!(concerns("release-checkout@1.0", "production"));
        for other in ["lane-checkout@staging", "environment-staging", "environment"] {
            assert!(!concerns(other, "production"), "{other}");
        }
    }
}
