use std::io::Write as _;

use eventstore::Credentials;

use super::*;

fn read(text: &str) -> Address {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn settings(text: &str) -> ClientSettings {
    let address = read(text);
    address.settings(None, address.preference).unwrap()
}

fn hosts(settings: &ClientSettings) -> Vec<String> {
    settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect()
}

#[test]
fn hosts_have_a_port_or_the_usual_one() {
    for (text, expected) in [
        ("esdb://a", vec!["a:2113"]),
        ("esdb://a:2114/", vec!["a:2114"]),
        ("ESDB://a,b:1,c.example.org?tls=false", vec!["a:2113", "b:1", "c.example.org:2113"]),
        ("kurrentdb://10.0.0.1", vec!["10.0.0.1:2113"]),
        ("kdb+discover://cluster:2", vec!["cluster:2"]),
        ("esdb://[::1]:2115,[fe80::1]", vec!["[::1]:2115", "[fe80::1]:2113"]),
    ] {
        let settings = settings(text);
        assert_eq!(hosts(&settings), expected, "{text}");
        assert_eq!(settings.is_dns_discovery_enabled(), text.contains("+discover"));
    }
}

#[test]
fn what_is_not_said_is_as_everywhere() {
    let settings = settings("esdb://a");
    assert!(settings.is_secure_mode_enabled());
    assert!(settings.is_tls_certificate_verification_enabled());
    assert_eq!(settings.node_preference(), NodePreference::Leader);
    assert_eq!(settings.gossip_timeout(), Duration::from_secs(3));
    assert_eq!(settings.default_authenticated_user(), &None);
    let debug = format!("{settings:?}");
    assert!(debug.contains("keep_alive_interval: 10s, keep_alive_timeout: 10s"), "{debug}");
    assert!(debug.contains("default_deadline: Some(10s)"), "{debug}");
}

#[test]
fn everything_can_be_said() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"-----BEGIN CERTIFICATE-----\n").unwrap();
    let path = file.path().to_str().unwrap();
    let text = format!(
        "esdb://us%40er:p%3Aa%2Cs%25s@a,b?TLS=True&tlsVerifyCert=false&tlsCaFile={path}\
         &userCertFile={path}&userKeyFile={path}&nodePreference=readOnlyReplica\
         &maxDiscoverAttempts=7&discoveryInterval=5&gossipTimeout=6&keepAliveInterval=1500\
         &keepAliveTimeout=-1&defaultDeadline=4000&connectionName=shiplog%201\
         &throwOnAppendFailure=false"
    );
    let (address, settings) = (read(&text), settings(&text));

    assert_eq!((address.attempts, address.discovery_interval), (7, Duration::from_millis(5)));
    assert_eq!(address.deadline, Duration::from_secs(4));
    let user = Some(Credentials::new("us@er", "p:a,s%s"));
    assert_eq!(settings.default_authenticated_user(), &user);
    assert!(!settings.is_tls_certificate_verification_enabled());
    assert_eq!(settings.tls_ca_file().map(String::as_str), Some(path));
    assert_eq!(settings.user_certificate(), Some((&path.to_owned(), &path.to_owned())));
    assert_eq!(settings.node_preference(), NodePreference::ReadOnlyReplica);
    assert_eq!(settings.gossip_timeout(), Duration::from_millis(6));
    let debug = format!("{settings:?}");
    assert!(debug.contains("keep_alive_interval: 1.5s"), "{debug}");
    assert!(debug.contains("connection_name: Some(\"shiplog 1\")"), "{debug}");
}

#[test]
fn one_node_is_asked_without_looking_for_others() {
    let address = read("esdb+discover://cluster");
    let node = Node { host: "b".into(), port: 7 };
    let settings = address.settings(Some(&node), NodePreference::Leader).unwrap();
    assert_eq!(
        (hosts(&settings), settings.is_dns_discovery_enabled()),
        (vec!["b:7".into()], false)
    );
}

#[test]
fn a_password_is_not_shown() {
    let address = read("esdb://mara:secret@a,b:1?tls=false");
    assert_eq!(address.to_string(), "esdb://mara@a:2113,b:1");
    assert!(!format!("{address:?}").contains("secret"));
}

#[test]
fn what_is_no_connection_string_says_why() {
    let begins =
        "a connection string begins with `esdb://`, `kurrentdb://` or either `+discover://`";
    for (text, problem) in [
        ("localhost:2113", begins),
        ("http://a", begins),
        ("esdb://", "it names no host"),
        ("esdb://a,,b", "it names no host"),
        ("esdb://user@?tls=false", "it names no host"),
        ("esdb://a:b:c", "`a:b:c` is not a host with or without a port"),
        ("esdb://a:0", "`a:0` is not a host with or without a port"),
        ("esdb://a:65536", "`a:65536` is not a host with or without a port"),
        ("esdb://a b", "`a b` is not a host with or without a port"),
        ("esdb://[::g]", "`[::g]` is not a host with or without a port"),
        ("esdb+discover://a,b", "with `+discover` it names one host, not `2`"),
        ("esdb://a/b", "it has a path, `/b`"),
        ("esdb://%ff@a", "its user is not UTF-8 once it is decoded"),
        ("esdb://a?tsl=false", "it has no parameter `tsl`"),
        ("esdb://a?tls=true&TLS=true", "the parameter `TLS` is given twice"),
        ("esdb://a?tls=no", "the parameter `tls` takes `true` or `false`, not `no`"),
        (
            "esdb://a?gossipTimeout=1s",
            "the parameter `gossipTimeout` takes milliseconds, from 1 to a day, not `1s`",
        ),
        (
            "esdb://a?keepAliveInterval=0",
            "the parameter `keepAliveInterval` takes milliseconds, from 1 to a day, or -1 for \
             never, not `0`",
        ),
        (
            "esdb://a?maxDiscoverAttempts=0",
            "the parameter `maxDiscoverAttempts` takes a number from 1 to 1000, not `0`",
        ),
        (
            "esdb://a?nodePreference=master",
            "the parameter `nodePreference` takes `leader`, `follower`, `random` or \
             `readOnlyReplica`, not `master`",
        ),
        (
            "esdb://a?connectionName=%0A",
            "the parameter `connectionName` takes printable ASCII, not `\n`",
        ),
        (
            "esdb://a?tlsCaFile=/nowhere/ca.crt",
            "the file `/nowhere/ca.crt` of `tlsCaFile` cannot be read: No such file or directory \
             (os error 2)",
        ),
        ("esdb://a?tlsCaFile=/dev/null", "the file `/dev/null` of `tlsCaFile` is not in PEM"),
    ] {
        let error = text.parse::<Address>().unwrap_err();
        assert_eq!(error.to_string(), problem, "{text}");
    }
}
