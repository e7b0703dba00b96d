//! A terminal with `orderctl` on it, by `script` of util-linux.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use system_tests::{Surroundings, build_folder};

/// Longest time until something is on the screen.
const BOUND: Duration = Duration::from_mins(1);
/// What Ctrl-C sends.
pub(super) const CTRL_C: &str = "\x03";

/// What was on the screen so far, and whether the program ended.
#[derive(Default)]
struct Seen {
    text: String,
    ended: bool,
}

/// Somebody's terminal.
pub(super) struct Terminal {
    program: Child,
    keys: ChildStdin,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Terminal {
    /// Types a command and waits for nothing.
    pub(super) fn types_in(command: &str, around: &Surroundings) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut program = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command"])
            .args([&format!("stty columns 100 rows 40; exec {command}"), "/dev/null"])
            .env_clear()
            .env("PATH", format!("{}:{path}", build_folder().display()))
            .envs([("SHELL", "/bin/sh"), ("COLUMNS", "100"), ("TERM", "xterm")])
            .envs(around.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is part of every Debian");
        let keys = program.stdin.take().expect("it is piped");
        let mut screen = program.stdout.take().expect("it is piped");
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (of_reader, mut piece) = (Arc::clone(&seen), [0; 4096]);
        std::thread::spawn(move || {
            let (seen, changed) = &*of_reader;
            loop {
                let read = screen.read(&mut piece).unwrap_or(0);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.text.push_str(&String::from_utf8_lossy(&piece[..read]));
                seen.ended = read == 0;
                changed.notify_all();
                if seen.ended {
                    return;
                }
            }
        });
        Self { program, keys, seen }
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub(super) fn shows(&self, words: &str) {
        let text = self.wait(|seen| seen.ended || seen.text.contains(words));
        assert!(text.contains(words), "{words:?} is not on the screen:\n{text}");
    }

    /// Presses keys.
    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program listens");
        self.keys.flush().expect("the program listens");
    }

    /// Waits until the program ended so; what was on the screen.
    #[track_caller]
    pub(super) fn ends_with(mut self, code: i32) -> String {
        let text = self.wait(|seen| seen.ended);
        let status = self.program.wait().expect("it is our child");
        assert_eq!(status.code(), Some(code), "{text}");
        text
    }

    fn wait(&self, until: impl Fn(&Seen) -> bool) -> String {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(seen, BOUND, |seen| !until(seen));
        let (seen, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "it took too long:\n{}", seen.text);
        seen.text.clone()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Without its terminal, whatever still runs on it ends.
        if let Err(error) = self.program.kill() {
            eprintln!("a terminal stays open: {error}");
        }
    }
}
