//! Settings: where each value comes from, and which one counts.
//!
//! A flag counts before an environment variable, that before `./shiplog.toml`, that before the
//! user's own file, that before the default.

mod file;
mod show;

use std::{fmt, path::PathBuf, time::Duration};

use clap::ValueEnum as _;

pub(crate) use self::{
    file::File,
    show::{ConfigCommand, explain},
};
use crate::{ci::Variables, cli::GlobalArgs, exit::Failure, instant::Zone, output::Format};

/// How long a request may take where nothing else was said.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a server listens unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:7420";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of this call.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A configuration file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Everything that can be set for all commands.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The server's URL, without a trailing `/`.
    pub(crate) server: Setting<String>,
    /// Where the token is, if one is to be sent.
    pub(crate) token: Setting<TokenPlace>,
    /// How results are written.
    pub(crate) output: Setting<Format>,
    /// The time zone of what is read and written.
    pub(crate) tz: Setting<Zone>,
    /// How long the server may take; `None` leaves it to the command.
    pub(crate) timeout: Setting<Option<Duration>>,
    /// Whether only errors are said.
    pub(crate) quiet: Setting<bool>,
    /// Who does it, if the call does not say.
    pub(crate) actor: Setting<Option<String>>,
}

/// Where the token is; it is read when the first request needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    /// No token.
    Nowhere,
    /// In the environment variable `SHIPLOG_TOKEN`.
    Variable,
    /// Alone in a file.
    File(PathBuf),
}

/// One setting's names: in files, in the environment, on the command line.
struct Key {
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
}

const SERVER: Key = Key { name: "server", variable: "SHIPLOG_SERVER", flag: "--server" };
const TOKEN_FILE: Key =
    Key { name: "token_file", variable: "SHIPLOG_TOKEN_FILE", flag: "--token-file" };
const OUTPUT: Key = Key { name: "output", variable: "SHIPLOG_OUTPUT", flag: "--output" };
const TZ: Key = Key { name: "tz", variable: "SHIPLOG_TZ", flag: "--tz" };
const TIMEOUT: Key = Key { name: "timeout", variable: "SHIPLOG_TIMEOUT", flag: "--timeout" };
const QUIET: Key = Key { name: "quiet", variable: "SHIPLOG_QUIET", flag: "--quiet" };
const ACTOR: Key = Key { name: "actor", variable: "SHIPLOG_ACTOR", flag: "--actor" };

/// The keys that a configuration file may hold.
const KEYS: [&Key; 7] = [&SERVER, &TOKEN_FILE, &OUTPUT, &TZ, &TIMEOUT, &QUIET, &ACTOR];

/// The places that settings come from, the one that counts first.
pub(crate) struct Sources<'a> {
    /// What stands on the command line.
    pub(crate) flags: &'a GlobalArgs,
    /// The environment.
    pub(crate) variables: Variables<'a>,
    /// The configuration files that exist.
    pub(crate) files: &'a [File],
}

impl Settings {
    /// Takes each setting from the first place that has it.
    pub(crate) fn resolve(sources: &Sources<'_>) -> Result<Self, Failure> {
        let GlobalArgs { server, token_file, output, tz, timeout, quiet, explain: _ } =
            sources.flags;
        let output = output.and_then(|output| output.to_possible_value());
        let output = output.as_ref().map(clap::builder::PossibleValue::get_name);
        Ok(Self {
            server: sources.pick(&SERVER, server.as_deref(), DEFAULT_SERVER, read_server)?,
            token: sources.token(token_file.as_deref().and_then(std::path::Path::to_str))?,
            output: sources.pick(&OUTPUT, output, "table", read_output)?,
            tz: sources.pick(&TZ, tz.as_deref(), "local", Zone::named)?,
            timeout: sources.pick(&TIMEOUT, timeout.as_deref(), "", read_timeout)?,
            quiet: sources.pick(&QUIET, quiet.then_some("true"), "false", read_bool)?,
            actor: sources
                .pick(&ACTOR, None, "", |text| Ok((!text.is_empty()).then(|| text.to_owned())))?,
        })
    }
}

impl Sources<'_> {
    fn find(&self, key: &Key, flag: Option<&str>) -> Option<(String, Origin)> {
        if let Some(value) = flag {
            return Some((value.into(), Origin::Flag(key.flag)));
        }
        if let Some(value) = (self.variables)(key.variable) {
            return Some((value, Origin::Variable(key.variable)));
        }
        let mut files = self.files.iter();
        files.find_map(|file| Some((file.value(key.name)?, Origin::File(file.path().into()))))
    }

    fn pick<T>(
        &self,
        key: &Key,
        flag: Option<&str>,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Setting<T>, Failure> {
        let found = self.find(key, flag);
        let (text, origin) = found.unwrap_or_else(|| (default.into(), Origin::Default));
        match read(&text) {
            Ok(value) => Ok(Setting { value, origin }),
            Err(why) => Err(Failure::usage(format!("`{}`: {why}", key.name))
                .note(format!("the value comes from {origin}"))),
        }
    }

    /// The token itself stands in the environment alone; a file or flag says where it is kept.
    fn token(&self, flag: Option<&str>) -> Result<Setting<TokenPlace>, Failure> {
        const VARIABLE: &str = "SHIPLOG_TOKEN";
        if flag.is_none() && (self.variables)(VARIABLE).is_some() {
            let origin = Origin::Variable(VARIABLE);
            return Ok(Setting { value: TokenPlace::Variable, origin });
        }
        self.pick(&TOKEN_FILE, flag, "", |text| {
            Ok(if text.is_empty() { TokenPlace::Nowhere } else { TokenPlace::File(text.into()) })
        })
    }
}

