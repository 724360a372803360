//! Every rule as a sentence: given, when, then.

mod configuration;
mod corrections;
mod default_target;
mod deployment;
mod environment;
mod outcomes;
mod people;
mod permissions;
mod rails;
mod recovery;
mod refusals;
mod release;
mod removal;
mod reports;
mod requests;
mod retry;
mod rollback;
