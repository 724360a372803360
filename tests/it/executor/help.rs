//! What the commands say of themselves.

use super::yard::came;
use crate::support::shiplog;

#[test]
fn what_runs_deploy_commands_says_what_it_does_and_what_it_takes() {
    let help = |command: &str| {
        // As wide as the widest terminal that counts.
        let mut call = shiplog();
        came(call.args([command, "--help"]).env("COLUMNS", "100")).ends(0).out
    };
    for command in ["run", "flush", "agent"] {
        insta::assert_snapshot!(command, help(command));
    }
}
