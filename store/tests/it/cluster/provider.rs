//! The crate installs rustls' provider for the whole process, and panics if there is one.

use std::{env, process::Command};

use shiplog_double::Options;
use shiplog_store::eventstoredb::EventStoreDbLog;

use super::double;
use crate::support::unsteady;

/// Set where this test runs in a process of its own.
const ALONE: &str = "SHIPLOG_TEST_ALONE";

#[test]
fn a_process_that_has_chosen_its_provider_is_told_so() {
    if env::var_os(ALONE).is_some() {
        return alone();
    }
    let name = "cluster::provider::a_process_that_has_chosen_its_provider_is_told_so";
    let mut again = Command::new(env::current_exe().unwrap());
    let told = again.args(["--exact", name]).env(ALONE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

fn alone() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let double = double(Options::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let uri = double.uri();
    let error = runtime.block_on(EventStoreDbLog::connect(&uri, unsteady())).err().unwrap();

    assert!(
        error
            .to_string()
            .ends_with("another part of the process has chosen rustls' provider before"),
        "{error}"
    );
}
