//! Tells code from comments and literals, so that a rule finds what it means.

/// A Rust text taken apart; all parts keep their lines and columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masked {
    /// The code, with comments and the insides of literals blanked.
    pub(super) code: String,
    /// The comments, with everything else blanked.
    pub(super) comments: String,
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    /// How many are open: they nest.
    BlockComment(u32),
    Text,
    Character,
    /// How many `#` close it.
    RawText(usize),
}

/// Takes a text apart.
pub(super) fn mask(text: &str) -> Masked {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = Masked { code: String::new(), comments: String::new() };
    let mut state = State::Code;
    let mut at = 0;
    while at < characters.len() {
        let (next, length) =
            step(state, &characters[at..], at.checked_sub(1).map(|it| characters[it]));
        for character in &characters[at..at + length] {
            masked.push(*character, state, next);
        }
        state = next;
        at += length;
    }
    masked
}

impl Masked {
    fn push(&mut self, character: char, state: State, next: State) {
        let blank = if character == '\n' { '\n' } else { ' ' };
        let in_comment = |state| matches!(state, State::LineComment | State::BlockComment(_));
        if in_comment(state) || in_comment(next) {
            self.comments.push(character);
            self.code.push(blank);
        } else {
            let is_code = state == State::Code && next == State::Code;
            self.code.push(if is_code { character } else { blank });
            self.comments.push(blank);
        }
    }
}

/// The state after the next characters, and how many belong together.
fn step(state: State, rest: &[char], before: Option<char>) -> (State, usize) {
    match (state, rest) {
        (State::Code, ['/', '/', ..]) => (State::LineComment, 2),
        (State::Code, ['/', '*', ..]) => (State::BlockComment(1), 2),
        (State::Code, ['"', ..]) => (State::Text, 1),
        (State::Code, ['r', tail @ ..]) => match raw_start(tail, before) {
            Some(hashes) => (State::RawText(hashes), hashes + 2),
            None => (State::Code, 1),
        },
        // Every other quote begins a lifetime.
        (State::Code, ['\'', '\\', ..] | ['\'', _, '\'', ..]) => (State::Character, 1),
        (State::LineComment, ['\n', ..])
        | (State::Text, ['"', ..])
        | (State::Character, ['\'', ..]) => (State::Code, 1),
        (State::BlockComment(depth), ['/', '*', ..]) => (State::BlockComment(depth + 1), 2),
        (State::BlockComment(1), ['*', '/', ..]) => (State::Code, 2),
        (State::BlockComment(depth), ['*', '/', ..]) => (State::BlockComment(depth - 1), 2),
        (State::Text | State::Character, ['\\', _, ..]) => (state, 2),
        (State::RawText(hashes), ['"', tail @ ..]) if closes(tail, hashes) => {
            (State::Code, hashes + 1)
        }
        (same, _) => (same, 1),
    }
}

/// How many `#` a raw text starts with, if one starts behind this `r`.
fn raw_start(tail: &[char], before: Option<char>) -> Option<usize> {
    let ends_a_name = before.is_some_and(|it| it.is_alphanumeric() && !matches!(it, 'b' | 'c'));
    let hashes = tail.iter().take_while(|it| **it == '#').count();
    (!ends_a_name && before != Some('_') && tail.get(hashes) == Some(&'"')).then_some(hashes)
}

fn closes(tail: &[char], hashes: usize) -> bool {
    tail.len() >= hashes && tail[..hashes].iter().all(|it| *it == '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let masked = mask(text);
        assert_eq!(masked.code.lines().count(), text.lines().count());
        masked.code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(code("a // b\nc"), "a c");
        assert_eq!(code("a /* b /* c */ d */ e"), "a e");
        assert_eq!(code(r#"a("b \" c") d"#), "a( ) d");
        assert_eq!(code("a(r#\"b \" c\"#) d"), "a( ) d");
        assert_eq!(code("a(br\"b\\\") d"), "a(b ) d");
    }

    #[test]
    fn a_lifetime_is_not_the_start_of_a_character() {
        assert_eq!(code("fn a<'b>(c: &'b str) { '\"' }"), "fn a<'b>(c: &'b str) { }");
        assert_eq!(code("a('b', 'c') d"), "a( , ) d");
    }

    #[test]
    fn a_brace_in_a_character_is_no_code() {
        assert_eq!(code("if it == '{' { a }"), "if it == { a }");
        assert_eq!(code("if it == b'}' { a }"), "if it == b { a }");
        assert_eq!(code("if it == '\\'' { \"x\" }"), "if it == { }");
        assert_eq!(code("if it == '\\\\' || it == '\\u{7b}' { a }"), "if it == || it == { a }");
    }

    #[test]
    fn a_name_that_ends_in_r_starts_no_raw_text() {
        assert_eq!(code("for\"a\" b"), "for b");
        assert_eq!(code("var r = 1;"), "var r = 1;");
    }

    #[test]
    fn comments_keep_their_place() {
        let masked = mask("let a; // why\nlet b;");
        assert_eq!(masked.comments.lines().next().unwrap().trim(), "// why");
        assert_eq!(masked.comments.find("// why"), Some(7));
    }
}
