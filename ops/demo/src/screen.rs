//! What is seen while the day goes on: bars on a terminal, plain lines elsewhere.
//!
//! Everything goes to standard error; standard output is for the report.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::numbers::Look;

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(3);
/// How many queues are shown.
const MOST_QUEUES: usize = 6;

/// What a day has in store, for the length of the bars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Messages, answers of the provider left out.
    pub(crate) messages: usize,
    /// Dead letters.
    pub(crate) dead_letters: usize,
}

/// Shows how the day goes on.
#[derive(Debug)]
pub(crate) struct Screen {
    began: Instant,
    expected: Expected,
    view: View,
}

#[derive(Debug)]
enum View {
    Bars(Box<Bars>),
    Lines { next: Instant },
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    published: ProgressBar,
    handled: ProgressBar,
    timers: ProgressBar,
    dead_letters: ProgressBar,
    table: ProgressBar,
}

impl Screen {
    /// A screen that fits where standard error leads.
    pub(crate) fn new(expected: Expected) -> Self {
        let began = Instant::now();
        let view = if stderr().is_terminal() {
            View::Bars(Box::new(Bars::new(expected)))
        } else {
            View::Lines { next: began }
        };
        Self { began, expected, view }
    }

    /// Shows what a look saw.
    pub(crate) fn show(&mut self, look: &Look) {
        match &mut self.view {
            View::Bars(bars) => bars.show(look),
            View::Lines { next } if Instant::now() >= *next => {
                *next += LINE_EVERY;
                say(&line(self.began.elapsed(), self.expected, look));
            }
            View::Lines { .. } => {}
        }
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        match &self.view {
            // A terminal that is gone needs no clearing.
            View::Bars(bars) => bars.all.clear().unwrap_or_default(),
            View::Lines { .. } => {}
        }
    }
}

impl Bars {
    fn new(expected: Expected) -> Self {
        let all = MultiProgress::new();
        let bar = |name: &'static str, length: usize| {
            let style =
                ProgressStyle::with_template("{prefix:>14} [{bar:36}] {pos:>6} / {len:<6} {msg}")
                    .expect("the template is constant and valid")
                    .progress_chars("=> ");
            let bar = ProgressBar::new(count(length)).with_style(style).with_prefix(name);
            all.add(bar)
        };
        let table = ProgressStyle::with_template("{msg}").expect("the template is constant");
        Self {
            published: bar("published", expected.messages),
            handled: bar("handled", expected.messages),
            timers: bar("timers fired", 0),
            dead_letters: bar("dead letters", expected.dead_letters),
            table: all.add(ProgressBar::new_spinner().with_style(table)),
            all: all.clone(),
        }
    }

    fn show(&self, look: &Look) {
        let numbers = &look.numbers;
        let published = count(look.published);
        let set = |bar: &ProgressBar, length: u64, position: u64| {
            bar.set_length(bar.length().unwrap_or(0).max(length));
            bar.set_position(position);
        };
        set(&self.published, published, published);
        let handled = count(look.numbers.handled());
        set(&self.handled, published, handled);
        let [armed, fired] =
            ["armed", "fired"].map(|name| u64::try_from(numbers.count("timer", name)).unwrap_or(0));
        self.timers.set_length(armed + fired);
        self.timers.set_position(fired);
        self.timers.set_message(format!("{} cancelled", numbers.count("timer", "cancelled")));
        let parked = u64::try_from(numbers.sum("dead letter")).unwrap_or(0);
        set(&self.dead_letters, parked, parked);
        self.table.set_message(table(look));
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn table(look: &Look) -> String {
    let numbers = &look.numbers;
    let rows = [
        ("orders", numbers.line("order")),
        ("events", numbers.line("event")),
        ("refunds", numbers.line("refund")),
        ("disputes", numbers.line("dispute")),
        ("our messages", format!("{}, {} heard", numbers.line("message"), look.heard)),
        ("queues", queues(look)),
    ];
    let lines: Vec<_> = rows.iter().map(|(name, text)| format!("{name:>14} {text}")).collect();
    lines.join("\n")
}

fn queues(look: &Look) -> String {
    let short = |name: &str| name.split_once('.').map_or("", |(_, rest)| rest).to_owned();
    let mut filled: Vec<_> = look.depths.iter().filter(|depth| depth.messages > 0).collect();
    filled.sort_by_key(|depth| std::cmp::Reverse(depth.messages));
    let parts: Vec<_> = filled
        .iter()
        .take(MOST_QUEUES)
        .map(|depth| format!("{} {}", short(&depth.name), depth.messages))
        .collect();
    if parts.is_empty() { "empty".to_owned() } else { parts.join(", ") }
}

fn line(elapsed: Duration, expected: Expected, look: &Look) -> String {
    let numbers = &look.numbers;
    format!(
        "{:6.1} s  published {}/{}  handled {}  orders: {}  timers: {}  dead letters {}/{}  \
         queues: {}",
        elapsed.as_secs_f64(),
        look.published,
        expected.messages.max(look.published),
        numbers.handled(),
        numbers.line("order"),
        numbers.line("timer"),
        numbers.sum("dead letter"),
        expected.dead_letters,
        queues(look),
    )
}

/// Prints one line of progress.
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
