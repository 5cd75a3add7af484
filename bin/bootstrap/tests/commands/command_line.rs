//! What is wrong with a command line or with settings, told to people and to programs.

use std::process::{Command, Output};

use serde_json::Value;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrms-bootstrap"));
    command.env_clear().args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The error that was printed as JSON, and nothing else.
fn error(output: &Output) -> Value {
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    printed.get("error").unwrap().clone()
}

#[test]
fn a_wrong_command_line_is_told_as_json_to_whoever_reads_json() {
    for (arguments, named) in [
        (&["tenant", "create", "--json", "--slug", "A-"][..], "'A-'"),
        (&["--json", "tenant", "create"][..], "--admin-email"),
        (&["--json", "nonsense"][..], "'nonsense'"),
        (&["up", "--wait", "soon", "--json"][..], "`soon`"),
    ] {
        let output = program(arguments).output().unwrap();
        let error = error(&output);
        assert_eq!(
            (output.status.code(), &error["code"]),
            (Some(2), &"argument".into())
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(named) && !message.contains("Usage"),
            "{message}"
        );
        assert!(error["next"].is_string() && error["details"].is_array());
        assert_eq!(text(&output.stderr), "");
    }
    let people = program(&["tenant", "create", "--slug", "A-"])
        .output()
        .unwrap();
    assert_eq!(
        (people.status.code(), text(&people.stdout)),
        (Some(2), String::new())
    );
    assert!(text(&people.stderr).starts_with("error: "));
    let help = program(&["--json", "--help"]).output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Usage"));
}

#[test]
fn settings_that_lack_the_databases_address_are_shown_and_it_is_named() {
    let mut command = program(&["config"]);
    command.env("HRMS_DATABASE__POOL_SIZE", "5");
    let output = command.output().unwrap();
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        shown.contains("pool_size = 5  # HRMS_DATABASE__POOL_SIZE"),
        "{shown}"
    );
    assert!(shown.contains("[database]\n# url is missing\n"), "{shown}");
    assert!(!shown.contains("***"), "{shown}");
    assert!(
        told.contains("[database] url is missing") && told.contains("HRMS_DATABASE__URL"),
        "{told}"
    );
    assert!(!told.contains("hrms-bootstrap config"), "{told}");

    let error = error(&command.arg("--json").output().unwrap());
    assert_eq!(error["code"], "settings");
    assert_eq!(error["settings"]["database"]["pool_size"], 5);
    assert_eq!(error["settings"]["database"].get("url"), None);

    let wrong = command
        .env("HRMS_DATABASE__POOL_SIZE", "0")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
