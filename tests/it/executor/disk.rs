//! A disk on which the n-th call fails: nothing is left as begun because a file could not be written.

use std::{fs, path::PathBuf, process::Command};

use super::yard::{Came, Yard, came};
use crate::support::succeed;

/// How many calls there are at least: fewer would mean that they are not seen.
const LEAST_CALLS: u32 = 10;

/// Writes down that it ran.
const DEPLOY: &str = r#"echo "$SHIPLOG_VERSION" >> ran; echo "deploying"
    [ -z "$SHIPLOG_TARGETS" ] || echo "succeeded web-1" >> "$SHIPLOG_TARGETS""#;

/// Whether a disk has room again after the call that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disk {
    FailsOnce,
    StaysFull,
}

/// A yard with a disk for the state and for temporary files.
struct FailingYard {
    yard: Yard,
    library: PathBuf,
    disk: Disk,
}

impl FailingYard {
    fn open(disk: Disk) -> Self {
        let yard = Yard::open();
        yard.script("deploy.sh", DEPLOY);
        let library = yard.path("failing_disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/executor/failing_disk.c");
        succeed(
            Command::new("cc")
                .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
                .arg(&library)
                .arg(source),
        );
        Self { yard, library, disk }
    }

    /// Has the command keep its files on the disk.
    fn on_disk<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        fs::create_dir_all(self.yard.path("disk/tmp")).unwrap();
        command
            .env("XDG_STATE_HOME", self.yard.path("disk/state"))
            .env("TMPDIR", self.yard.path("disk/tmp"))
    }

    /// Runs the command with the n-th call failing; tells whether there was such a call.
    fn fails_at(&self, call: u32, mut command: Command) -> (Came, bool) {
        let failed = self.yard.path("failed");
        drop(fs::remove_file(&failed));
        let command = self.on_disk(&mut command);
        command
            .env("LD_PRELOAD", &self.library)
            .env("DISK", self.yard.path("disk"))
            .env("DISK_FAILS_AT", call.to_string())
            .env("DISK_FAILED", &failed);
        if self.disk == Disk::StaysFull {
            command.env("DISK_STAYS_FULL", "yes");
        }
        let came = came(command);
        (came, failed.exists())
    }

    /// How often the script ran for a version.
    fn runs(&self, version: &str) -> usize {
        self.yard.read("ran").lines().filter(|line| *line == version).count()
    }

    /// The status of the deployment of a version; none if nobody asked for it.
    fn status(&self, version: &str) -> Option<String> {
        let found = self.yard.get(&format!("/v1/deployments?version={version}"));
        Some(found["items"].get(0)?["status"].as_str().unwrap().to_owned())
    }

    /// Every spool that a run may have left something in.
    fn spools(&self) -> Vec<PathBuf> {
        let temporary = fs::read_dir(self.yard.path("disk/tmp")).unwrap();
        let temporary = temporary.map(|entry| entry.unwrap().path());
        temporary.chain([self.yard.path("disk/state/shiplog/spool")]).collect()
    }
}

#[test]
fn a_run_whose_files_cannot_be_written_runs_and_is_recorded_to_its_end() {
    for disk in [Disk::FailsOnce, Disk::StaysFull] {
        let failing = FailingYard::open(disk);
        for call in 1.. {
            let version = format!("1.{call}");
            let run = failing.yard.run(&version, &["--", "./deploy.sh"]);
            let (came, has_failed) = failing.fails_at(call, run);
            let came = came.ends(0);
            assert_eq!(failing.runs(&version), 1, "{disk:?} {call}: {came:?}");
            assert_eq!(failing.status(&version).as_deref(), Some("succeeded"), "{disk:?} {call}");
            if !has_failed {
                assert!(call > LEAST_CALLS, "{call}");
                break;
            }
        }
    }
}

#[test]
fn a_run_without_server_and_disk_runs_and_what_no_disk_keeps_is_said() {
    for disk in [Disk::FailsOnce, Disk::StaysFull] {
        let mut failing = FailingYard::open(disk);
        failing.yard.away();
        let (mut kept, mut by_hand) = (Vec::new(), Vec::new());
        for call in 1.. {
            let version = format!("1.{call}");
            let run = failing.yard.run(&version, &["--", "./deploy.sh"]);
            let (came, has_failed) = failing.fails_at(call, run);
            let came = came.ends(0).says("the command runs all the same");
            assert_eq!(failing.runs(&version), 1, "{disk:?} {call}: {came:?}");
            if came.err.contains("no disk keeps how it ended") {
                by_hand.push(version);
            } else {
                came.says("delivers the rest of what is to be recorded");
                kept.push(version);
            }
            if !has_failed {
                break;
            }
        }
        assert!(disk == Disk::StaysFull || by_hand.is_empty(), "{by_hand:?}");
        failing.yard.back();
        for spool in failing.spools() {
            let words = ["flush", "--spool", spool.to_str().unwrap()];
            came(failing.on_disk(&mut failing.yard.command(&words))).ends(0);
        }
        for version in kept {
            assert_eq!(failing.status(&version).as_deref(), Some("succeeded"), "{disk:?}");
        }
    }
}

#[test]
fn an_agent_whose_files_cannot_be_written_leaves_nothing_begun() {
    for disk in [Disk::FailsOnce, Disk::StaysFull] {
        let failing = FailingYard::open(disk);
        let agent = || failing.yard.agent(&["--once", "--", "./deploy.sh"]);
        for call in 1.. {
            let version = format!("1.{call}");
            failing.yard.does(&format!("deploy checkout production {version}"));
            let (came, has_failed) = failing.fails_at(call, agent());
            let status = failing.status(&version).unwrap();
            let is_said = came.code != 0 && !came.err.is_empty();
            let what = format!("{disk:?} {call}: {status} {came:?}");
            match (status.as_str(), failing.runs(&version)) {
                ("succeeded", 1) | ("cancelled" | "failed", 0) => {}
                ("requested", 0) => assert!(is_said, "{what}"),
                _ => panic!("{what}"),
            }
            // With room again it goes on where it was, and runs nothing twice.
            super::yard::came(failing.on_disk(&mut agent())).ends(0);
            assert_ne!(failing.status(&version).unwrap(), "requested", "{what}");
            assert!(failing.runs(&version) <= 1, "{what}");
            if !has_failed {
                assert!(call > LEAST_CALLS, "{call}");
                break;
            }
        }
    }
}
