//! Every network's test number is found wherever a message may hold it.

use cardscan::{Finding, Kind, in_body, in_field, in_integer};
use proptest::prelude::*;
use serde_json::json;

/// Test numbers that the networks and their acquirers publish.
const NUMBERS: [&str; 20] = [
    "4111111111111111",
    "4012888888881881",
    "4242424242424242",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3530111333300000",
    "3566002020360505",
    "30569309025904",
    "38520000023237",
    "36227206271667",
    "6200000000000005",
    "6205500000000000004",
    "6759649826438453",
    "6304000000000000",
];

fn number() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NUMBERS[..])
}

/// Where in the data a field is.
fn body(value: &serde_json::Value) -> Vec<u8> {
    json!({"id": "0198c0de-0001-7000-8000-000000000001", "data": {"lines": [{}, {"note": value}]}})
        .to_string()
        .into_bytes()
}

#[track_caller]
fn assert_found(finding: Option<Finding>, number: &str, pointer: &str) {
    let finding = finding.unwrap_or_else(|| panic!("{number} was not found"));
    assert_eq!((finding.kind, finding.pointer.as_str()), (Kind::CardNumber, pointer));
    let shown = format!("{finding:?}");
    assert!(!shown.contains(&number[..7]), "{shown}");
}

/// What people and programs put between digits.
const SPLITS: [&str; 6] = ["", "", " ", "-", "\u{a0}", "\u{2011}"];
const NOTE: &str = "/data/lines/1/note";

#[test]
fn a_number_is_found_as_a_value_a_key_and_a_number() {
    for number in NUMBERS {
        assert_found(in_body(&body(&json!(number))), number, NOTE);
        let integer: u64 = number.parse().unwrap();
        assert_found(in_body(&body(&json!(integer))), number, NOTE);
        assert_found(in_integer("x-note", integer), number, "/x-note");
        let masked = "*".repeat(number.len());
        let pointer = format!("{NOTE}/{masked}");
        assert_found(in_body(&body(&json!({ number: true }))), number, &pointer);
        assert_found(in_field(number, b""), number, &format!("/{masked}"));
        assert_found(in_body(number.as_bytes()), number, "");
    }
}

#[test]
fn what_is_shown_is_the_first_six_and_the_last_four() {
    let card = in_body(br#"{"a":"my card: 5105-1051-0510-5100."}"#).unwrap().card.unwrap();
    assert_eq!((&*card.first_six, &*card.last_four, card.digits), ("510510", "5100", 16));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_number_in_words_is_found(
        number in number(),
        before in "[a-zA-Z ,.!]{0,30}[:#( ]",
        after in "[ ,.!)?;][a-zA-Z ,.!]{0,30}",
    ) {
        let text = format!("{before}{number}{after}");
        assert_found(in_body(&body(&json!(text))), number, NOTE);
        assert_found(in_field("x-note", text.as_bytes()), number, "/x-note");
    }

    #[test]
    fn a_number_split_anywhere_is_found(
        number in number(),
        splits in prop::collection::vec(prop::sample::select(&SPLITS[..]), 19),
    ) {
        let split = number.chars().zip(splits).map(|(digit, split)| format!("{digit}{split}"));
        let text: String = split.collect();
        assert_found(in_body(&body(&json!(format!("it is {text}.")))), number, NOTE);
    }

    #[test]
    fn a_number_in_a_longer_one_is_found(
        number in number(), before in "[1-8][0-9]{0,5}", after in "[0-9]{0,6}"
    ) {
        // As long as an acquirer's reference, it may be one.
        prop_assume!(before.len() + number.len() + after.len() != 23);
        let text = format!("it is {before}{number}{after}.");
        let finding = in_body(&body(&json!(text)));
        let found = finding.map(|finding| (finding.kind, finding.pointer));
        prop_assert_eq!(found, Some((Kind::CardNumber, NOTE.to_owned())), "{}", text);
    }

    #[test]
    fn a_number_in_escapes_or_other_digits_is_found(
        number in number(), forms in prop::collection::vec(0_u8..5, 19)
    ) {
        let written = number.chars().zip(forms).map(|(digit, form)| {
            let value = digit.to_digit(10).unwrap();
            let zero = [0x30, 0xFF10, 0x0660, 0x0966].get(usize::from(form));
            zero.map_or_else(
                || format!("\\u{:04x}", 0x30 + value),
                |zero| char::from_u32(zero + value).unwrap().to_string(),
            )
        });
        let text = format!(r#"{{"data":{{"note":"{}"}}}}"#, written.collect::<String>());
        assert_found(in_body(text.as_bytes()), number, "/data/note");
    }

    #[test]
    fn a_number_in_json_in_a_string_is_found(number in number()) {
        let inner = json!({"card": {"number": number, "cvc": "123"}}).to_string();
        assert_found(in_body(&body(&json!(inner))), number, NOTE);
        let code = json!({"card": {"cvc": "123"}}).to_string();
        let kind = in_body(&body(&json!(code))).map(|finding| finding.kind);
        prop_assert_eq!(kind, Some(Kind::SecurityCode));
    }

    #[test]
    fn a_number_in_text_of_two_bytes_per_character_is_found(number in number()) {
        let wide: Vec<u8> = number.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_found(in_body(&wide), number, "");
    }

    #[test]
    fn nothing_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        name in ".{0,30}",
        value in any::<u64>(),
    ) {
        in_body(&bytes);
        in_field(&name, &bytes);
        in_integer(&name, value);
    }

    #[test]
    fn nothing_that_resembles_json_makes_it_panic(
        text in r#"([0-9]{1,20}|[-{}\[\]",:.+^=D\\]|cvv|cid|track2|\\u003[0-9]|é|４){0,30}"#
    ) {
        in_body(text.as_bytes());
        in_field("x-card", text.as_bytes());
    }
}

#[test]
fn a_large_body_takes_no_longer_than_its_size_asks_for() {
    // Digits everywhere and no card: the worst a sender can do within 250 KB.
    let digits = r#"{"id":"49999999999999999998 é"},"#.repeat(8_000);
    let words = format!("{{\"note\":\"{}\"}}", "4999999999999990, ".repeat(15_000));
    let number: String = (1..250_000_u64).map(|it| (it * it % 9_973 % 10).to_string()).collect();
    let cases = [
        format!("[{digits}1]"),
        words,
        "[".repeat(250_000),
        "4".repeat(250_000),
        format!("{{\"id\":\"{number}\"}}"),
        format!("{{\"{}id\":[{digits}1]}}", "-".repeat(250_000)),
        "pinblock:".repeat(30_000),
        "cvv".repeat(80_000),
        format!("{{\"card\":{{{}", "\"cid\":".repeat(40_000)),
    ];
    for body in cases {
        let started = std::time::Instant::now();
        in_body(body.as_bytes());
        let taken = started.elapsed();
        assert!(taken.as_secs() < 20, "{taken:?}");
    }
}
