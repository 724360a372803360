//! A journal, told to the server entry by entry.

use serde_json::{Map, Value};
use ureq::http::Method;

use super::{
    journal::Journal,
    line::{Entry, Verb},
};
use crate::client::{Answer, Cause, Client, Path, Unwritten, Write, deployment_path};

impl Journal {
    /// Tells the server, in order, what it does not have yet.
    ///
    /// Before the command has begun, a refusal ends it: nothing need be run. After that, what the
    /// rules would have refused is a report of what took place, and what the server takes in no
    /// form is kept aside so that the rest is told.
    pub(crate) fn deliver(&mut self, client: &Client) -> Result<(), Unwritten> {
        while let Some(entry) = self.next() {
            // What was called off before it began has not started.
            let is_moot = entry.verb == Verb::Start && self.has_ended() && !self.has_begun();
            if !is_moot {
                self.deliver_one(client, &entry)?;
            }
            self.delivered += 1;
        }
        Ok(())
    }

    fn next(&self) -> Option<Entry> {
        self.entries().nth(self.delivered).cloned()
    }

    fn deliver_one(&mut self, client: &Client, entry: &Entry) -> Result<(), Unwritten> {
        let sent = self.send(client, entry, &entry.body);
        let sent = match (sent, self.report(entry)) {
            (Err(no), Some(report)) if no.is_final() => self.send(client, entry, &report),
            (sent, _) => sent,
        };
        match sent {
            Ok(answer) => {
                self.number = answer.body.get("number").and_then(Value::as_u64).or(self.number);
                self.told = Some(answer.body);
                Ok(())
            }
            Err(no) if self.has_begun() && self.number.is_some() && no.is_final() => {
                self.refused.push(no.failure.to_string());
                Ok(())
            }
            Err(no) => Err(no),
        }
    }

    fn send(&self, client: &Client, entry: &Entry, body: &Value) -> Result<Answer, Unwritten> {
        let head = self.head();
        let path = match (entry.verb.segment(), self.number) {
            (Some(segment), Some(number)) => {
                deployment_path(&head.service, &head.environment, number).join(segment)
            }
            (Some(_) | None, _) => Path::literal("/v1/deployments"),
        };
        client.try_write(&Write {
            method: Method::POST,
            path: &path,
            body,
            key: &entry.key,
            actor: head.actor.as_ref(),
            if_match: entry.if_match.as_deref(),
        })
    }

    /// The entry as a report, which no rule refuses, if the command has begun.
    fn report(&self, entry: &Entry) -> Option<Value> {
        if !self.has_begun() {
            return None;
        }
        let mut body: Map<_, _> = entry.body.as_object()?.clone();
        match entry.verb {
            Verb::Request => {
                let start = self.entries().find(|entry| entry.verb == Verb::Start)?;
                body.insert("at".into(), start.body.get("at")?.clone());
                body.insert("status".into(), "started".into());
                body.remove("override");
            }
            Verb::Start => {
                body.remove("claim")?;
            }
            Verb::Targets | Verb::Succeed | Verb::Fail | Verb::Cancel | Verb::Notes => {
                return None;
            }
        }
        Some(body.into())
    }
}

impl Unwritten {
    /// Whether the same request will never be taken.
    pub(crate) fn is_final(&self) -> bool {
        match self.cause {
            Cause::Refused(_) | Cause::Stale | Cause::Unacceptable => true,
            Cause::Away | Cause::Denied => false,
        }
    }
}
