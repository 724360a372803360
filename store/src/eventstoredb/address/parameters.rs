//! What follows the question mark.

use std::{fs, path::PathBuf, time::Duration};

use eventstore::NodePreference;

use super::{Address, AddressError, decoded};

/// As good as never, without running into the end of time.
pub(super) const NEVER: Duration = Duration::from_hours(24);

/// What other clients take and this one has no use for: it is heeded by being there.
const FOR_OTHERS: [&str; 1] = ["throwonappendfailure"];

/// Sets what the parameters say.
///
/// Names and values are those of EventStoreDB's other clients, in any case.
pub(super) fn read(address: &mut Address, parameters: &str) -> Result<(), AddressError> {
    let mut seen = Vec::new();
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (given, name) = (name, name.to_ascii_lowercase());
        if seen.contains(&name) {
            return Err(AddressError::Twice { name: given.into() });
        }
        set(address, given, &name, &decoded(value, "parameters")?)?;
        seen.push(name);
    }
    Ok(())
}

fn set(address: &mut Address, given: &str, name: &str, value: &str) -> Result<(), AddressError> {
    match name {
        "tls" => address.tls = flag("tls", value)?,
        "tlsverifycert" => address.verify = flag("tlsVerifyCert", value)?,
        "tlscafile" => address.ca_file = Some(pem("tlsCaFile", value)?),
        "usercertfile" => address.user_cert_file = Some(pem("userCertFile", value)?),
        "userkeyfile" => address.user_key_file = Some(pem("userKeyFile", value)?),
        "nodepreference" => address.preference = preference(value)?,
        "maxdiscoverattempts" => {
            let wants = "a number from 1 to 1000";
            let bad = || bad("maxDiscoverAttempts", wants, value);
            let attempts = value.parse().map_err(|_| bad())?;
            address.attempts =
                if (1..=1000).contains(&attempts) { attempts } else { return Err(bad()) };
        }
        "discoveryinterval" => address.discovery_interval = span("discoveryInterval", value)?,
        "gossiptimeout" => address.gossip_timeout = span("gossipTimeout", value)?,
        "keepaliveinterval" => address.keep_alive_interval = beat("keepAliveInterval", value)?,
        "keepalivetimeout" => address.keep_alive_timeout = beat("keepAliveTimeout", value)?,
        "defaultdeadline" => {
            let deadline = beat("defaultDeadline", value)?;
            address.deadline = u64::try_from(deadline).map_or(NEVER, Duration::from_millis);
        }
        "connectionname" => address.connection_name = Some(label(value)?),
        name if FOR_OTHERS.contains(&name) => {}
        _ => return Err(AddressError::Parameter { name: given.into() }),
    }
    Ok(())
}

fn bad(name: &'static str, wants: &'static str, found: &str) -> AddressError {
    AddressError::Value { name, wants, found: found.into() }
}

fn flag(name: &'static str, value: &str) -> Result<bool, AddressError> {
    value.to_ascii_lowercase().parse().map_err(|_| bad(name, "`true` or `false`", value))
}

/// Milliseconds, from 1 to a day.
fn span(name: &'static str, value: &str) -> Result<Duration, AddressError> {
    let span = value.parse().ok().map(Duration::from_millis);
    let span = span.filter(|span| (Duration::from_millis(1)..=NEVER).contains(span));
    span.ok_or_else(|| bad(name, "milliseconds, from 1 to a day", value))
}

/// As [`span`], or -1 for never.
fn beat(name: &'static str, value: &str) -> Result<i64, AddressError> {
    if value == "-1" {
        return Ok(-1);
    }
    let span = span(name, value);
    let span = span.ok().and_then(|span| i64::try_from(span.as_millis()).ok());
    span.ok_or_else(|| bad(name, "milliseconds, from 1 to a day, or -1 for never", value))
}

/// What goes into a header as it stands.
fn label(value: &str) -> Result<String, AddressError> {
    let plain = !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    plain.then(|| value.into()).ok_or_else(|| bad("connectionName", "printable ASCII", value))
}

fn preference(value: &str) -> Result<NodePreference, AddressError> {
    let wants = "`leader`, `follower`, `random` or `readOnlyReplica`";
    match value.to_ascii_lowercase().as_str() {
        "leader" => Ok(NodePreference::Leader),
        "follower" => Ok(NodePreference::Follower),
        "random" => Ok(NodePreference::Random),
        "readonlyreplica" => Ok(NodePreference::ReadOnlyReplica),
        _ => Err(bad("nodePreference", wants, value)),
    }
}

/// A file with something in PEM. The crate panics over one that is not there.
fn pem(name: &'static str, path: &str) -> Result<PathBuf, AddressError> {
    let bad = |problem| AddressError::File { name, path: path.into(), problem };
    let text = fs::read(path).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let begins = text.windows(11).any(|bytes| bytes == b"-----BEGIN ");
    if begins { Ok(path.into()) } else { Err(bad("is not in PEM".into())) }
}
