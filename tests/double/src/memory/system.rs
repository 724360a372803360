//! The events that are there before anybody has written one.

use super::log::Log;

/// Stream, event type, JSON.
const INSTALLED: &[(&str, &str, &str)] = &[
    (
        "$epoch-information",
        "$EpochInformation",
        r#"{"epochPosition":0,"epochNumber":0,"epochId":"5e1f0000-0000-4000-8000-000000000001"}"#,
    ),
    ("$$$scavenges", "$metadata", r#"{"$maxAge":2592000}"#),
    ("$$$user-admin", "$metadata", r#"{"$acl":{"$w":"$admins","$d":"$admins"}}"#),
    (
        "$user-admin",
        "$UserCreated",
        r#"{"loginName":"admin","fullName":"EventStore Administrator","groups":["$admins"]}"#,
    ),
    ("$users", "$User", r#""admin""#),
    ("$$$stats-127.0.0.1:2113", "$metadata", r#"{"$maxAge":86400}"#),
    ("$settings", "$settings", r#"{"$userStreamAcl":{"$r":"$all","$w":"$all"}}"#),
    ("$projections-$all", "$ProjectionsInitialized", "{}"),
];

impl Log {
    /// Writes what a server writes when it starts for the first time.
    pub(super) fn install(&mut self) {
        for (stream, kind, json) in INSTALLED {
            self.write_system(stream, kind, json);
        }
    }
}
