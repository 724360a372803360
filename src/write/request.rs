//! A request that changes something, sent so that a step which runs again is recorded once.

use serde_json::Value;
use ureq::http::Method;

use super::{
    Author,
    again::{Course, Past},
    key::Key,
};
use crate::{
    client::{Answer, Cause, Client, Path, Unwritten, Write, path},
    context::Context,
    instant::Moment,
};

/// What is asked for.
pub(crate) struct Request<'a> {
    /// The command's word, for the key.
    pub(crate) verb: &'a str,
    /// `POST`, `PUT` or `DELETE`.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) path: &'a Path,
    /// What is asked for.
    pub(crate) body: Value,
    /// The fields of the body that differ each time the same words are said, with those words.
    pub(crate) fluid: Vec<(&'static str, String)>,
    /// Whether the body says who asks.
    pub(crate) names_actor: bool,
    /// The version that the request was made for.
    pub(crate) if_match: Option<&'a str>,
    /// Where it is recorded.
    pub(crate) course: Course,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The answer's body.
    pub(crate) body: Value,
    /// Whether it was recorded before.
    pub(crate) is_known: bool,
}

/// The fields whose value depends on when the command was called, with the words for it.
pub(crate) fn fluid<const N: usize>(
    moments: [(&'static str, &Option<Moment>); N],
) -> Vec<(&'static str, String)> {
    let relative =
        |(field, moment): (_, &Option<Moment>)| Some((field, moment.as_ref()?.relative.clone()?));
    moments.into_iter().filter_map(relative).collect()
}

impl Author {
    /// Sends a request under the key that was given, or else its own.
    pub(crate) fn send(
        &self,
        context: &mut Context<'_>,
        client: &Client,
        request: &Request<'_>,
    ) -> anyhow::Result<Sent> {
        let key = self.key(context, request)?;
        let answer = self.try_key(client, request, &key)?;
        if !answer.is_replayed {
            return Ok(Sent { body: answer.body, is_known: false });
        }
        let undone_at = match &key.run {
            Some(_) => past(client, &key, &request.course)?,
            None => None,
        };
        let answer = match undone_at {
            Some(version) => self.try_key(client, request, &key.after(version))?,
            None => answer,
        };
        if answer.is_replayed {
            context.say(KNOWN)?;
        }
        Ok(Sent { body: answer.body, is_known: answer.is_replayed })
    }

    fn key(&self, context: &mut Context<'_>, request: &Request<'_>) -> anyhow::Result<Key> {
        let run = context.run();
        let of_step = run.and_then(|run| {
            let variable = run.attempt.as_ref()?.variable;
            let place = request.path.to_string();
            Some((Key::of_step(&run, request.verb, &place, &request.said(self))?, variable))
        });
        let (key, origin) = match (&self.key, of_step) {
            (Some(key), _) => (Key::given(key.clone())?, "flag --idempotency-key".to_owned()),
            (None, Some((key, variable))) => (key, format!("environment variable {variable}")),
            (None, None) => (Key::random(), "random".to_owned()),
        };
        context.explain("idempotency key", &key.text, &origin)?;
        Ok(key)
    }

    /// Sends it under a key. If that stands for the same words said at another time, what they
    /// meant the first time is what is sent.
    fn try_key(&self, client: &Client, request: &Request<'_>, key: &Key) -> anyhow::Result<Answer> {
        let refused = match self.write(client, request, &request.body, key) {
            Err(Unwritten { failure, cause: Cause::Refused(code) })
                if code == "idempotency-key-reused" && !request.fluid.is_empty() =>
            {
                failure
            }
            written => return written.map_err(|unwritten| unwritten.failure.into()),
        };
        let Some(first) = first(client, key, &request.course)? else { return Err(refused.into()) };
        let body = request.as_of(&first);
        self.write(client, request, &body, key).map_err(|unwritten| unwritten.failure.into())
    }

    fn write(
        &self,
        client: &Client,
        request: &Request<'_>,
        body: &Value,
        key: &Key,
    ) -> Result<Answer, Unwritten> {
        let Request { method, path, names_actor, if_match, .. } = request;
        let actor = self.actor.as_ref().filter(|_| !names_actor);
        let (method, key, if_match) = (method.clone(), key.text.as_str(), *if_match);
        client.try_write(&Write { method, path, body, key, actor, if_match })
    }
}

/// What people are told where nothing new was recorded.
const KNOWN: &str = "recorded before under the same idempotency key; nothing was added. If it \
                     happened once more, say so with another --idempotency-key";

impl Request<'_> {
    /// The request in the words that were typed, with who asks.
    fn said(&self, author: &Author) -> Value {
        let mut said = self.body.clone();
        if let Value::Object(fields) = &mut said {
            for (field, words) in &self.fluid {
                fields.insert((*field).to_owned(), words.as_str().into());
            }
        }
        let actor = author.actor.as_ref().map(ToString::to_string);
        serde_json::json!([said, actor])
    }

    /// The body as the same words meant it when this event was recorded.
    fn as_of(&self, event: &Value) -> Value {
        let mut body = self.body.clone();
        let Value::Object(fields) = &mut body else { return body };
        for (field, _) in &self.fluid {
            match event.pointer(&format!("/data/{field}")) {
                Some(value) => fields.insert((*field).to_owned(), value.clone()),
                None => fields.remove(*field),
            };
        }
        body
    }
}

/// The events of the stream that holds what comes of the request.
fn events<'c>(
    client: &'c Client,
    course: &Course,
) -> impl Iterator<Item = anyhow::Result<Value>> + 'c {
    let pages = course
        .stream()
        .map(|stream| client.pages(path(&["v1", "events"]).with("stream", stream.as_str()), None));
    pages.into_iter().flatten()
}

/// The first event that was recorded under a key.
fn first(client: &Client, key: &Key, course: &Course) -> anyhow::Result<Option<Value>> {
    for event in events(client, course) {
        let event = event?;
        if event.get("idempotency_key").and_then(Value::as_str) == Some(&key.text) {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// The version of the newest event that makes the same words a new request, if one does.
fn past(client: &Client, key: &Key, course: &Course) -> anyhow::Result<Option<u64>> {
    let mut past = Past::new(key, course);
    for event in events(client, course) {
        past.take(&event?);
    }
    Ok(past.undone_at())
}
