//! What every command that changes something says: who does it, and under which key.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    actor::Actor,
    ci::Found,
    client::{Answer, Client, Path, Write},
    context::Context,
    exit::Failure,
};

/// The most characters that an idempotency key may have.
const MAX_KEY_CHARACTERS: usize = 200;

/// The flags of commands that change something.
#[derive(Debug, clap::Args)]
pub(crate) struct WriteArgs {
    #[command(flatten)]
    actor: ActorArgs,
    /// The key under which this request is recorded once, however often it is sent.
    ///
    /// By default made of the pipeline's run and attempt, or random.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// The flag that says who does it.
#[derive(Debug, clap::Args)]
pub(crate) struct ActorArgs {
    /// Who does it: `ann`, `person:ann`, `service:ci` or `system:argo-cd`; else `SHIPLOG_ACTOR`.
    ///
    /// By default, whoever caused the pipeline's run, or the login name; of an agent, its name.
    #[arg(long, value_name = "[KIND:]ID")]
    actor: Option<Actor>,
}

impl ActorArgs {
    /// Settles who writes.
    pub(crate) fn find(self, context: &mut Context<'_>) -> anyhow::Result<Option<Actor>> {
        find_actor(context, self.actor)
    }

    /// Settles who writes, where that is nobody in particular unless it is said.
    pub(crate) fn find_or(self, context: &mut Context<'_>, usual: Actor) -> anyhow::Result<Actor> {
        let (actor, origin) =
            stated(context, self.actor)?.unwrap_or_else(|| (usual, "default".to_owned()));
        context.explain("actor", &actor.to_string(), &origin)?;
        Ok(actor)
    }
}

/// Who writes, and under which key.
#[derive(Debug)]
pub(crate) struct Author {
    /// Who does it, if that is known.
    pub(crate) actor: Option<Actor>,
    /// The same for every repetition of the request.
    pub(crate) key: String,
}

impl WriteArgs {
    /// Settles who writes and under which key. `what` tells this request from others of the same run.
    pub(crate) fn author(
        self,
        context: &mut Context<'_>,
        command: &str,
        what: &[&str],
    ) -> anyhow::Result<Author> {
        let Self { actor, idempotency_key } = self;
        let actor = actor.find(context)?;
        let key = find_key(context, idempotency_key, command, what)?;
        Ok(Author { actor, key })
    }
}

impl Author {
    /// Sends a request whose body says nothing about who asks.
    pub(crate) fn post(
        &self,
        client: &Client,
        path: &Path,
        body: &serde_json::Value,
    ) -> Result<Answer, Failure> {
        let Self { actor, key } = self;
        let actor = actor.as_ref();
        let method = ureq::http::Method::POST;
        client.write(&Write { method, path, body, key, actor, if_match: None })
    }
}

/// Who writes as far as somebody has said it, and where.
fn stated(context: &Context<'_>, flag: Option<Actor>) -> anyhow::Result<Option<(Actor, String)>> {
    let setting = context.settings.actor.clone();
    if let Some(actor) = flag {
        return Ok(Some((actor, "flag --actor".to_owned())));
    }
    let Some(text) = setting.value else { return Ok(None) };
    let actor = text.parse().map_err(|why| Failure::usage(format!("`actor`: {why}")))?;
    Ok(Some((actor, setting.origin.to_string())))
}

fn find_actor(context: &mut Context<'_>, flag: Option<Actor>) -> anyhow::Result<Option<Actor>> {
    let (actor, origin) = if let Some(stated) = stated(context, flag)? {
        stated
    } else if let Some(Found { value, variable }) = context.run().and_then(|run| run.actor) {
        (value, format!("environment variable {variable}"))
    } else if let Some(name) =
        (context.variables)("USER").or_else(|| (context.variables)("LOGNAME"))
    {
        (Actor::new(crate::actor::Kind::Person, name), "the login name".to_owned())
    } else {
        return Ok(None);
    };
    context.explain("actor", &actor.to_string(), &origin)?;
    Ok(Some(actor))
}

fn find_key(
    context: &mut Context<'_>,
    flag: Option<String>,
    command: &str,
    what: &[&str],
) -> anyhow::Result<String> {
    let (key, origin) = if let Some(key) = flag {
        let fits = (1..=MAX_KEY_CHARACTERS).contains(&key.chars().count());
        if !fits || key.chars().any(char::is_control) {
            let message = "--idempotency-key takes 1 to 200 printable characters";
            return Err(Failure::usage(message).into());
        }
        (key, "flag --idempotency-key".to_owned())
    } else if let Some(Found { value, variable }) = context.run().and_then(|run| run.attempt) {
        (run_key(&value, command, what), format!("environment variable {variable}"))
    } else {
        (random_key(), "random".to_owned())
    };
    context.explain("idempotency key", &key, &origin)?;
    Ok(key)
}

/// The same for every repetition of one step in one attempt of a run, and for nothing else.
fn run_key(attempt: &str, command: &str, what: &[&str]) -> String {
    let digest = hex(&Sha256::digest(what.join("\0")), 6);
    let key = format!("{attempt}-{command}-{digest}");
    if key.chars().count() <= MAX_KEY_CHARACTERS {
        return key;
    }
    hex(&Sha256::digest(key), 32)
}

/// The key of the n-th request of several that are made under one key.
pub(crate) fn step_key(key: &str, index: usize) -> String {
    if index == 0 {
        return key.to_owned();
    }
    let key = format!("{key}-{index}");
    if key.chars().count() <= MAX_KEY_CHARACTERS {
        return key;
    }
    hex(&Sha256::digest(key), 32)
}

/// The first bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], count: usize) -> String {
    let digits = bytes.iter().take(count).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A key that no other call has.
#[expect(clippy::disallowed_methods, reason = "nothing else tells two calls by hand apart")]
pub(crate) fn random_key() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_runs_again_has_its_key_and_another_step_another() {
        let key = run_key("github-7-1", "deploy", &["checkout", "production", "1.4.2"]);
        assert_eq!(key, run_key("github-7-1", "deploy", &["checkout", "production", "1.4.2"]));
        assert!(key.starts_with("github-7-1-deploy-"), "{key}");
        for other in [
            run_key("github-7-2", "deploy", &["checkout", "production", "1.4.2"]),
            run_key("github-7-1", "start", &["checkout", "production", "1.4.2"]),
            run_key("github-7-1", "deploy", &["checkout", "staging", "1.4.2"]),
        ] {
            assert_ne!(key, other);
        }
    }

    #[test]
    fn a_key_is_never_longer_than_a_key_may_be() {
        assert_eq!(run_key(&"x".repeat(300), "deploy", &["a"]).len(), 64);
    }
}
