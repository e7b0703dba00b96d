//! The command line, where it needs no services.

use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"));
    bench.env_clear().args(arguments).output().expect("the program was built for this test")
}

#[test]
fn what_cannot_be_measured_is_wrong_usage() {
    for arguments in [&["--only", "weather"][..], &["--rounds", "0"], &["--guard", "--short"]] {
        assert_eq!(bench(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// `cargo xtask bench --help` prints the file at once, without building the program.
#[test]
fn the_help_that_xtask_shows_is_up_to_date() {
    assert_eq!(
        String::from_utf8(bench(&["--help"]).stdout).expect("the program writes text"),
        include_str!("../../help.txt"),
        "write it anew: `cargo run -p bench -- --help > ops/bench/help.txt`"
    );
}
