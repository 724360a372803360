//! Where the servers of a test keep what they are told: a directory, or a cluster and a directory.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use shiplog_double::{Double, Options};
use tempfile::TempDir;

use crate::support::{Server, ask, shiplog};

/// A log, and a directory for each server of it; all of it goes with the test.
pub(crate) struct Home {
    directory: TempDir,
    /// `None`: the log of a server is in its directory.
    cluster: Option<Double>,
}

impl Home {
    /// One for a server whose log is in its own directory.
    pub(crate) fn embedded() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), cluster: None }
    }

    /// One for servers whose log is on a cluster of so many nodes.
    pub(crate) fn on_a_cluster(nodes: usize) -> Self {
        let cluster = Double::start(Options { nodes, ..Options::default() }).unwrap();
        Self { directory: tempfile::tempdir().unwrap(), cluster: Some(cluster) }
    }

    /// The cluster, which has to be there.
    pub(crate) fn cluster(&self) -> &Double {
        self.cluster.as_ref().unwrap()
    }

    /// The directory of a server.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts a server.
    pub(crate) fn server(&self, name: &str) -> Server {
        Server::run(self.beside("serve", name).args(["--listen", "127.0.0.1:0"]))
    }

    /// A command that works on a server's log alone.
    pub(crate) fn with_log(&self, words: &[&str], name: &str) -> Command {
        let mut command = shiplog();
        command.args(words);
        match &self.cluster {
            None => command.arg("--data").arg(self.directory(name)),
            Some(cluster) => command.args(["--log", &cluster.uri()]),
        };
        command
    }

    /// A command that works on a server's log and read models.
    fn beside(&self, word: &str, name: &str) -> Command {
        let mut command = shiplog();
        command.arg(word).arg("--data").arg(self.directory(name));
        if let Some(cluster) = &self.cluster {
            command.args(["--log", &cluster.uri()]);
        }
        command
    }

    /// Rebuilds a server's read models from the log, which has to come to the same; tells the digests.
    pub(crate) fn replay(&self, name: &str) -> Value {
        let replayed = ask(&mut self.beside("replay", name));
        let models = replayed.as_array().unwrap();
        assert_eq!(models.len(), 5, "{replayed}");
        assert!(models.iter().all(|model| model["verdict"] == "same"), "{replayed}");
        replayed
    }

    /// That `shiplog verify` and `shiplog replay` find nothing wrong.
    pub(crate) fn is_sound(&self, name: &str) {
        let verified = ask(&mut self.with_log(&["verify"], name));
        assert_eq!(verified["verdict"], "sound", "{verified}");
        self.replay(name);
    }
}
