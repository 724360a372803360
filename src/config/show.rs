//! `shiplog config show`: each setting with its origin.

use serde_json::{Value, json};

use super::{REQUEST_TIMEOUT, Settings, TokenPlace};
use crate::{
    context::Context,
    exit::Exit,
    output::{Column, Kind, list},
};

/// Show the settings and where each one comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print each setting with its value and its origin.
    ///
    /// A flag counts before an environment variable, that before ./shiplog.toml, that before
    /// `$XDG_CONFIG_HOME/shiplog/config.toml`, that before the default.
    Show,
}

impl ConfigCommand {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        const COLUMNS: [Column; 3] = [
            Column::new("setting", "/setting", Kind::Text),
            Column::new("value", "/value", Kind::Text),
            Column::new("origin", "/origin", Kind::Text),
        ];
        match self.action {
            Action::Show => {
                let rows = context.settings.rows().map(|(setting, value, origin)| {
                    json!({"setting": setting, "value": value, "origin": origin})
                });
                list(context, &COLUMNS, rows.into_iter().map(Ok::<Value, anyhow::Error>))?;
                Ok(Exit::Success)
            }
        }
    }
}

impl Settings {
    /// Name, value and origin of each setting; never the token itself.
    fn rows(&self) -> [(&'static str, String, String); 7] {
        let Self { server, token, output, tz, timeout, quiet, actor } = self;
        let place = match &token.value {
            TokenPlace::Nowhere => "none".to_owned(),
            TokenPlace::Variable => "in the environment".to_owned(),
            TokenPlace::File(path) => path.display().to_string(),
        };
        let timeout_value = timeout.value.unwrap_or(REQUEST_TIMEOUT);
        let actor_value =
            actor.value.clone().unwrap_or_else(|| "the runner's or login name".into());
        [
            ("server", server.value.clone(), server.origin.to_string()),
            ("token", place, token.origin.to_string()),
            ("output", output.value.to_string(), output.origin.to_string()),
            ("tz", tz.value.to_string(), tz.origin.to_string()),
            ("timeout", format!("{timeout_value:?}"), timeout.origin.to_string()),
            ("quiet", quiet.value.to_string(), quiet.origin.to_string()),
            ("actor", actor_value, actor.origin.to_string()),
        ]
    }
}

/// Says on standard error which value of the settings came from where.
pub(crate) fn explain(context: &mut Context<'_>) -> anyhow::Result<()> {
    for (setting, value, origin) in context.settings.rows() {
        writeln!(context.err, "{setting} = {value} ({origin})")?;
    }
    Ok(())
}
