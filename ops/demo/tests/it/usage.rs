//! The command line, where it needs no services.

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.env_clear().args(arguments).output().expect("the demo was built for this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the demo writes text")
}

#[test]
fn without_its_environment_it_names_every_missing_variable() {
    let output = demo(&[]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for name in ["AMQP_URL", "DATABASE_URL", "MANAGEMENT_URL", "BIN_DIR"] {
        assert!(errors.contains(&format!("ORDERFLOW_{name} is not set")), "{errors}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn a_day_of_no_size_and_an_unknown_option_are_wrong_usage() {
    for arguments in
        [&["--orders", "99"][..], &["--orders", "100001"], &["--sed"], &["--stop", "--keep"]]
    {
        assert_eq!(demo(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn help_shows_every_option_examples_and_exit_codes() {
    let output = demo(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    let wanted = ["--seed", "--orders", "--keep", "--stop", "--delay", "--output", "Examples:"];
    for word in wanted.into_iter().chain(["Exit codes:", "cargo xtask demo"]) {
        assert!(help.contains(word), "{word} is missing:\n{help}");
    }
}

/// `cargo xtask demo --help` prints the file at once, without building the demo.
#[test]
fn the_help_that_xtask_shows_is_up_to_date() {
    assert_eq!(
        text(&demo(&["--help"]).stdout),
        include_str!("../../help.txt"),
        "write it anew: `cargo run -p demo -- --help > ops/demo/help.txt`"
    );
}
