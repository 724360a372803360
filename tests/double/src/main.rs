//! `esdb-double`: the double as a process.

fn main() {}
