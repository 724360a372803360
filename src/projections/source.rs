//! A projection's source: a file, or standard input.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::{exit::Failure, text_file};

/// What a projection is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// A fold, kept up event by event.
    Javascript,
    /// A query, answered when it is asked.
    Sql,
}

impl Language {
    /// The word on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Javascript => "javascript",
            Self::Sql => "sql",
        }
    }
}

/// Where a source is, and what it is written in.
#[derive(Debug, clap::Args)]
pub(super) struct SourceArgs {
    /// The file that holds it; `-` is standard input.
    file: PathBuf,
    /// What it is written in; by default, SQL if the file's name ends with `.sql`, else JavaScript.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    language: Option<Language>,
}

impl SourceArgs {
    /// Reads it.
    pub(super) fn read(&self) -> Result<(Language, String), Failure> {
        let Self { file, language } = self;
        let is_sql = file.extension().is_some_and(|extension| extension == "sql");
        let usual = if is_sql { Language::Sql } else { Language::Javascript };
        Ok((language.unwrap_or(usual), text_file::read("the source", file)?))
    }
}
