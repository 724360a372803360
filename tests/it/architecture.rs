//! Who imports whom, and what each crate leaves to others: ARCHITECTURE.md, as a test.
//!
//! The manifests say who imports whom. The rest is read off the sources, without comments and
//! without inline test modules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use shiplog_domain::wire::DomainEvent;

/// Each crate and the crates of ours that it may import. A new edge is an ADR first.
const EDGES: &[(&str, &[&str])] = &[
    ("shiplog-domain", &[]),
    ("shiplog-double", &[]),
    ("shiplog-store", &["shiplog-domain"]),
    ("shiplog-projections", &["shiplog-domain", "shiplog-store"]),
    ("shiplog-api", &["shiplog-domain", "shiplog-projections", "shiplog-store"]),
    ("shiplog", &["shiplog-api", "shiplog-domain", "shiplog-projections", "shiplog-store"]),
];

/// All that the domain needs of others: values, their JSON, their digests, their Unicode forms and
/// their errors.
const DOMAIN_IMPORTS: &[&str] = &[
    "icu_normalizer",
    "jiff",
    "percent-encoding",
    "serde",
    "serde_ignored",
    "serde_json",
    "sha2",
    "thiserror",
    "uuid",
];

/// What the store may know of the domain: how to decide, never what was decided.
const STORE_KNOWS: &[&str] = &["decider", "metadata", "stream", "wire"];

/// Where the sources are.
const SOURCES: &[&str] = &["domain/src", "store/src", "projections/src", "api/src", "src"];

/// The one file that reads the wall clock.
const CLOCK: &str = "store/src/clock.rs";

/// All ways to read the wall clock without [`shiplog_store::clock::SystemClock`].
const CLOCK_READS: &[&str] = &["Timestamp::now", "SystemTime::now", "Zoned::now"];

/// What code in a folder must not say, and why.
struct Ban {
    folder: &'static str,
    because: &'static str,
    words: &'static [&'static str],
}

const BANS: &[Ban] = &[
    Ban {
        folder: "domain/src",
        because: "the domain is pure: no I/O, no async, no chance",
        words: &[
            "async",
            "await",
            "env::",
            "fs::",
            "net::",
            "process::",
            "thread::",
            "new_v4",
            "now_v7",
            "Instant::now",
        ],
    },
    Ban {
        folder: "projections/src",
        because: "a read model is a function of the log, not of the clock",
        words: &["SystemClock", "Clock"],
    },
    Ban {
        folder: "projections/src",
        because: "a projection does not write to the log",
        words: &["NewEvent", "execute::", "append("],
    },
    Ban {
        folder: "api/src",
        because: "the read models are asked by functions of `projections`, not in SQL",
        words: &[
            "rusqlite",
            "SELECT ",
            "INSERT INTO ",
            "UPDATE ",
            "DELETE FROM ",
            "CREATE TABLE ",
            "PRAGMA ",
        ],
    },
];

#[test]
fn every_crate_imports_only_those_to_its_left() {
    let imports = imports();
    let crates: BTreeSet<_> = imports.keys().map(String::as_str).collect();
    assert_eq!(
        crates,
        EDGES.iter().map(|(name, _)| *name).collect(),
        "the crates of the workspace"
    );
    for (name, allowed) in EDGES {
        let ours = imports[*name].iter().filter(|import| crates.contains(import.as_str()));
        let surplus: Vec<_> = ours.filter(|import| !allowed.contains(&import.as_str())).collect();
        assert!(surplus.is_empty(), "{name} must not import {surplus:?}");
    }
}

#[test]
fn the_domain_imports_nothing_that_does_anything() {
    let imports = imports();
    let known: BTreeSet<_> = DOMAIN_IMPORTS.iter().map(ToString::to_string).collect();
    let surplus: Vec<_> = imports["shiplog-domain"].difference(&known).collect();
    assert!(surplus.is_empty(), "the domain imports {surplus:?}: argue for it in an ADR first");
}

