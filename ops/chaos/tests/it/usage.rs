//! What the suite says of itself, and how it refuses.

use std::process::{Command, Output};

fn chaos(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.args(arguments).env_clear().output().expect("the binary is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `cargo xtask chaos --help` prints the file at once, without building the suite.
#[test]
fn the_help_that_xtask_shows_is_up_to_date() {
    assert_eq!(
        text(&chaos(&["--help"]).stdout),
        include_str!("../../help.txt"),
        "write it anew: `cargo run -p chaos -- --help > ops/chaos/help.txt`"
    );
}

#[test]
fn a_wrong_option_is_named_with_code_2() {
    let output = chaos(&["--minutes", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--minutes"));
}

#[test]
fn who_starts_it_by_hand_is_told_how() {
    let output = chaos(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cargo xtask chaos"));
}
