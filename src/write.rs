//! What every command that changes something says: who does it, and under which key.

mod again;
mod key;
mod request;

pub(crate) use self::{
    again::Course,
    key::{hex, random_key, step_key},
    request::{Request, Sent, fluid},
};
use crate::{actor::Actor, ci::Found, context::Context, exit::Failure};

/// The flags of commands that change something.
#[derive(Debug, clap::Args)]
pub(crate) struct WriteArgs {
    #[command(flatten)]
    actor: ActorArgs,
    /// The key under which this request is recorded once, however often it is sent.
    ///
    /// By default, on a known pipeline runner, made of the run, its attempt and job, the step where
    /// the runner names it, and all that the request says: the same step again is recorded once, also
    /// with a time like `10m`. What was said before counts as new once this run itself has put
    /// another release there, or once the deployment that was asked for has failed or was called
    /// off. Elsewhere random.
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

/// Who writes, and under which key if that was said.
#[derive(Debug)]
pub(crate) struct Author {
    /// Who does it, if that is known.
    pub(crate) actor: Option<Actor>,
    /// The key that was given.
    key: Option<String>,
}

impl WriteArgs {
    /// Settles who writes.
    pub(crate) fn author(self, context: &mut Context<'_>) -> anyhow::Result<Author> {
        let Self { actor, idempotency_key } = self;
        let actor = actor.find(context)?;
        Ok(Author { actor, key: idempotency_key })
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
