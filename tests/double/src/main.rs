//! `esdb-double`: the double as a process, for clients in other languages.
//!
//! The first line that it writes is its connection string. Then it does what it is told on its
//! standard input, a line at a time, until that ends; README.md has the list.

use std::{
    fs,
    io::{self, BufRead, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use shiplog_double::{Double, Options, Tls, obey};

/// A server that speaks EventStoreDB's protocol and keeps what it is told in memory.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// How many nodes there are.
    #[arg(long, default_value_t = 1)]
    nodes: usize,
    /// What the nodes listen on, and what they tell clients.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Where the first node listens; 0: wherever it is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keep no `$ce-` and `$et-` streams.
    #[arg(long)]
    no_projections: bool,
    /// The version that the server says it is of.
    #[arg(long, default_value_t = Options::default().version)]
    server_version: String,
    /// Who may come in.
    #[arg(long, value_name = "NAME:PASSWORD")]
    login: Option<String>,
    /// Followers pass no writes on.
    #[arg(long)]
    no_forwarding: bool,
    /// A certificate in PEM, for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If even that cannot be written, the exit code says it.
            _ = writeln!(io::stderr(), "esdb-double: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> io::Result<()> {
    let double = Double::start(options(args)?)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", double.uri())?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        match obey(&double, &line?) {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(reason) => writeln!(out, "error {reason}")?,
        }
        out.flush()?;
    }
    Ok(())
}

fn options(args: Args) -> io::Result<Options> {
    let Args {
        nodes,
        host,
        port,
        no_projections,
        server_version,
        login,
        no_forwarding,
        tls_certificate,
        tls_key,
    } = args;
    let login = login.map(|login| {
        let (name, password) = login.split_once(':').unwrap_or((&login, ""));
        (name.to_owned(), password.to_owned())
    });
    let tls = tls_certificate.zip(tls_key).map(|(certificates, key)| {
        let certificates = fs::read_to_string(certificates)?;
        Ok::<_, io::Error>(Tls { certificates, key: fs::read_to_string(key)? })
    });
    Ok(Options {
        nodes,
        host,
        port,
        projections: !no_projections,
        version: server_version,
        login,
        forwards_writes: !no_forwarding,
        tls: tls.transpose()?,
    })
}