#[test]
fn the_server_has_no_database_of_its_own() {
    assert!(!imports()["shiplog-api"].contains("rusqlite"));
    let sql: Vec<_> = files("api/src", "sql");
    assert!(sql.is_empty(), "{sql:?}");
}

#[test]
fn no_crate_does_what_is_left_to_others() {
    for Ban { folder, because, words } in BANS {
        for (file, code) in sources(folder) {
            for word in *words {
                assert!(!says(&code, word), "{file} says `{word}`; {because}");
            }
        }
    }
}

#[test]
fn one_file_reads_the_wall_clock() {
    let sources: Vec<_> = SOURCES.iter().flat_map(|folder| sources(folder)).collect();
    let readers: Vec<_> = sources
        .iter()
        .filter(|(_, code)| CLOCK_READS.iter().any(|read| says(code, read)))
        .map(|(file, _)| file.as_str())
        .collect();
    assert_eq!(readers, [CLOCK]);
}

#[test]
fn the_store_names_no_event() {
    let types: Vec<_> =
        DomainEvent::SCHEMAS.concat().into_iter().map(|schema| schema.event_type).collect();
    assert!(types.contains(&"DeploymentRequested"));
    for (file, code) in sources("store/src") {
        let named: Vec<_> = types.iter().filter(|name| says(&code, name)).collect();
        assert!(named.is_empty(), "{file} names {named:?}");
        let known = domain_modules(&code);
        let surplus: Vec<_> =
            known.iter().filter(|module| !STORE_KNOWS.contains(&module.as_str())).collect();
        assert!(surplus.is_empty(), "{file} imports {surplus:?} of the domain");
    }
}

#[test]
fn sources_are_read_without_comments_and_inline_tests() {
    let text = "use shiplog_domain::{\n    lane::{Event, LaneId},\n    wire::encode,\n};\n// Clock\n\
                fn f() {}\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod more {\n    SystemClock\n}\n";
    let code = code(text);
    assert!(!says(&code, "Clock") && !says(&code, "SystemClock") && says(&code, "fn f"));
    assert!(says(&code, "lane::") && !says("plane::x", "lane::") && !says("Clocks", "Clock"));
    assert_eq!(domain_modules(&code), ["lane", "wire"]);
    assert_eq!(domain_modules("shiplog_domain::wire::encode(x)"), ["wire"]);
}

/// The crates of the workspace and what each imports outside of its tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let metadata: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let edges = package["dependencies"].as_array().unwrap().iter();
            let imports = edges.filter(|edge| edge["kind"] != "dev").map(name);
            (name(package), imports.collect())
        })
        .collect()
}

fn name(of: &Value) -> String {
    of["name"].as_str().unwrap().to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code of every file in a folder, by its path from the root; files of tests are left out.
fn sources(folder: &str) -> Vec<(String, String)> {
    let files = files(folder, "rs");
    assert!(!files.is_empty(), "there are no sources in {folder}");
    let files = files.into_iter().filter(|file| !file.ends_with("tests.rs"));
    files
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            (name, code(&text))
        })
        .collect()
}

/// The files with an extension, in a folder and below it.
fn files(folder: impl AsRef<Path>, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a file says, without its comments and its inline tests.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests = line == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if tests {
            break;
        }
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// Whether code says a word, not as a part of a longer one.
fn says(code: &str, word: &str) -> bool {
    let part = |one: char| one.is_alphanumeric() || one == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(part);
        let after = code[at + word.len()..].chars().next().is_some_and(part);
        !(before || after && word.ends_with(part))
    })
}

/// The modules of the domain that code imports or names.
fn domain_modules(code: &str) -> Vec<String> {
    let named = code.split("shiplog_domain::").skip(1);
    named
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => entries(list),
            None => vec![identifier(rest)],
        })
        .collect()
}

/// What the entries of a list begin with; the list ends at its closing brace.
fn entries(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut outer = String::new();
    for one in list.chars() {
        match one {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 1 => outer.push(one),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    outer.split(',').map(|entry| identifier(entry.trim())).filter(|it| !it.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect()
}
