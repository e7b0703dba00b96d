//! The decoder and the schemas agree on every example.

use std::collections::BTreeSet;
use std::fs;

use contracts::{EventKind, RuleCode};

use crate::corpus::{SCHEMAS, VALID, decode_body, folder, invalid};

#[test]
fn every_valid_example_is_accepted_by_decoder_and_schema() {
    for valid in &*VALID {
        let decoded = decode_body(valid.kind, &valid.text);
        let decoded = decoded.unwrap_or_else(|error| panic!("{}: {error}", valid.name));
        assert_eq!(decoded.kind, valid.kind, "{}", valid.name);
        assert!(SCHEMAS.accepts(valid.kind, &valid.message), "{}", valid.name);
    }
}

#[test]
fn every_invalid_example_breaks_exactly_the_rule_it_names() {
    for (kind, name, broken) in invalid() {
        let Err(error) = broken.decode_as(kind) else { panic!("{name}: is accepted") };
        let expected = (&*broken.expect.code, &*broken.expect.pointer);
        assert_eq!((error.code.as_str(), &*error.pointer), expected, "{name}: {error}");
        assert!(broken.description.ends_with('.'), "{name}: describes itself in sentences");
    }
}

#[test]
fn the_schemas_refuse_every_invalid_example_but_those_beyond_them() {
    for (kind, name, broken) in invalid() {
        let accepted = broken.json().is_some_and(|message| SCHEMAS.accepts(kind, &message));
        assert_eq!(accepted, broken.schema_accepts, "{name}");
    }
}

#[test]
fn every_rule_but_the_size_has_an_example() {
    let shown: BTreeSet<_> =
        invalid().into_iter().map(|(_, _, broken)| broken.expect.code).collect();
    for code in RuleCode::ALL {
        // A body beyond 64 KiB is made in `limits`, not kept.
        let expected = code != RuleCode::BodyTooLarge;
        assert_eq!(shown.contains(code.as_str()), expected, "{code}");
    }
}

#[test]
fn every_event_has_a_minimal_and_a_full_example_and_invalid_ones() {
    let count = |sort: &str| fs::read_dir(folder().join("examples").join(sort)).unwrap().count();
    assert_eq!((count("valid"), count("invalid")), (EventKind::ALL.len(), EventKind::ALL.len()));
    let broken = invalid();
    for kind in EventKind::ALL {
        for name in ["minimal", "full"] {
            crate::corpus::example(kind, name);
        }
        assert!(broken.iter().any(|(of, _, _)| *of == kind), "{kind}");
    }
}

#[test]
fn every_valid_example_is_a_message_of_its_own() {
    let ids: BTreeSet<_> = VALID.iter().map(|valid| valid.message["id"].to_string()).collect();
    assert_eq!(ids.len(), VALID.len());
}
