//! How it is asked: Shiplog over HTTP.
//!
//! A handler extracts, executes and answers. **Invariant:** there is no SQL here and nothing is
//! decided here; what may be recorded is the domain's to say, what can be asked the read models'.

mod acknowledged;
mod activity;
mod admission;
mod ahead;
mod answered;
mod answering;
mod app;
mod body;
mod caller;
mod connections;
mod cross_site;
mod csv_text;
mod damage;
mod definitions;
mod deployments;
mod docs;
mod downloads;
mod environments;
mod events;
mod hosts;
mod lag;
mod lanes;
mod openapi;
mod ops;
mod path;
mod problem;
mod problems;
mod projections;
mod query;
mod receipt;
mod releases;
mod rollbacks;
mod serve;
mod shapes;
mod sql;
mod stage;
mod telemetry;
mod ui;
mod uploads;
pub mod utf8;
mod views;
mod waiting;
mod what_if;

pub use self::{
    admission::{Admission, warning::Warning},
    app::{App, router},
    deployments::report::{Claims, LineAnswer, LineStatus, record},
    hosts::{Hosts, InvalidPublicUrl, PublicUrl},
    openapi::document,
    problem::{FieldError, Problem, ProblemKind},
    serve::serve,
    stage::Stage,
    what_if::{policy, report},
};
