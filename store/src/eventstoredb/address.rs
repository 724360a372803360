//! The connection string: `esdb://user:password@a,b,c?tls=true`.
//!
//! It is read here and not by the client crate, which takes a percent-encoded password as it
//! stands, passes over what it does not know, and shortens no keep-alive below ten seconds.

mod error;
mod parameters;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use eventstore::{ClientSettings, NodePreference};
use http::Uri;
use percent_encoding::percent_decode_str;
use toml::{Table, Value};
use tonic::metadata::{MetadataMap, MetadataValue, errors::InvalidMetadataValue};

pub use self::error::AddressError;

/// Where a node listens unless the connection string says otherwise.
const PORT: u16 = 2113;

/// All schemes; the longer ones look for the cluster behind one name.
const SCHEMES: [(&str, bool); 8] = [
    ("esdb", false),
    ("esdb+discover", true),
    ("kurrentdb", false),
    ("kurrentdb+discover", true),
    ("kurrent", false),
    ("kurrent+discover", true),
    ("kdb", false),
    ("kdb+discover", true),
];

/// How to reach a cluster, and as whom.
///
/// Shown without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) discover: bool,
    pub(super) seeds: Vec<Node>,
    credentials: Option<Login>,
    pub(super) tls: bool,
    pub(super) verify: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) user_cert_file: Option<PathBuf>,
    pub(super) user_key_file: Option<PathBuf>,
    pub(super) preference: NodePreference,
    pub(super) attempts: u32,
    pub(super) discovery_interval: Duration,
    pub(super) gossip_timeout: Duration,
    /// In milliseconds; -1 is never.
    keep_alive_interval: i64,
    keep_alive_timeout: i64,
    pub(super) deadline: Duration,
    connection_name: Option<String>,
}

/// One node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

#[derive(Clone, PartialEq, Eq)]
struct Login {
    user: String,
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.user)
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let known = SCHEMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme));
        let (_, discover) = *known.ok_or(AddressError::Scheme)?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, place) = match place.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, place),
        };
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        if !path.is_empty() {
            return Err(AddressError::Path { found: format!("/{path}") });
        }
        let mut address = Self {
            discover,
            seeds: hosts.split(',').map(node).collect::<Result<_, _>>()?,
            credentials: login.map(credentials).transpose()?,
            ..Self::default()
        };
        if discover && address.seeds.len() != 1 {
            return Err(AddressError::Discover { found: address.seeds.len() });
        }
        parameters::read(&mut address, parameters)?;
        if address.user_cert_file.is_some() != address.user_key_file.is_some() {
            return Err(AddressError::HalfACertificate);
        }
        Ok(address)
    }
}

