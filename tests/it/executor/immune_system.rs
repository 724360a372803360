//! The example that asks for a rollback, together with an agent that carries it out.

use std::process::Command;

use super::yard::{Yard, came};
use crate::support::{say, succeed};

#[test]
fn what_turns_unhealthy_is_rolled_back_once_and_what_is_well_is_left_alone() {
    for tool in ["curl", "jq"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return say(&format!("skipped the immune system: {tool} is not installed"));
        }
    }
    let yard = Yard::open();
    let immune_system = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/immune-system/immune-system");
        let mut command = Command::new(script);
        command.args(["checkout", "production"]);
        command.env("SHIPLOG_SERVER", format!("http://{}", yard.address()));
        command.env_remove("SHIPLOG_ACTOR");
        String::from_utf8(succeed(&mut command).stdout).unwrap()
    };
    let agent = || came(&mut yard.agent(&["--once", "--", "true"])).ends(0);
    yard.does("deploy checkout production 1.0");
    yard.does("deploy checkout production 1.1");
    assert_eq!(immune_system(), "", "something is in progress");
    agent();
    assert_eq!(immune_system(), "", "nobody said that it is not well");

    let health = r#"{"health": "unhealthy", "source": "probe"}"#;
    yard.post("/v1/deployments/checkout/production/2/health", health);
    assert_eq!(immune_system(), "asked for: #3, back to 1.0\n");
    assert_eq!(immune_system(), "", "it is in progress");
    agent().says("checkout/production#3: succeeded");
    let told = yard.deployment("checkout/production/3");
    assert_eq!(told["actor"]["id"], "immune-system");
    assert_eq!(told["reason"], "1.1 (#2) turned unhealthy");

    yard.post("/v1/deployments/checkout/production/3/health", health);
    assert_eq!(immune_system(), "", "what a rollback brought back is left to people");
    assert_eq!(yard.get("/v1/lanes/checkout/production")["current"]["release"]["version"], "1.0");
}
