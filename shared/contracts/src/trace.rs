//! The W3C trace context that a message carries.

use std::fmt;

/// Longest `traceparent` that is carried on; the version in use has 55 characters.
const PARENT_BYTES: usize = 64;
/// Longest `tracestate` that is carried on, as the W3C asks of everybody.
const STATE_BYTES: usize = 512;
/// The flag of a trace that its sender records.
const SAMPLED: u8 = 1;

/// The trace that a message belongs to, carried on unchanged by all that it causes.
///
/// One text, so that a column or a log line holds it: the `traceparent`, and behind a blank the
/// `tracestate` if the sender gave one.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext(Box<str>);

impl TraceContext {
    /// The context of these two headers or attributes; one that breaks the rules is left out.
    ///
    /// A trace is a help for people: no message is refused for the sake of one.
    pub fn new(parent: &str, state: Option<&str>) -> Option<Self> {
        if !is_parent(parent) {
            return None;
        }
        match state.map(|state| state.trim_matches([' ', '\t'])).filter(|state| is_state(state)) {
            Some(state) => Some(Self(format!("{parent} {state}").into())),
            None => Some(Self(parent.into())),
        }
    }

    /// The context of a message's own headers.
    pub fn of_headers(headers: &[(&str, &str)]) -> Option<Self> {
        let header = |name| headers.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        Self::new(header("traceparent")?, header("tracestate"))
    }

    /// The context in a text made by [`Self::as_str`]; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (parent, state) = split(text);
        Self::new(parent, state)
    }

    /// The whole as one text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `traceparent`.
    pub fn parent(&self) -> &str {
        split(&self.0).0
    }

    /// The `tracestate`.
    pub fn state(&self) -> Option<&str> {
        split(&self.0).1
    }

    /// Whether the sender records this trace.
    pub fn is_sampled(&self) -> bool {
        let flags = self.parent().split('-').nth(3).and_then(|it| u8::from_str_radix(it, 16).ok());
        flags.is_some_and(|flags| flags & SAMPLED != 0)
    }

    /// The id of the trace, for logs: 32 digits in hex.
    pub fn trace_id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(' ').map_or((text, None), |(parent, state)| (parent, Some(state)))
}

/// `version-trace-parent-flags`, in lower-case hex; neither id may be all zeros.
fn is_parent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (part.len() == digits && is_hex).then_some(part)
    };
    let (version, trace, span, flags) = (part(2), part(32), part(16), part(2));
    let is_id = |id: Option<&str>| id.is_some_and(|id| id.bytes().any(|byte| byte != b'0'));
    // Later versions may say more behind the flags; this one does not.
    let more = parts.next().is_some();
    let fits = version.is_some_and(|version| version != "ff" && (version != "00" || !more));
    fits && is_id(trace) && is_id(span) && flags.is_some() && text.len() <= PARENT_BYTES
}

fn is_state(text: &str) -> bool {
    let is_shown = |byte: u8| (b' '..=b'~').contains(&byte);
    !text.is_empty() && text.len() <= STATE_BYTES && text.bytes().all(is_shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_one_text_and_back() {
        for state in [None, Some("shop=a,other=b c")] {
            let context = TraceContext::new(PARENT, state).unwrap();
            assert_eq!((context.parent(), context.state()), (PARENT, state));
            assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(TraceContext::parse(context.as_str()), Some(context));
        }
    }

    #[test]
    fn the_sender_says_whether_it_records() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true)] {
            let context = TraceContext::new(&PARENT.replace("-01", &format!("-{flags}")), None);
            assert_eq!(context.unwrap().is_sampled(), sampled, "{flags}");
        }
    }

    #[test]
    fn what_is_no_trace_is_left_out() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let upper = PARENT.to_uppercase();
        let longer = format!("{PARENT}-more");
        let very_long = format!("cc{}-{}", &PARENT[2..], "0".repeat(64));
        for text in ["", "00-1-1-01", zeros, &upper, &longer, &very_long, "4111111111111111"] {
            assert_eq!(TraceContext::new(text, None), None, "{text}");
        }
        let later = format!("cc{}-0a", &PARENT[2..]);
        assert!(TraceContext::new(&later, None).is_some());
    }

    #[test]
    fn a_state_that_breaks_the_rules_does_not_take_the_trace_with_it() {
        for state in ["", "  ", "a=\u{e9}", "a=\n", &"x".repeat(513)] {
            let context = TraceContext::new(PARENT, Some(state)).unwrap();
            assert_eq!(context.state(), None, "{state:?}");
        }
    }
}