fn read_server(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => {
            Ok(text.trim_end_matches('/').into())
        }
        Some(_) | None => Err(format!("`{text}` is no server: give one like `{DEFAULT_SERVER}`")),
    }
}

fn read_output(text: &str) -> Result<Format, String> {
    Format::from_str(text, false)
        .map_err(|_| format!("`{text}` is no format: give `table`, `json`, `jsonl` or `csv`"))
}

fn read_bool(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("`{text}` is neither `true` nor `false`")),
    }
}

/// Reads `30` (seconds), `500ms`, `2m`; nothing leaves it to the command.
fn read_timeout(text: &str) -> Result<Option<Duration>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let seconds = text.parse().map(jiff::SignedDuration::from_secs);
    let length = seconds.ok().or_else(|| text.parse().ok());
    let length = length.and_then(|length| Duration::try_from(length).ok());
    match length {
        Some(length) if length > Duration::ZERO => Ok(Some(length)),
        Some(_) | None => Err(format!("`{text}` is no timeout: give one like `30s` or `2m`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const OWN: &str = "/home/ann/.config/shiplog/config.toml";

    fn resolve(
        flags: &GlobalArgs,
        variables: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Result<Settings, Failure> {
        let variables = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into())
        };
        let files: Result<Vec<_>, _> =
            files.iter().map(|(path, text)| File::parse((*path).into(), text)).collect();
        Settings::resolve(&Sources { flags, variables: &variables, files: &files? })
    }

    #[test]
    fn each_place_counts_before_the_next() {
        let flags = GlobalArgs { server: Some("http://flag".into()), ..GlobalArgs::default() };
        let variables = [("SHIPLOG_SERVER", "http://variable")];
        let here = ("shiplog.toml", "server = \"http://here\"");
        let own = (OWN, "server = \"http://own\"");
        let server = |flags: &GlobalArgs, variables: &[_], files: &[_]| {
            let server = resolve(flags, variables, files).unwrap().server;
            format!("{} ({})", server.value, server.origin)
        };
        assert_eq!(server(&flags, &variables, &[here, own]), "http://flag (flag --server)");
        let none = GlobalArgs::default();
        assert_eq!(
            server(&none, &variables, &[here, own]),
            "http://variable (environment variable SHIPLOG_SERVER)"
        );
        assert_eq!(server(&none, &[], &[here, own]), "http://here (file shiplog.toml)");
        assert_eq!(server(&none, &[], &[own]), format!("http://own (file {OWN})"));
        assert_eq!(server(&none, &[], &[]), "http://127.0.0.1:7420 (default)");
    }

    #[test]
    fn a_wrong_value_names_its_place() {
        let none = GlobalArgs::default();
        let failure = resolve(&none, &[("SHIPLOG_TZ", "Mars")], &[]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert_eq!(failure.notes(), ["the value comes from environment variable SHIPLOG_TZ"]);
        let failure = resolve(&none, &[], &[("shiplog.toml", "output = \"xml\"")]).unwrap_err();
        assert_eq!(failure.notes(), ["the value comes from file shiplog.toml"]);
    }

    #[test]
    fn a_token_file_on_the_command_line_counts_before_a_token_in_the_environment() {
        let flags = GlobalArgs { token_file: Some("t".into()), ..GlobalArgs::default() };
        let variables = [("SHIPLOG_TOKEN", "secret")];
        let token = |flags: &GlobalArgs| resolve(flags, &variables, &[]).unwrap().token.value;
        assert_eq!(token(&flags), TokenPlace::File("t".into()));
        assert_eq!(token(&GlobalArgs::default()), TokenPlace::Variable);
    }

    #[test]
    fn a_timeout_has_a_unit_or_counts_seconds() {
        for (text, expected) in
            [("30", 30_000), ("500ms", 500), ("2m", 120_000), ("1m 30s", 90_000)]
        {
            assert_eq!(read_timeout(text), Ok(Some(Duration::from_millis(expected))), "{text}");
        }
        for text in ["0", "-3s", "soon"] {
            assert!(read_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_is_a_url_and_loses_its_last_slash() {
        assert_eq!(read_server("https://log.example/"), Ok("https://log.example".into()));
        for text in ["log.example", "ftp://log.example", "http://", "http://a?b"] {
            assert!(read_server(text).is_err(), "{text}");
        }
    }
}