impl Default for Address {
    fn default() -> Self {
        Self {
            discover: false,
            seeds: Vec::new(),
            credentials: None,
            tls: true,
            verify: true,
            ca_file: None,
            user_cert_file: None,
            user_key_file: None,
            preference: NodePreference::Leader,
            attempts: 3,
            discovery_interval: Duration::from_millis(500),
            gossip_timeout: Duration::from_secs(3),
            keep_alive_interval: 10_000,
            keep_alive_timeout: 10_000,
            deadline: Duration::from_secs(10),
            connection_name: None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.discover { "esdb+discover://" } else { "esdb://" })?;
        if let Some(Login { user, .. }) = &self.credentials {
            write!(f, "{user}@")?;
        }
        let seeds: Vec<_> = self.seeds.iter().map(ToString::to_string).collect();
        f.write_str(&seeds.join(","))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Address {
    /// What the client crate is to be told: of all nodes, or of the one that is named.
    ///
    /// The crate is given two attempts, one to choose a node and one to reach it; the
    /// supervisor has its own patience.
    ///
    /// # Errors
    ///
    /// If the crate knows its own settings no longer.
    pub(super) fn settings(
        &self,
        only: Option<&Node>,
        preference: NodePreference,
    ) -> Result<ClientSettings, toml::de::Error> {
        let seeds = only.map_or(self.seeds.as_slice(), std::slice::from_ref);
        let mut settings = Table::new();
        let mut set = |name: &str, value: Value| drop(settings.insert(name.into(), value));
        set("dns_discover", (self.discover && only.is_none()).into());
        set("hosts", seeds.iter().map(Node::to_value).collect::<Vec<_>>().into());
        set("max_discover_attempts", 2.into());
        set("discovery_interval", 20.into());
        set("gossip_timeout", milliseconds(self.gossip_timeout).into());
        set("preference", preference.to_string().into());
        set("secure", self.tls.into());
        set("tls_verify_cert", self.verify.into());
        set("keep_alive_interval", self.keep_alive_interval.into());
        set("keep_alive_timeout", self.keep_alive_timeout.into());
        set("default_deadline", milliseconds(self.deadline).into());
        if let Some(Login { user, password }) = &self.credentials {
            let login = [("login", user), ("password", password)];
            let login = login.map(|(name, value)| (name.to_owned(), Value::from(value.as_str())));
            set("default_user_name", Value::Table(login.into_iter().collect()));
        }
        for (name, file) in [
            ("tls_ca_file", &self.ca_file),
            ("user_cert_file", &self.user_cert_file),
            ("user_key_file", &self.user_key_file),
        ] {
            if let Some(file) = file {
                set(name, file.to_string_lossy().as_ref().into());
            }
        }
        if let Some(name) = &self.connection_name {
            set("connection_name", name.as_str().into());
        }
        Value::Table(settings).try_into()
    }
}

impl Address {
    /// Where a node is, as its calls name it.
    ///
    /// # Errors
    ///
    /// If its host cannot be written into a URI.
    pub(super) fn uri(&self, node: &Node) -> Result<Uri, http::Error> {
        let scheme = if self.tls { "https" } else { "http" };
        Uri::builder().scheme(scheme).authority(node.to_string()).path_and_query("/").build()
    }

    /// What is said with each call to the leader: who calls, and that nobody else is to answer.
    ///
    /// # Errors
    ///
    /// If a name cannot be written into a header.
    pub(super) fn headers(&self) -> Result<MetadataMap, InvalidMetadataValue> {
        let mut headers = MetadataMap::new();
        headers.insert("requires-leader", MetadataValue::from_static("true"));
        if let Some(Login { user, password }) = &self.credentials {
            let login = BASE64.encode(format!("{user}:{password}"));
            headers.insert("authorization", format!("Basic {login}").parse()?);
        }
        if let Some(name) = &self.connection_name {
            headers.insert("connection-name", name.parse()?);
        }
        Ok(headers)
    }

    /// After how long a silence a connection is asked whether it is there, and how long it may take to answer.
    pub(super) fn keep_alive(&self) -> (Option<Duration>, Duration) {
        let span = |milliseconds| u64::try_from(milliseconds).ok().map(Duration::from_millis);
        (span(self.keep_alive_interval), span(self.keep_alive_timeout).unwrap_or(parameters::NEVER))
    }
}

impl Node {
    fn to_value(&self) -> Value {
        let fields = [
            ("host".to_owned(), Value::from(self.host.as_str())),
            ("port".to_owned(), Value::from(i64::from(self.port))),
        ];
        Value::Table(fields.into_iter().collect())
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn credentials(text: &str) -> Result<Login, AddressError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Ok(Login { user: decoded(user, "user")?, password: decoded(password, "password")? })
}

fn decoded(text: &str, part: &'static str) -> Result<String, AddressError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| AddressError::Encoding { part })
}

/// Reads `host`, `host:2113` or `[::1]:2113`.
fn node(text: &str) -> Result<Node, AddressError> {
    if text.is_empty() {
        return Err(AddressError::NoHost);
    }
    let bad = || AddressError::Host { found: text.into() };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
        Some(_) | None => (text, PORT),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = |one: char| one.is_ascii_alphanumeric() || ".-_".contains(one);
    let fits = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(plain),
    };
    if fits && port > 0 { Ok(Node { host: host.into(), port }) } else { Err(bad()) }
}
