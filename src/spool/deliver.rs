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
    /// Before the command has begun, a refusal ends it: nothing need be run. After that, everything is a
    /// report of what took place, and what the server takes in no form is kept aside so that the rest is
    /// told.
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
        match self.send_forms(client, entry) {
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

    /// Sends the entry in the form that the server takes.
    ///
    /// What has begun is a report. If the server has the entry in another form already, from a try whose
    /// answer was lost, its key says so: then that form is sent again, and answered as it was.
    fn send_forms(&self, client: &Client, entry: &Entry) -> Result<Answer, Unwritten> {
        let stored = entry.body.clone();
        let mut sent = None;
        for form in self.report(entry).into_iter().chain([entry.asked(), stored]) {
            match self.send(client, entry, &form) {
                Err(no) if no.is_of_another_form() => sent = Some(Err(no)),
                settled => return settled,
            }
        }
        sent.unwrap_or_else(|| self.send(client, entry, &entry.body))
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
                body.remove("new_name");
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

impl Entry {
    /// The entry as something that is asked for: now, whenever that is.
    fn asked(&self) -> Value {
        let mut body = self.body.clone();
        let asks = match self.verb {
            Verb::Request => true,
            Verb::Start => body.get("claim") == Some(&Value::Bool(true)),
            Verb::Targets | Verb::Succeed | Verb::Fail | Verb::Cancel | Verb::Notes => false,
        };
        if let Some(fields) = body.as_object_mut().filter(|_| asks) {
            fields.remove("at");
        }
        body
    }
}

impl Unwritten {
    /// Whether the key was used for the same entry in another form.
    fn is_of_another_form(&self) -> bool {
        matches!(&self.cause, Cause::Refused(code) if code == "idempotency-key-reused")
    }

    /// Whether the same request will never be taken.
    pub(crate) fn is_final(&self) -> bool {
        match self.cause {
            Cause::Refused(_) | Cause::Stale | Cause::Unacceptable => true,
            Cause::Away | Cause::Damaged(_) | Cause::Denied => false,
        }
    }
}
