//! Whole logs that earlier releases wrote, and what those told of them: frozen.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    answers::{agree, all, path_of},
    future::{Newer, append},
    home::Home,
    previous::{goes_on, previous, says_what_is_needed},
    story,
    support::{Server, say, shiplog, succeed},
};

/// Where they are; each has a folder.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/logs")
}

/// A log, and all that the release which wrote it told of it, as JSON.
const FILES: [&str; 2] = ["log.sqlite.gz", "answers.json.gz"];

fn read(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Writes a file that is not there yet.
fn write(file: &Path, bytes: &[u8]) {
    let file = File::create_new(file).unwrap();
    let mut packed = GzEncoder::new(file, Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap().sync_all().unwrap();
}

#[test]
fn what_earlier_releases_told_of_their_logs_this_one_tells_too() {
    let mut names = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let frozen = entry.unwrap().path();
        let [log, answers] = FILES.map(|file| read(&frozen.join(file)));
        let home = Home::embedded();
        fs::create_dir(home.directory("one")).unwrap();
        fs::write(home.directory("one").join("log.sqlite"), log).unwrap();
        let server = home.server("one");
        let told = all(&server.client());
        agree(&serde_json::from_slice(&answers).unwrap(), &told);
        assert!(server.stop().success());
        home.is_sound("one");
        let count = told["deployments"].as_array().unwrap().len();
        assert!(count > 10, "{} holds next to nothing", frozen.display());
        say(&format!("{}: {count} deployments are told of as ever", frozen.display()));
        names += 1;
    }
    assert!(names >= 3, "logs are missing in {}", folder().display());
}

#[test]
fn what_must_not_be_passed_over_names_the_version_that_it_needs_and_the_rest_goes_on() {
    let home = Home::embedded();
    let server = home.server("one");
    story::tell(&server.client());
    let before = all(&server.client());
    assert!(server.stop().success());
    let newer = Newer::needing("DeploymentReplaced", "9.1.0");
    append(&home.directory("one"), "lane-till@production", newer);

    let mut quiet = shiplog();
    quiet.env("SHIPLOG_LOG", "off").arg("serve").arg("--data").arg(home.directory("one"));
    let server = Server::run(quiet.args(["--listen", "127.0.0.1:0"]));
    let client = server.client();
    let needed = "`DeploymentReplaced` is unknown here and must not be passed over: Shiplog `9.1.0` \
        or a newer one is needed";
    says_what_is_needed(&client, needed);
    for lane in before["lanes"].as_array().unwrap() {
        let mut told = client.get(&path_of(lane)).expect(200).json();
        if (&lane["service"], &lane["environment"]) == (&json!("till"), &json!("production")) {
            assert_eq!(told["damaged"].take()["problem"], needed);
        }
        assert_eq!(&told, lane);
    }
    let problem = goes_on(&client).expect(501).json();
    assert_eq!((&problem["code"], &problem["detail"]), (&json!("newer-needed"), &json!(needed)));
}

/// `SHIPLOG_FREEZE=NAME tests/previous/run` freezes what the release of that commit tells of the log
/// that is there under that name, or else of a story that is told to it.
#[test]
fn a_log_is_frozen_when_a_release_is_made() {
    let (Ok(name), Some(mut backup)) = (std::env::var("SHIPLOG_FREEZE"), previous()) else {
        return;
    };
    let (frozen, directory) = (folder().join(name), tempdir().unwrap());
    let [log, answers] = FILES.map(|file| frozen.join(file));
    fs::create_dir_all(&frozen).unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    if log.exists() {
        fs::write(data.join("log.sqlite"), read(&log)).unwrap();
    }
    let serve = |mut shiplog: std::process::Command| {
        Server::run(shiplog.arg("serve").arg("--data").arg(&data).args(["--listen", "127.0.0.1:0"]))
    };
    let server = serve(previous().unwrap());
    if !log.exists() {
        story::tell(&server.client());
        let copy = directory.path().join("copy");
        succeed(backup.arg("backup").arg(&copy).arg("--data").arg(&data));
        write(&log, &fs::read(copy).unwrap());
    }
    let told: Value = all(&server.client());
    write(&answers, &serde_json::to_vec_pretty(&told).unwrap());
}
