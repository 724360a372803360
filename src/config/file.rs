//! A configuration file: flat TOML with known keys.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use shiplog_api::utf8;
use shiplog_projections::nearest::closest;

use super::{KEYS, TOKEN_FILE};
use crate::{ci::Variables, exit::Failure};

/// The file that a directory may hold.
const HERE: &str = "shiplog.toml";

/// One configuration file, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
    table: toml::Table,
}

impl File {
    /// Reads the files that exist: `./shiplog.toml`, then the user's own.
    pub(crate) fn find(variables: Variables<'_>) -> Result<Vec<Self>, Failure> {
        let mut files = Vec::new();
        for path in [Some(PathBuf::from(HERE)), own_path(variables)].into_iter().flatten() {
            match fs::read(&path) {
                Ok(bytes) => {
                    let text = utf8::text(&bytes).map_err(|error| {
                        Failure::usage(format!("cannot read {}: {error}", path.display()))
                    })?;
                    files.push(Self::parse(path, text)?);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = format!("cannot read {}: {error}", path.display());
                    return Err(Failure::usage(message));
                }
            }
        }
        Ok(files)
    }

    /// Takes a file's text apart; an unknown key is an error that names the nearest known one.
    pub(crate) fn parse(path: PathBuf, text: &str) -> Result<Self, Failure> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            Failure::usage(format!("{} is not TOML: {}", path.display(), error.message()))
        })?;
        for (key, value) in &table {
            if !KEYS.iter().any(|known| known.name == key) {
                return Err(Failure::usage(format!("{}: unknown key `{key}`", path.display()))
                    .note(format!("did you mean `{}`?", nearest(key))));
            }
            if text_of(value).is_none() {
                let message = format!("{}: `{key}` takes one plain value", path.display());
                return Err(Failure::usage(message));
            }
        }
        // Whoever checks out a repository must not thereby send one of their own files away.
        if path == Path::new(HERE) && table.contains_key(TOKEN_FILE.name) {
            return Err(Failure::usage(format!(
                "{HERE}: `{}` may not stand here",
                TOKEN_FILE.name
            ))
            .note("say where your token is in your own configuration file, or in SHIPLOG_TOKEN"));
        }
        Ok(Self { path, table })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says under a key.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        self.table.get(key).and_then(text_of)
    }
}

/// `$XDG_CONFIG_HOME/shiplog/config.toml`, by default below `~/.config`.
fn own_path(variables: Variables<'_>) -> Option<PathBuf> {
    let base = variables("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(variables("HOME")?).join(".config")))?;
    Some(base.join("shiplog").join("config.toml"))
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => None,
    }
}

fn nearest(key: &str) -> &'static str {
    closest(key, KEYS.iter().map(|known| known.name)).unwrap_or("server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        for (key, meant) in [("sever", "server"), ("timezone", "timeout"), ("Output", "output")] {
            let failure = File::parse("x.toml".into(), &format!("{key} = 1")).unwrap_err();
            assert_eq!(failure.to_string(), format!("x.toml: unknown key `{key}`"));
            assert_eq!(failure.notes(), [format!("did you mean `{meant}`?")]);
        }
    }

    #[test]
    fn what_is_not_toml_or_not_plain_is_refused() {
        assert!(File::parse("x".into(), "server").is_err());
        assert!(File::parse("x".into(), "server = [1]").is_err());
    }

    #[test]
    fn a_file_of_the_directory_names_no_credential() {
        assert!(File::parse(HERE.into(), "token_file = \"/etc/key\"").is_err());
        assert!(File::parse("/home/ann/config.toml".into(), "token_file = \"/etc/key\"").is_ok());
    }

    #[test]
    fn the_own_file_is_where_xdg_says() {
        let path = |set: &[(&str, &str)]| {
            own_path(&|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into())
            })
        };
        let home = ("HOME", "/home/ann");
        let expected = Some("/home/ann/.config/shiplog/config.toml".into());
        assert_eq!(path(&[home]), expected);
        assert_eq!(path(&[home, ("XDG_CONFIG_HOME", "relative")]), expected);
        let xdg = ("XDG_CONFIG_HOME", "/xdg");
        assert_eq!(path(&[home, xdg]), Some("/xdg/shiplog/config.toml".into()));
        assert_eq!(path(&[]), None);
    }
}
