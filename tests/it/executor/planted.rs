//! Files that somebody else has put, or could put, where a run keeps what is to be recorded.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use super::yard::{Going, Yard, came};
use crate::support::succeed;

/// Every file and directory below this one.
fn everything_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        let inner = if path.is_dir() { everything_in(&path) } else { Vec::new() };
        std::iter::once(path).chain(inner)
    };
    entries.flat_map(below).collect()
}

/// The mode of each, where it is not the owner's alone.
fn open_to_others(paths: &[PathBuf]) -> Vec<String> {
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let is_open = |path: &&PathBuf| mode(path) & 0o077 != 0;
    paths
        .iter()
        .filter(is_open)
        .map(|path| format!("{} {:o}", path.display(), mode(path)))
        .collect()
}

/// The same command where files are open to everybody unless a program says otherwise.
fn without_umask(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 0; exec \"$@\"", "-"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

/// The one lane that the spool has.
fn lane(yard: &Yard) -> PathBuf {
    fs::read_dir(yard.path("state/shiplog/spool")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn what_a_run_and_an_agent_keep_is_read_by_their_user_alone_whatever_the_umask() {
    let mut yard = Yard::open();
    yard.pipe("gate");
    yard.script("deploy.sh", "echo output; echo ready; read line < gate");
    yard.does("deploy search production 1.0");
    let agent = yard.agent(&["--once", "--", "./deploy.sh"]);
    let mut agent = Going::start(&mut without_umask(&agent));
    agent.writes("ready");
    let files = everything_in(&yard.path("state"));
    for name in ["output", "manifest.json", "configuration.json", "targets", "lock"] {
        assert!(files.iter().any(|path| path.ends_with(name)), "{name}: {files:?}");
    }
    assert_eq!(open_to_others(&files), [""; 0]);
    yard.release("gate");
    assert_eq!(agent.end().0.code(), Some(0));

    yard.away();
    came(&mut without_umask(&yard.run("1.0", &["--", "true"]))).ends(0);
    let files = everything_in(&yard.path("state"));
    assert!(files.iter().any(|path| path.starts_with(lane(&yard))), "{files:?}");
    assert_eq!(open_to_others(&files), [""; 0]);
}

#[test]
fn a_pipe_and_a_link_in_the_spool_are_named_and_everything_else_is_delivered() {
    let mut yard = Yard::open();
    yard.away();
    came(&mut yard.run("1.0", &["--", "true"])).ends(0);
    yard.back();
    let lane = lane(&yard);
    succeed(Command::new("mkfifo").arg(lane.join("0-pipe.jsonl")));
    let victim = yard.path("victim");
    fs::write(&victim, "{\"opened\": {}}\n").unwrap();
    symlink(&victim, lane.join("1-link.jsonl")).unwrap();
    let flushed = came(&mut yard.command(&["flush"])).ends(1);
    flushed
        .says("0-pipe.jsonl is not a regular file")
        .says("1-link.jsonl is a symbolic link, which is not followed");
    assert_eq!(yard.deployment("checkout/production/1")["status"], "succeeded");
    assert_eq!(yard.read("victim"), "{\"opened\": {}}\n");
    came(&mut yard.run("1.1", &["--", "true"])).ends(0).says("0-pipe.jsonl is not a regular file");
    assert_eq!(yard.deployment("checkout/production/2")["status"], "succeeded");
}

#[test]
fn a_lock_that_is_a_link_does_not_empty_what_it_leads_to() {
    let mut yard = Yard::open();
    yard.away();
    came(&mut yard.run("1.0", &["--", "true"])).ends(0);
    yard.back();
    let (victim, lock) = (yard.path("victim"), lane(&yard).join("lock"));
    fs::write(&victim, "precious\n").unwrap();
    fs::remove_file(&lock).unwrap();
    symlink(&victim, &lock).unwrap();
    came(&mut yard.command(&["flush"])).ends(1).says("lock is a symbolic link");
    came(&mut yard.run("1.1", &["--", "true"])).ends(0);
    assert_eq!(yard.read("victim"), "precious\n");
}

#[test]
fn a_spool_that_others_can_write_to_is_not_read_and_the_run_keeps_its_own_elsewhere() {
    let mut yard = Yard::open();
    yard.away();
    came(&mut yard.run("1.0", &["--", "true"])).ends(0);
    let spool = yard.path("state/shiplog/spool");
    fs::set_permissions(&spool, Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(yard.path("tmp")).unwrap();
    let ran = came(yard.run("1.1", &["--", "true"]).env("TMPDIR", yard.path("tmp"))).ends(0);
    let ran = ran.says("spool can be written by other users (mode 777); `chmod go-w` it");
    let (_, elsewhere) = ran.err.split_once("`shiplog flush --spool ").unwrap();
    let elsewhere = elsewhere.split('`').next().unwrap();
    yard.back();
    came(&mut yard.command(&["flush"])).ends(1).says("can be written by other users");
    assert_eq!(yard.count(), 0, "what may be planted is not sent");
    came(&mut yard.command(&["flush", "--spool", elsewhere])).ends(0);
    assert_eq!(yard.deployment("checkout/production/1")["release"]["version"], "1.1");
    fs::set_permissions(&spool, Permissions::from_mode(0o700)).unwrap();
    came(&mut yard.command(&["flush"])).ends(0);
    assert_eq!(yard.deployment("checkout/production/2")["release"]["version"], "1.0");
}

#[test]
fn an_agent_works_from_no_directory_that_others_can_write_to() {
    let yard = Yard::open();
    yard.does("deploy checkout production 1.0");
    let shared = yard.path("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o770)).unwrap();
    let words = ["--state", "shared", "--once", "--", "true"];
    came(&mut yard.agent(&words)).ends(1).says("can be written by other users");
    assert_eq!(yard.deployment("checkout/production/1")["status"], "requested");
}

#[test]
fn a_token_that_others_can_read_is_said_once() {
    let yard = Yard::open();
    let token = yard.path("token");
    fs::write(&token, "secret\n").unwrap();
    let warned = |mode| {
        fs::set_permissions(&token, Permissions::from_mode(mode)).unwrap();
        let listed = came(&mut yard.command(&["history", "--token-file", "token"])).ends(0);
        listed.err.matches("other users can read the token in token").count()
    };
    assert_eq!((warned(0o644), warned(0o640), warned(0o600)), (1, 1, 0));
}
