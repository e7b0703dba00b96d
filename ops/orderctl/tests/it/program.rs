//! Running the binary.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{TestBroker, TestDatabase};

/// A call of the binary under construction.
pub(crate) struct Program {
    command: Command,
    input: Vec<u8>,
}

/// What it said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary with these arguments, on a terminal of 100 columns, knowing of no service.
pub(crate) fn orderctl<const N: usize>(args: [&str; N]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderctl"));
    command.args(args);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ORDERFLOW_") {
            command.env_remove(name);
        }
    }
    command.env("COLUMNS", "100").env_remove("NO_COLOR");
    Program { command, input: Vec::new() }
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn directory(mut self, directory: &std::path::Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// With a broker and the part of it that is the test's own.
    pub(crate) fn broker(self, broker: &TestBroker) -> Self {
        self.env("ORDERFLOW_AMQP_URL", broker.amqp_url())
            .env("ORDERFLOW_PREFIX", broker.prefix())
            .env("ORDERFLOW_DELAY", "ladder")
    }

    pub(crate) fn management(self, broker: &TestBroker) -> Self {
        self.env("ORDERFLOW_MANAGEMENT_URL", broker.management_url())
    }

    pub(crate) fn database(self, database: &TestDatabase) -> Self {
        self.env("ORDERFLOW_DATABASE_URL", database.url())
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let piped = || Stdio::piped();
        self.command.stdin(piped()).stdout(piped()).stderr(piped());
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        // A program that reads nothing closes its end.
        let writing = std::thread::spawn(move || stdin.write_all(&input).is_ok());
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asserts how it ended.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The result, which must be one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The result, which must be one of our own JSON documents.
    #[track_caller]
    pub(crate) fn versioned_json(&self) -> Value {
        let document = self.json();
        assert_eq!(document["schema_version"], 1, "{document}");
        document
    }

    /// Asserts that it failed with these words on standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        let ran = self.exits_with(code);
        assert_eq!(ran.stdout, "");
        for word in words.iter().chain(&["error: ", "next: "]) {
            assert!(ran.stderr.contains(word), "{word:?} is not in:\n{}", ran.stderr);
        }
        ran
    }
}
