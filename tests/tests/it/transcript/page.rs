//! A page of commands and what they print, read and written.

use std::fmt::Write as _;

/// What a page is made of, in its sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line that is neither typed nor printed.
    Line(String),
    /// What happens meanwhile, in a comment that readers do not see.
    Meanwhile(String),
    /// Something typed.
    Command(Command),
}

/// A command with what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// As it is typed.
    pub(super) typed: String,
    /// How it ends; the page says so where that is not 0.
    pub(super) exit: i32,
    /// What it prints, without empty lines at the end.
    pub(super) prints: String,
}

/// What opens and closes a block of commands.
const FENCE: &str = "```";
/// What is before a command.
const PROMPT: &str = "$ ";
/// What is before an exit code that is not 0.
const EXITS: &str = "# exits with ";

/// The pieces of a page.
pub(super) fn read(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with(FENCE) {
            in_block = !in_block;
            pieces.push(Piece::Line(line.to_owned()));
        } else if in_block {
            within_block(&mut pieces, line);
        } else if let Some(comment) = comment(line) {
            pieces.push(Piece::Meanwhile(comment.to_owned()));
        } else {
            pieces.push(Piece::Line(line.to_owned()));
        }
    }
    for piece in &mut pieces {
        if let Piece::Command(command) = piece {
            command.prints.truncate(command.prints.trim_end().len());
        }
    }
    pieces
}

fn comment(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- ")?.strip_suffix(" -->")
}

fn within_block(pieces: &mut Vec<Piece>, line: &str) {
    if let Some(command) = line.strip_prefix(PROMPT) {
        let exit = command.split_once(EXITS).map_or("0", |(_, code)| code).trim();
        let exit = exit.parse().expect("an exit code is a number");
        let (typed, prints) = (command.to_owned(), String::new());
        pieces.push(Piece::Command(Command { typed, exit, prints }));
    } else if let Some(Piece::Command(command)) = pieces.last_mut() {
        command.prints.push_str(line);
        command.prints.push('\n');
    } else {
        panic!("a block begins with a command: {line}");
    }
}

/// The page of these pieces.
pub(super) fn write(pieces: &[Piece]) -> String {
    let mut text = String::new();
    let mut after_output = false;
    for piece in pieces {
        let written = match piece {
            Piece::Line(line) => writeln!(text, "{line}"),
            Piece::Meanwhile(comment) => writeln!(text, "<!-- {comment} -->"),
            Piece::Command(command) => {
                let gap = if after_output { "\n" } else { "" };
                let below = if command.prints.is_empty() { "" } else { "\n" };
                writeln!(text, "{gap}{PROMPT}{}{below}{}", command.typed, command.prints)
            }
        };
        written.expect("a string takes everything");
        after_output = matches!(piece, Piece::Command(command) if !command.prints.is_empty());
    }
    text
}

#[test]
fn a_page_is_written_as_it_was_read() {
    let page = "# Title\n\n<!-- it rains -->\n```text\n$ one\n a  b\n\nc\n\n$ two # exits with 5\n\
                $ three\nd\n```\nend\n";
    let pieces = read(page);
    assert_eq!(write(&pieces), page);
    let command = |typed: &str, exit, prints: &str| {
        Piece::Command(Command { typed: typed.to_owned(), exit, prints: prints.to_owned() })
    };
    assert_eq!(pieces[2], Piece::Meanwhile("it rains".to_owned()));
    assert_eq!(
        pieces[4..7],
        [
            command("one", 0, " a  b\n\nc"),
            command("two # exits with 5", 5, ""),
            command("three", 0, "d"),
        ]
    );
}
