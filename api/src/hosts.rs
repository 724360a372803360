//! The hosts that a server answers to, and the origins of its own pages.
//!
//! A page of another site whose name was made to lead here (DNS rebinding) asks under that name, and
//! a browser believes it to be of one site with us. So a server answers to names that it was told
//! of, and to addresses that nobody can make lead elsewhere.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::{Uri, uri::Authority};

/// Which hosts a server answers to.
#[derive(Clone, Debug)]
pub struct Hosts {
    listen: IpAddr,
    public: Vec<PublicUrl>,
}

/// An address under which people reach the server, through a proxy for instance: scheme, host and
/// port, as in `https://shiplog.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
}

/// A text that is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not `http://HOST`, `https://HOST` or one of these with a port")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(InvalidPublicUrl);
        };
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(InvalidPublicUrl),
        };
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let host = host_of(authority).filter(|_| is_bare).ok_or(InvalidPublicUrl)?;
        let port = authority.port_u16().filter(|port| *port != usual);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self { origin: format!("{scheme}://{host}{port}"), host })
    }
}

impl Hosts {
    /// Those of a server that listens at an address and is reached at these as well.
    pub fn new(listen: SocketAddr, public: Vec<PublicUrl>) -> Self {
        Self { listen: listen.ip(), public }
    }

    /// Whether the server answers to a `Host`: a name of this machine for itself, the address that it
    /// listens at, or the host of a public URL. Ports are not looked at: one can be forwarded.
    pub(crate) fn answers_to(&self, authority: &Authority) -> bool {
        let Some(host) = host_of(authority) else { return false };
        if self.is_public(&host) || host == "localhost" || host.ends_with(".localhost") {
            return true;
        }
        // An address leads where it says. Who listens at all of them has any.
        address(&host).is_some_and(|address| {
            address.is_loopback() || self.listen.is_unspecified() || address == self.listen
        })
    }

    /// Whether an `Origin` is that of the pages which the server has under a `Host`.
    pub(crate) fn is_ours(&self, origin: &str, authority: &Authority) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.public.iter().any(|public| public.origin == origin) {
            return true;
        }
        let is_public = host_of(authority).is_some_and(|host| self.is_public(&host));
        let authority = authority.as_str().to_ascii_lowercase();
        !is_public && origin.strip_prefix("http://") == Some(&*authority)
    }

    fn is_public(&self, host: &str) -> bool {
        self.public.iter().any(|public| public.host == host)
    }
}

/// The host alone, in lower case and without the dot at the end that a whole name may have; nothing
/// where there is a login beside it.
fn host_of(authority: &Authority) -> Option<String> {
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty() && !authority.as_str().contains('@')).then(|| host.into())
}

fn address(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, public: &[&str]) -> Hosts {
        let public = public.iter().map(|url| url.parse().unwrap()).collect();
        Hosts::new(listen.parse().unwrap(), public)
    }

    #[track_caller]
    fn check(hosts: &Hosts, host: &str, answers: bool) {
        let authority = host.parse();
        let found = authority.is_ok_and(|authority| hosts.answers_to(&authority));
        assert_eq!(found, answers, "{host}");
    }

    #[test]
    fn a_server_answers_to_its_own_names_alone() {
        let here = hosts("127.0.0.1:7420", &[]);
        for host in ["localhost", "LocalHost:7420", "localhost.", "a.localhost:1", "127.0.0.1:80"] {
            check(&here, host, true);
        }
        for host in ["[::1]:7420", "127.9.9.9", "[::ffff:127.0.0.1]"] {
            check(&here, host, true);
        }
        for host in ["evil.example:7420", "localhost.evil.example", "10.0.0.1", "a@localhost", ""] {
            check(&here, host, false);
        }
        let network = hosts("10.0.0.1:7420", &["https://shiplog.example"]);
        for (host, answers) in [
            ("10.0.0.1:7420", true),
            ("10.0.0.2:7420", false),
            ("shiplog.example", true),
            ("Shiplog.Example:443", true),
            ("www.shiplog.example", false),
        ] {
            check(&network, host, answers);
        }
        let everywhere = hosts("0.0.0.0:7420", &[]);
        check(&everywhere, "192.168.7.7:7420", true);
        check(&everywhere, "shiplog.example", false);
    }

    #[test]
    fn an_origin_is_ours_with_its_scheme_and_its_port() {
        let hosts = hosts("127.0.0.1:7420", &["https://shiplog.example", "http://a.example:81"]);
        for (host, origin, ours) in [
            ("localhost:7420", "http://localhost:7420", true),
            ("localhost:7420", "http://LOCALHOST:7420", true),
            ("localhost:7420", "https://localhost:7420", false),
            ("localhost:7420", "ftp://localhost:7420", false),
            ("localhost:7420", "http://localhost:3000", false),
            ("localhost:7420", "http://127.0.0.1:7420", false),
            ("localhost:7420", "null", false),
            ("shiplog.example", "https://shiplog.example", true),
            ("127.0.0.1:7420", "https://shiplog.example", true),
            ("shiplog.example", "http://shiplog.example", false),
            ("a.example:81", "http://a.example:81", true),
            ("a.example", "http://a.example", false),
        ] {
            assert_eq!(hosts.is_ours(origin, &host.parse().unwrap()), ours, "{host} {origin}");
        }
    }

    #[test]
    fn a_public_url_is_scheme_host_and_port() {
        let same: PublicUrl = "https://shiplog.example/".parse().unwrap();
        assert_eq!("HTTPS://Shiplog.Example:443".parse(), Ok(same));
        for text in [
            "shiplog.example",
            "ftp://a",
            "https://a/b",
            "https://a?b",
            "https://",
            "",
            "https://u@a",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(InvalidPublicUrl), "{text}");
        }
    }
}
