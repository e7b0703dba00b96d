//! Messages in a file: one document, or one per line.

use serde::de::IgnoredAny;

/// One message of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The line at which it begins, from 1.
    pub(crate) line: usize,
    /// Its bytes, without the white space around it.
    pub(crate) body: &'a [u8],
}

/// Takes a file apart into its messages.
///
/// A file that is one JSON value is one message. Otherwise a message begins at every line that
/// starts with something but white space or a closing bracket: so lines of JSON are one message
/// each, indented JSON stays together, and a broken message spoils no other.
pub(crate) fn split(content: &[u8]) -> Vec<Document<'_>> {
    if serde_json::from_slice::<IgnoredAny>(content).is_ok() {
        return vec![Document { line: 1, body: content.trim_ascii() }];
    }
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let begins = line.first().is_some_and(|byte| !b" \t\r\n}]".contains(byte));
        if begins && offset > start {
            documents.push(Document { line: start_line, body: &content[start..offset] });
            (start, start_line) = (offset, index + 1);
        }
        offset += line.len();
    }
    documents.push(Document { line: start_line, body: &content[start..] });
    for document in &mut documents {
        document.body = document.body.trim_ascii();
    }
    let all = documents.len();
    documents.retain(|document| all == 1 || !document.body.is_empty());
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(content: &str) -> Vec<(usize, &str)> {
        let text = |body| std::str::from_utf8(body).unwrap();
        split(content.as_bytes()).into_iter().map(|it| (it.line, text(it.body))).collect()
    }

    #[test]
    fn one_value_is_one_message_however_it_is_laid_out() {
        for content in ["{}", " {\n}\n", "{\n\"a\":\n{\n}\n}", "[\n{},\n{}\n]\n", "7"] {
            assert_eq!(parts(content), [(1, content.trim())]);
        }
    }

    #[test]
    fn every_line_is_a_message() {
        assert_eq!(parts("{}\n\n{\"a\":1}\r\n[]\n"), [(1, "{}"), (3, "{\"a\":1}"), (4, "[]")]);
    }

    #[test]
    fn indented_messages_may_follow_each_other() {
        let one = "{\n  \"a\": {\n    \"b\": 1\n  }\n}";
        assert_eq!(parts(&format!("{one}\n{one}\n")), [(1, one), (6, one)]);
    }

    #[test]
    fn a_broken_line_is_a_message_of_its_own() {
        assert_eq!(parts("{}\n{\"a\n{}\n"), [(1, "{}"), (2, "{\"a"), (3, "{}")]);
        assert_eq!(parts("oops\n{}"), [(1, "oops"), (2, "{}")]);
        assert_eq!(parts("{} {}"), [(1, "{} {}")]);
    }

    #[test]
    fn a_broken_indented_message_stays_together() {
        let broken = "{\n  \"a\": {\n    \"b\": 1,\n  }\n}";
        assert_eq!(parts(broken), [(1, broken)]);
    }

    #[test]
    fn nothing_at_all_is_one_empty_message() {
        for content in ["", "\n", " \n\t\n"] {
            assert_eq!(parts(content), [(1, "")]);
        }
    }
}
