//! Imports straight into a log, without a server.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use shiplog_api::{Admission, Claims, FieldError, LineAnswer, LineStatus, record};
use shiplog_domain::metadata::{Actor, ActorKind, CorrelationId, Source, Via};
use shiplog_projections::models::ReadModels;
use shiplog_store::{
    clock::{Clock as _, SystemClock},
    log::Log,
};
use tokio::runtime::Runtime;

use super::target::{self, Answer, Problem, Target};
use crate::{
    data,
    exit::{Exit, Failure},
    log::Place,
};

/// A log that this process writes.
struct Local {
    /// The read models beside it, which keep up; those of a cluster's servers do so by themselves.
    ///
    /// First, so that they let go first: until then their threads wait for more, and the runtime for
    /// its threads.
    models: Option<ReadModels>,
    runtime: Runtime,
    log: Arc<dyn Log>,
    admission: Admission,
}

/// Opens a log: a data directory's, which no server may have open, or a cluster's.
pub(super) fn open(place: &Place) -> anyhow::Result<Box<dyn Target>> {
    let runtime = data::runtime().context("cannot start threads")?;
    let (log, models) = runtime.block_on(async {
        let log = place.write().await?.shared();
        let models = match place {
            Place::Directory(directory) => {
                let models = ReadModels::fill(&log, &data::read_models(directory)).await;
                let tell = |error| Failure::new(Exit::Failure, data::causes(&error));
                Some(models.map_err(tell)?)
            }
            Place::Cluster(_) => None,
        };
        Ok::<_, Failure>((log, models))
    })?;
    let admission = Admission::new(&log, Arc::new(SystemClock));
    Ok(Box::new(Local { models, runtime, log, admission }))
}

impl Target for Local {
    fn send(&mut self, lines: &[String]) -> anyhow::Result<Vec<Answer>> {
        let claims = Claims {
            actor: Actor {
                kind: ActorKind::System,
                id: "shiplog-import".into(),
                name: None,
                via: Via::Claimed,
            },
            correlation: CorrelationId("import".into()),
            source: Some(Source { system: "import".into(), reference: None }),
            now: SystemClock.now(),
        };
        let body = lines.join("\n");
        let answers = self.runtime.block_on(record(&self.admission, &claims, body.as_bytes()));
        answers.into_iter().map(answer).collect()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        let Some(models) = &self.models else { return Ok(()) };
        self.runtime.block_on(async {
            let head = self.log.head().await.context("cannot read the log")?;
            for model in models.all() {
                if let Some(head) = head {
                    model.at_least(head, Duration::MAX).await?;
                }
            }
            models.stop().await;
            Ok(())
        })
    }
}

fn answer(LineAnswer { result, .. }: LineAnswer) -> anyhow::Result<Answer> {
    match result {
        Ok(LineStatus::Recorded) => Ok(Answer::Recorded),
        Ok(LineStatus::Known) => Ok(Answer::Known),
        Ok(LineStatus::Refused) => Ok(Answer::Refused { problem: Problem::default() }),
        // The log, not the line, is at fault: what was recorded of the lines is unknown.
        Err(problem) if problem.kind.status().is_server_error() => {
            Err(Failure::new(Exit::Unavailable, problem.detail).into())
        }
        Err(shiplog_api::Problem { kind, mut detail, errors, .. }) => {
            for FieldError { pointer, detail: wrong } in errors {
                target::add(&mut detail, &pointer, &wrong);
            }
            Ok(Answer::Refused { problem: Problem { status: kind.status().as_u16(), detail } })
        }
    }
}
