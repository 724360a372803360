//! Where settings come from: flags, variables, files, and the runner of a pipeline.

use std::fs;

use super::call::{Desk, Said, Shop};

#[test]
fn a_flag_counts_before_a_variable_and_that_before_a_file() {
    let desk = Desk::new();
    let shown = |words: &str, variable: Option<&str>| {
        let mut command = desk.command(&format!("{words} config show --output json"));
        command.envs(variable.map(|value| ("SHIPLOG_SERVER", value)));
        let rows = Said::by(&mut command).ends(0).json();
        let server = rows.as_array().unwrap().iter().find(|row| row["setting"] == "server");
        server.unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown("", None), "http://127.0.0.1:7420");
    fs::write(desk.join("shiplog.toml"), "server = \"http://file:1\"\n").unwrap();
    assert_eq!(shown("", None), "http://file:1");
    assert_eq!(shown("", Some("http://variable:1")), "http://variable:1");
    assert_eq!(shown("--server http://flag:1", Some("http://variable:1")), "http://flag:1");
}

#[test]
fn an_unknown_setting_is_an_error_that_names_the_nearest() {
    let desk = Desk::new();
    fs::write(desk.join("shiplog.toml"), "sever = \"http://file:1\"\n").unwrap();
    desk.call("status").tells(2, &["shiplog.toml", "`sever`", "server"]);
}

#[test]
fn a_pipelines_run_fills_in_what_nobody_said_and_the_same_step_again_adds_nothing() {
    let shop = Shop::open();
    let step = || {
        let mut command = shop.command("deploy checkout production 1.0 --output json");
        command.env_remove("SHIPLOG_ACTOR").envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "3f2c9ab"),
            ("GITHUB_ACTOR", "ann"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_SERVER_URL", "https://git.example"),
            ("GITHUB_REPOSITORY", "shop/checkout"),
        ]);
        Said::by(&mut command).ends(0).json()
    };
    let deployed = step();
    assert_eq!(deployed["release"]["commit"], "3f2c9ab");
    assert_eq!(deployed["actor"]["id"], "ann");
    let run = "https://git.example/shop/checkout/actions/runs/77/attempts/1";
    assert_eq!(deployed["url"], run);
    assert_eq!(step(), deployed);
    assert_eq!(shop.call("history --output json").json().as_array().unwrap().len(), 1);
}

#[test]
fn completions_are_for_the_shell_that_is_named() {
    let desk = Desk::new();
    for (shell, mark) in
        [("bash", "complete -F"), ("zsh", "#compdef shiplog"), ("fish", "-c shiplog")]
    {
        let script = desk.call(&format!("completions {shell}")).ends(0).out;
        assert!(script.contains(mark) && script.contains("rollbacks"), "{shell}");
    }
}
