//! `--on-failure`: a script that is given all that is known of a failure.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    client::{Client, deployment_path},
    context::Context,
    execution::{self, Outcome},
    spool::{Journal, Verb},
};

/// What to run when something has failed.
#[derive(Debug, clap::Args)]
pub(crate) struct OnFailureArgs {
    /// A program to run for each target that failed, then for the deployment if it failed.
    ///
    /// It reads on standard input what recovery knows, as JSON: `{"scope": "target" or
    /// "deployment", "target": … or null, "recovery": … or null}`. How it ends changes nothing.
    #[arg(long, value_name = "PROGRAM")]
    on_failure: Option<PathBuf>,
}

impl OnFailureArgs {
    /// Runs it for what has failed.
    pub(crate) fn run(
        &self,
        context: &mut Context<'_>,
        client: &Client,
        journal: &Journal,
        outcome: &Outcome,
    ) {
        let has_failed = journal.count(Verb::Fail) > 0;
        let Some(program) = &self.on_failure else { return };
        if !has_failed && outcome.failed_targets.is_empty() {
            return;
        }
        let recovery = recovery(context, client, journal);
        let targets = outcome.failed_targets.iter();
        let targets = targets
            .map(|target| json!({"scope": "target", "target": target, "recovery": recovery}));
        let deployment = has_failed
            .then(|| json!({"scope": "deployment", "target": null, "recovery": recovery}));
        for known in targets.chain(deployment) {
            if let Err(why) = call(context, program, journal, &known) {
                context.mention(format!("--on-failure {}: {why}", program.display()));
            }
        }
    }
}

/// What the server knows, or nothing if it cannot be asked.
fn recovery(context: &mut Context<'_>, client: &Client, journal: &Journal) -> Value {
    let (head, Some(number)) = (journal.head(), journal.number()) else { return Value::Null };
    let path = deployment_path(&head.service, &head.environment, number).join("recovery");
    match client.get(&path) {
        Ok(answer) => answer.body,
        Err(failure) => {
            context.mention(format!("--on-failure is not told what recovery knows: {failure}"));
            Value::Null
        }
    }
}

/// Runs the program to its end; an error says how that was.
fn call(
    context: &Context<'_>,
    program: &Path,
    journal: &Journal,
    known: &Value,
) -> Result<(), String> {
    let mut command = Command::new(program);
    execution::set_variables(&mut command, &context.settings.server.value, journal);
    let child = command.stdin(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("cannot be run: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // Whoever does not read to the end does not want to know.
        let _ = input.write_all(known.to_string().as_bytes());
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("ended with {status}")),
        Err(error) => Err(format!("cannot be waited for: {error}")),
    }
}
