//! Every filter is read as it is written, and what is none is said to be none.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn words() -> impl Strategy<Value = Term> {
    let key = proptest::sample::select(WordKey::ALL.to_vec());
    let free = proptest::collection::vec("[ -~äß\\n]{1,12}", 1..4);
    let groups = proptest::collection::vec("[0-9a-f]{4,64}", 1..3);
    let statuses = proptest::sample::subsequence(STATUSES.to_vec(), 1..3);
    (key, any::<bool>(), free, groups, statuses).prop_map(|(key, not, free, groups, statuses)| {
        let values = match key {
            WordKey::Group => groups,
            WordKey::Status => statuses.into_iter().map(str::to_owned).collect(),
            _ => free,
        };
        Term::Word { key, not, values }
    })
}

fn numbers() -> impl Strategy<Value = Term> {
    let key = proptest::sample::select(NumberKey::ALL.to_vec());
    let comparisons = [
        Comparison::Equal,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::More,
        Comparison::AtLeast,
    ];
    let comparison = proptest::sample::select(comparisons.to_vec());
    (key, comparison, 0..i32::MAX).prop_map(|(key, comparison, bound)| Term::Number {
        key,
        comparison,
        bound,
    })
}

fn ages() -> impl Strategy<Value = Term> {
    let key = proptest::sample::select(AgeKey::ALL.to_vec());
    (key, any::<bool>(), 0..4_000_000_000_000_u64).prop_map(|(key, longer, millis)| {
        let bound = Duration::from_millis(millis);
        Term::Age { key, longer, bound }
    })
}

fn others() -> impl Strategy<Value = Term> {
    let key = proptest::sample::select(IdKey::ALL.to_vec());
    let ids = (key, proptest::collection::vec(any::<i64>(), 1..5));
    let ids = ids.prop_map(|(key, ids)| Term::Id { key, ids });
    let text = (any::<bool>(), "[ -~é\\t]{1,20}").prop_map(|(not, part)| Term::Text { not, part });
    prop_oneof![ids, text]
}

fn filters() -> impl Strategy<Value = Filter> {
    let term = prop_oneof![words(), numbers(), ages(), others()];
    proptest::collection::vec(term, 0..6).prop_map(|terms| {
        let mut filter = Filter::default();
        for term in terms {
            // A key that is there already is left out.
            add(&mut filter, term).unwrap_or_default();
        }
        filter
    })
}

proptest! {
    #[test]
    fn a_filter_is_read_as_it_is_written(filter in filters()) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn and_changes_nothing(filter in filters()) {
        let terms: Vec<_> = filter.terms.iter().map(ToString::to_string).collect();
        prop_assert_eq!(parse(&terms.join(" and ")), Ok(filter));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        if let Ok(filter) = parse(&text) {
            prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
        }
    }
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    for (wrong, right) in [
        ("qeue", "queue"),
        ("errorcode", "code"),
        ("atempts", "attempts"),
        ("state", "status"),
        ("oder", "order"),
        ("txet", "text"),
    ] {
        let said = refused(&format!("{wrong}=x"));
        let expected = format!("a filter knows no key `{wrong}`; did you mean `{right}`?");
        assert_eq!(said, expected);
    }
}

#[test]
fn bare_numbers_are_ids() {
    assert_eq!(parse("41 42 and 7"), parse("id=41,42,7"));
    assert_eq!(refused("41 id=42"), "`id` is given twice: write `id=one,other` for either of them");
}

#[test]
fn a_mistake_is_told_by_its_rule() {
    for (text, told) in [
        ("status=open", "is one of parked, claimed"),
        ("group=xyz", "fingerprint"),
        ("attempts>many", "is a whole number"),
        ("attempts>1,2", "is a whole number"),
        ("attempts~3", "does not take `~`"),
        ("age=2h", "`age` does not take `=`, but `<` or `>`"),
        ("age>soon", "is a time such as 90s, 2h or 3d"),
        ("code=", "is followed by a value"),
        ("code=a code=b", "`code` is given twice"),
        ("code>a", "does not take `>`"),
        ("text~", "is followed by one text"),
        ("text~\"open", "not closed"),
        ("code=a or code=b", "joined by `and` only"),
        ("refund", "is no term"),
        ("Code=a", "is no term"),
        ("id=one", "is a list of whole numbers"),
    ] {
        assert!(refused(text).contains(told), "{text}: {}", refused(text));
    }
}

#[test]
fn two_exclusions_of_one_key_hold_together() {
    assert!(parse("code!=a code!=b").is_ok());
}
