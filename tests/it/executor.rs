//! Deploy commands that are really run: by `shiplog run`, and by agents.

mod agent;
mod away;
mod crashes;
mod disk;
mod help;
mod immune_system;
mod incident;
mod planted;
mod rails;
mod run;
mod yard;
