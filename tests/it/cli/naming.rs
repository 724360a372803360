//! Names that are printed mean what they are printed for, and numbers what they are meant for.

use super::call::{Said, Shop};

#[test]
fn a_name_that_is_printed_reads_back_as_the_same_deployment() {
    let shop = Shop::open();
    for (number, (service, environment)) in
        [("ws", "production"), ("50%25 off", "a~b"), ("shop/a b", "review/x#1"), ("é#1", "@home")]
            .into_iter()
            .enumerate()
    {
        let started = |status: &str| {
            let mut command = shop.command("deploy");
            command.args([service, environment, "1", "--status", status]);
            Said::by(&mut command).ends(0).out
        };
        let name = started("started");
        let mut command = shop.command("succeed");
        let told = Said::by(command.arg(name.trim_end())).ends(0);
        assert_eq!(told.out, name);
        let shown =
            Said::by(shop.command("show --output json").arg(name.trim_end())).ends(0).json();
        assert_eq!((shown["service"].as_str(), shown["number"].as_u64()), (Some(service), Some(1)));
        assert_eq!(shown["environment"], environment);
        let history = shop.call("history --output json").json();
        assert_eq!(history.as_array().unwrap().len(), number + 1, "{name}");
    }
}

/// Versions that are numbers: 101 is #1, 102 is #2, 1 is #3, 103 is #4.
fn numbered() -> Shop {
    let shop = Shop::open();
    for (day, version) in ["101", "102", "1", "103"].into_iter().enumerate() {
        shop.does(&format!(
            "deploy num production {version} --status succeeded --at 2025-03-0{}",
            day + 1
        ));
    }
    shop
}

#[test]
fn a_number_that_could_be_a_deployment_or_a_version_is_refused_and_both_can_be_said() {
    let shop = numbered();
    shop.call("rollback num production --to 1 --reason x").tells(
        2,
        &[
            "deployment #1, of 101",
            "version `1`, which ran last as #3",
            "--to '#1'",
            "--to-version 1",
        ],
    );
    let events = shop.call("history --output json").json();
    assert_eq!(events.as_array().unwrap().len(), 4, "nothing was recorded");
    let said = shop.call("rollback num production --to '#1' --reason x").ends(0);
    assert!(said.err.contains("103 (#4) → 101 (#1)"), "{}", said.err);
    let said = shop.call("rollback num production --to-version 1 --reason x").ends(0);
    assert!(said.err.contains("→ 1 (#3)"), "{}", said.err);
}

#[test]
fn where_one_of_the_two_is_there_it_is_said_how_to_name_it() {
    let shop = numbered();
    shop.call("rollback num production --to 102 --reason x")
        .tells(4, &["no deployment `#102`", "version `102` ran there, as #2", "--to-version 102"]);
    shop.call("rollback num production --to '#103' --reason x").tells(4, &["--to-version 103"]);
    shop.call("rollback num production --to-version 2 --reason x")
        .tells(4, &["`2` never ran", "deployment #2 is there, of 102", "--to '#2'"]);
    shop.call("rollback num production --to 9 --reason x").tells(4, &["no deployment `#9`"]);
    // A number that can only be a deployment's is one.
    let said = shop.call("rollback num production --to 2 --reason x").ends(0);
    assert!(said.err.contains("→ 102 (#2)"), "{}", said.err);
}

#[test]
fn a_version_that_is_called_previous_can_be_gone_back_to() {
    let shop = Shop::open();
    shop.does(
        "
        deploy pre production previous --status succeeded --at 2025-03-01
        deploy pre production 2 --status succeeded --at 2025-03-02
        deploy pre production 3 --status succeeded --at 2025-03-03
        ",
    );
    let said = shop.call("rollback pre production --to-version previous --reason x").ends(0);
    assert!(said.err.contains("→ previous (#1)"), "{}", said.err);
}
