//! What the program says of itself.

use clap::Command;

use crate::program::{Program, orderctl};

fn visit(command: &Command, path: &str, check: &mut impl FnMut(&str, &Command)) {
    let path = format!("{path} {}", command.get_name());
    check(path.trim(), command);
    for subcommand in command.get_subcommands().filter(|it| it.get_name() != "help") {
        visit(subcommand, &path, check);
    }
}

#[test]
fn every_command_and_every_argument_is_described_in_a_sentence() {
    let mut command = orderctl::command();
    command.build();
    let mut seen = 0;
    visit(&command, "", &mut |path, command| {
        let about = command.get_about().unwrap_or_else(|| panic!("{path} is not described"));
        assert!(!about.to_string().is_empty(), "{path}");
        for argument in command.get_arguments() {
            seen += 1;
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 10, "{path} {}: {help:?}", argument.get_id());
        }
    });
    assert!(seen > 100, "only {seen} arguments");
}

/// What a command's help says of itself: nothing of what every command takes.
fn own_help(words: &[&str]) -> String {
    let program = words.iter().fold(orderctl([]), Program::arg);
    let help = program.arg("--help").run().exits_with(0).stdout;
    let (own, of_all) = help.split_once("\nOutput:\n").unwrap();
    let (_, settings) = of_all.split_once("\nSettings:\n").unwrap();
    let behind = settings.lines().skip_while(|line| line.is_empty() || line.starts_with(' '));
    let lines = own.lines().chain(behind).map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_help_of_what_is_done_about_dead_letters_is_as_it_was_read_last() {
    let mut command = orderctl::command();
    command.build();
    let mut read = 0;
    for family in ["dlq", "replay", "audit"] {
        visit(command.find_subcommand(family).unwrap(), "", &mut |path, command| {
            if !command.has_subcommands() {
                let words: Vec<_> = path.split(' ').collect();
                insta::assert_snapshot!(words.join("_"), own_help(&words));
                read += 1;
            }
        });
    }
    assert!(read > 25, "only {read} commands");
}

#[test]
fn every_setting_has_its_variable() {
    let command = orderctl::command();
    let settings =
        ["amqp_url", "database_url", "management_url", "key_file", "prefix", "delay", "mode"];
    for id in settings {
        let argument = command.get_arguments().find(|it| it.get_id() == id).unwrap();
        let variable = argument.get_env().unwrap().to_str().unwrap();
        assert_eq!(variable, format!("ORDERFLOW_{}", id.to_uppercase()));
    }
}

#[test]
fn help_lists_the_exit_codes_and_shows_no_secret() {
    let ran = orderctl(["--help"])
        .env("ORDERFLOW_AMQP_URL", "amqp://me:hunter2@broker")
        .env("ORDERFLOW_DATABASE_URL", "postgres://me:hunter2@database/db")
        .env("ORDERFLOW_MANAGEMENT_URL", "http://me:hunter2@broker")
        .run()
        .exits_with(0);
    for line in
        ["0   done", "3   the topology or the schema differs", "64  a setting cannot be used"]
    {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
}

#[test]
fn wrong_usage_exits_with_2() {
    orderctl(["no-such-command"]).run().exits_with(2);
    orderctl([]).run().exits_with(2);
    orderctl(["order", "show", "order-1"]).run().exits_with(2);
    orderctl(["event", "sample", "order.lost"]).run().exits_with(2);
    orderctl(["event", "publish", "-", "--rate", "fast"]).run().exits_with(2);
}

#[test]
fn settings_that_cannot_be_used_are_named_together_and_no_password_is_shown() {
    let ran = orderctl(["topology", "verify"])
        .env("ORDERFLOW_AMQP_URL", "http://me:hunter2@broker")
        .env("ORDERFLOW_PREFIX", "Not A Name")
        .env("ORDERFLOW_MANAGEMENT_URL", "me:hunter2@broker")
        .run();
    let variables = ["ORDERFLOW_AMQP_URL", "ORDERFLOW_PREFIX", "ORDERFLOW_MANAGEMENT_URL"];
    let ran = ran.fails(64, &variables);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    orderctl(["verify"]).run().fails(64, &["ORDERFLOW_DATABASE_URL", "is required"]);
}

#[test]
fn a_service_that_is_down_exits_with_6() {
    // Nothing listens on the discard port.
    orderctl(["topology", "apply"])
        .env("ORDERFLOW_AMQP_URL", "amqp://me:hunter2@127.0.0.1:9")
        .run()
        .fails(6, &["failed to connect", "ORDERFLOW_AMQP_URL"]);
    let ran = orderctl(["verify"])
        .env("ORDERFLOW_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/orders")
        .run()
        .fails(6, &["failed to connect to the database", "ORDERFLOW_DATABASE_URL"]);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
}
