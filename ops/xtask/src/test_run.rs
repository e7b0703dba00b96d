//! Every test of the workspace, on real services.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::chaos::XTASK;
use crate::demo::BIN_DIR;
use crate::services::{BrokerChoice, NodeCount};
use crate::terminal::say;
use crate::{Checkout, cargo, checkers, services};

/// The variable that tells the tests of a cluster the process of each node, as JSON.
const NODES: &str = "ORDERFLOW_TEST_NODES";

/// The variable that tells them how to start whatever node does not run.
const REPAIR: &str = "ORDERFLOW_TEST_REPAIR";

/// Set for a run in which no worker of the end-to-end tests may do more than it needs.
const LEAST_PRIVILEGE: &str = "ORDERFLOW_TEST_LEAST_PRIVILEGE";

/// How many tests a runner says to have run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Builds what the tests need, without running any.
pub(crate) fn build(checkout: &Checkout) -> Result<ExitCode> {
    build_binaries(checkout)?;
    let runner = if has_nextest(checkout) { &["nextest", "run"][..] } else { &["test"] };
    let arguments = runner.iter().chain(&["--workspace", "--no-run"]);
    cargo::run(&mut cargo::cargo(checkout, arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the services and runs the tests whose name contains one of the filters, or all.
///
/// The exit code is that of the runner, and the last line on stdout is `N passed, N failed`.
pub(crate) fn run(
    checkout: &Checkout,
    broker: BrokerChoice,
    least_privilege: bool,
    filters: &[String],
) -> Result<ExitCode> {
    let were_running = services::status(checkout, broker).is_running();
    let addresses = services::up(checkout, broker)?;
    if !broker.is_usual() {
        say(&format!("Testing on {broker}"));
    }
    checkers::provide(checkout);
    build_binaries(checkout)?;
    let binaries = cargo::target_directory(checkout)?.join("debug");
    let own = std::env::current_exe().context("failed to find this program")?;
    let mut total = Tally::default();
    let mut code = 0;
    for mut command in runners(checkout, broker.nodes, filters) {
        addresses.export(command.env(BIN_DIR, &binaries).env(XTASK, &own));
        if least_privilege {
            command.env(LEAST_PRIVILEGE, "1");
        }
        if broker.nodes == NodeCount::Three {
            let nodes = services::node_processes(checkout, broker);
            command.env(NODES, serde_json::to_string(&nodes)?);
            command.env(REPAIR, repair_command(broker)?);
        }
        let (tally, exit) = run_counting(&mut command)?;
        total.add(tally);
        code = if code == 0 { exit } else { code };
    }
    if total == Tally::default() && code == 0 {
        bail!("no test has a name with {}", filters.join(" or "));
    }
    if !were_running {
        say("The services keep running: `cargo xtask services down` stops them");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(ExitCode::from(code))
}

/// The call of this program that leaves the same broker running.
///
/// The addresses that tests are given would name a broker to use in place of it.
fn repair_command(broker: BrokerChoice) -> Result<String> {
    let own = std::env::current_exe().context("failed to find this program")?;
    let release = broker.release_argument();
    let own = own.display();
    Ok(format!("env -u ORDERFLOW_AMQP_URL '{own}' services up --nodes 3 {release}"))
}

/// The end-to-end tests start the real binaries.
pub(crate) fn build_binaries(checkout: &Checkout) -> Result<()> {
    let arguments = ["build", "--workspace", "--exclude", "xtask", "--bins"];
    cargo::run(&mut cargo::cargo(checkout, arguments))
}

fn has_nextest(checkout: &Checkout) -> bool {
    let mut version = cargo::cargo(checkout, ["nextest", "--version"]);
    version.output().is_ok_and(|output| output.status.success())
}

/// The calls that together run every test once; on a cluster, those that need one.
fn runners(checkout: &Checkout, nodes: NodeCount, filters: &[String]) -> Vec<Command> {
    let call = |arguments: &[&str], separator: Option<&str>| {
        let arguments = arguments.iter().copied().chain(separator);
        let mut command = cargo::cargo(checkout, arguments);
        command.args(filters);
        command
    };
    if nodes == NodeCount::Three {
        let cluster = ["test", "--package", "system-tests", "--test", "cluster", "--no-fail-fast"];
        return vec![call(&cluster, Some("--"))];
    }
    if has_nextest(checkout) {
        // A filter may match documentation tests only, so no match here is no mistake yet.
        let nextest = ["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"];
        let documentation = ["test", "--workspace", "--doc", "--no-fail-fast"];
        vec![call(&nextest, None), call(&documentation, Some("--"))]
    } else {
        vec![call(&["test", "--workspace", "--no-fail-fast"], Some("--"))]
    }
}

/// Runs a test runner, showing all its output, and counts the tests by its closing lines.
fn run_counting(command: &mut Command) -> Result<(Tally, u8)> {
    cargo::keep_colours(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start cargo")?;
    let stdout = child.stdout.take().context("the output is piped")?;
    let stderr = child.stderr.take().context("the output is piped")?;
    let (from_stdout, from_stderr) = thread::scope(|scope| {
        let errors = scope.spawn(|| count(BufReader::new(stderr), |line| eprintln!("{line}")));
        let output = count(BufReader::new(stdout), |line| println!("{line}"));
        (output, errors.join().expect("counting lines does not panic"))
    });
    let mut tally = from_stdout?;
    tally.add(from_stderr?);
    let status = child.wait().context("failed to wait for cargo")?;
    // Ended by a signal: there is no code of its own.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok((tally, code))
}

fn count(mut lines: impl BufRead, show: impl Fn(&str)) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("failed to read the test output")? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\n');
        tally.add(closing_line(&without_colours(text)));
        show(text);
        line.clear();
    }
    Ok(tally)
}

/// The counts of a closing line: `test result: ok. 3 passed; 0 failed; ..` of the standard runner,
/// `Summary [ 0.5s] 3 tests run: 3 passed, 1 skipped` of nextest, else zero.
fn closing_line(line: &str) -> Tally {
    // nextest repeats the output of a failed test, closing line and all, but indented.
    let counts = if let Some(rest) = line.strip_prefix("test result:") {
        rest
    } else if let Some((_, rest)) =
        line.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once("run: "))
    {
        rest
    } else {
        return Tally::default();
    };
    let number_before = |word: &str| {
        let before = counts.split([';', ',', '.']).find_map(|part| {
            let words: Vec<&str> = part.split_whitespace().collect();
            let at = words.iter().position(|found| *found == word)?;
            words.get(at.checked_sub(1)?)?.parse().ok()
        });
        before.unwrap_or(0)
    };
    let failed = number_before("failed") + number_before("timed");
    Tally { passed: number_before("passed"), failed }
}

/// The text without the escape sequences that colour it.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = sequence.split_once(|it: char| it.is_ascii_alphabetic()).map_or("", |(_, it)| it);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64) {
        let tally = closing_line(&without_colours(line));
        assert_eq!(tally, Tally { passed, failed }, "{line}");
    }

    #[test]
    fn closing_lines_of_both_runners_are_counted() {
        check("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out", 12, 0);
        check("test result: FAILED. 3 passed; 2 failed; 0 ignored; finished in 0.01s", 3, 2);
        check("     Summary [   1.234s] 14 tests run: 14 passed, 0 skipped", 14, 0);
        check("     Summary [   9.1s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out", 6, 3);
        check("     Summary [   9.1s] 5/9 tests run: 4 passed, 1 failed, 2 skipped", 4, 1);
    }

    #[test]
    fn coloured_closing_lines_are_counted() {
        check("test result: \u{1b}[32mok\u{1b}[0m. 12 passed; 0 failed; 0 ignored", 12, 0);
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.5s] \u{1b}[1m2\u{1b}[0m tests run: \
             \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
            2,
            0,
        );
    }

    #[test]
    fn the_repeated_output_of_a_failed_test_counts_nothing() {
        check("    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured", 0, 0);
    }

    #[test]
    fn other_lines_count_nothing() {
        check("test settle::acks ... ok", 0, 0);
        check("12 passed, 0 failed", 0, 0);
    }

    #[test]
    fn the_output_is_shown_and_counted() {
        let output = "running 1 test\ntest result: ok. 1 passed; 0 failed\n";
        let shown = std::cell::RefCell::new(Vec::new());
        let tally = count(output.as_bytes(), |line| shown.borrow_mut().push(line.to_owned()));
        assert_eq!(tally.unwrap(), Tally { passed: 1, failed: 0 });
        assert_eq!(shown.into_inner().join("\n") + "\n", output);
    }
}
