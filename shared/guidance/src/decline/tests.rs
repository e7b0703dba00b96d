//! Declines by their codes.

use std::collections::BTreeSet;

use super::*;
use crate::format::Zone;
use crate::templates::Templates;

fn of(code: &str) -> Guidance {
    guidance(Codes { code: Some(code), ..Codes::default() })
}

#[test]
fn every_code_of_the_field_is_known() {
    let stripe = "authentication_required approve_with_id call_issuer card_not_supported \
        card_velocity_exceeded currency_not_supported do_not_honor do_not_try_again \
        duplicate_transaction expired_card fraudulent generic_decline incorrect_number \
        incorrect_cvc incorrect_pin incorrect_zip insufficient_funds invalid_account \
        invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number \
        invalid_pin issuer_not_available lost_card merchant_blacklist \
        new_account_information_available no_action_taken not_permitted offline_pin_required \
        online_or_offline_pin_required pickup_card pin_try_exceeded processing_error \
        reenter_transaction restricted_card revocation_of_all_authorizations \
        revocation_of_authorization security_violation service_not_allowed stolen_card \
        stop_payment_order testmode_decline transaction_not_allowed try_again_later \
        withdrawal_count_limit_exceeded";
    let network = "01 04 05 07 12 13 14 15 19 34 41 43 46 51 54 55 57 58 59 61 62 63 65 70 75 78 \
        79 82 83 91 96 1A N7 R0 R1 R3";
    for code in stripe.split_whitespace().chain(network.split_whitespace()) {
        assert_ne!(of(code), UNKNOWN, "{code}");
    }
}

#[test]
fn a_provider_s_grouping_counts_only_where_no_code_says_anything() {
    let of = |code, category| guidance(Codes { code, category, ..Codes::default() });
    let grouped = of(Some("acme-17"), Some("hard"));
    assert_eq!((grouped.category, grouped.retry), (Category::Hard, Retry::Never));
    assert_eq!(of(None, Some("technical")).category, Category::Technical);
    assert_eq!(of(Some("insufficient_funds"), Some("hard")).category, Category::Soft);
    assert_eq!(of(None, Some("fraud")).message, CustomerMessage::Generic);
    assert_eq!(of(None, Some("anything")), UNKNOWN);
}

#[test]
fn no_code_means_two_things() {
    let unique: BTreeSet<_> = codes::all().collect();
    assert_eq!(unique.len(), codes::all().count());
}

#[test]
fn each_kind_of_decline_has_its_answer() {
    use Category::{Authentication, Fraud, Hard, Soft, Technical};
    let (now, never) = (Retry::Now, Retry::Never);
    let after = |minutes| Retry::After(Duration::from_mins(minutes));
    for (code, category, retry, message) in [
        ("insufficient_funds", Soft, after(24 * 60), CustomerMessage::CheckFunds),
        ("51", Soft, after(24 * 60), CustomerMessage::CheckFunds),
        ("do_not_honor", Soft, after(60), CustomerMessage::Generic),
        ("05", Soft, after(60), CustomerMessage::Generic),
        ("expired_card", Hard, now, CustomerMessage::CheckDetails),
        ("incorrect_cvc", Soft, now, CustomerMessage::CheckDetails),
        ("authentication_required", Authentication, now, CustomerMessage::Confirm),
        ("1A", Authentication, now, CustomerMessage::Confirm),
        ("issuer_not_available", Technical, after(5), CustomerMessage::TryLater),
        ("R0", Hard, never, CustomerMessage::OtherMethod),
        ("stolen_card", Fraud, never, CustomerMessage::Generic),
        ("43", Fraud, never, CustomerMessage::Generic),
    ] {
        let found = of(code);
        assert_eq!((found.category, found.retry, found.message), (category, retry, message));
        assert_eq!(found.retryable(), retry != never, "{code}");
        assert_eq!(found.retry_after().is_some(), found.retryable(), "{code}");
    }
}

#[test]
fn an_unknown_code_and_none_at_all_are_soft_and_generic() {
    for codes in [
        Codes::default(),
        Codes { code: Some("brand_new_code"), ..Codes::default() },
        Codes { code: Some(""), network_code: Some("ZZ"), advice: Some("?"), category: None },
    ] {
        let found = guidance(codes);
        assert_eq!(found, UNKNOWN);
        assert_eq!((found.category, found.message), (Category::Soft, CustomerMessage::Generic));
    }
}

#[test]
fn the_networks_code_speaks_where_the_providers_says_nothing() {
    let both = |code, network| {
        guidance(Codes { code: Some(code), network_code: Some(network), ..Codes::default() })
    };
    assert_eq!(both("do_not_honor", "51"), of("51"));
    assert_eq!(both("brand_new_code", "54"), of("54"));
    assert_eq!(both("expired_card", "05"), of("expired_card"));
    assert_eq!(both("do_not_honor", "05"), of("do_not_honor"));
}

#[test]
fn a_crime_that_either_code_names_is_not_outweighed() {
    for advice in [None, Some("try_again_later"), Some("confirm_card_data"), Some("24")] {
        for (code, network_code) in [("insufficient_funds", "43"), ("stolen_card", "51")] {
            let codes = Codes {
                code: Some(code),
                network_code: Some(network_code),
                advice,
                ..Codes::default()
            };
            let found = guidance(codes);
            assert_eq!(found.category, Category::Fraud, "{codes:?}");
            assert_eq!(found.retry, Retry::Never, "{codes:?}");
            assert_eq!(found.message, CustomerMessage::Generic, "{codes:?}");
        }
    }
}

#[test]
fn advice_changes_the_retry_and_the_message_that_speaks_of_it() {
    let with = |code, advice| {
        guidance(Codes { code: Some(code), advice: Some(advice), ..Codes::default() })
    };
    let stopped = with("insufficient_funds", "do_not_try_again");
    assert_eq!((stopped.category, stopped.retry), (Category::Hard, Retry::Never));
    assert_eq!(stopped.message, CustomerMessage::OtherMethod);
    let wrong = with("do_not_honor", "confirm_card_data");
    assert_eq!((wrong.retry, wrong.message), (Retry::Now, CustomerMessage::CheckDetails));
    let later = with("reenter_transaction", "24");
    assert_eq!(later.retry, Retry::After(Duration::from_hours(1)));
    assert_eq!(later.message, CustomerMessage::TryLater);
    let tenth_day = with("insufficient_funds", "30").retry;
    assert_eq!(tenth_day, Retry::After(Duration::from_hours(240)));
}

/// What must not be read by whoever holds the card, in the languages that we have.
const TELLING: [&str; 18] = [
    "lost", "stolen", "theft", "thief", "fraud", "suspic", "blocked", "police", "perdid", "robad",
    "fraude", "sospech", "丢失", "挂失", "被盗", "失窃", "欺诈", "可疑",
];

#[test]
fn customers_never_read_of_a_crime() {
    let templates = Templates::built_in();
    let order = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap();
    let amount = Money::new(1_000, "EUR".parse().unwrap()).unwrap();
    let text = |message: CustomerMessage, locale: &str| {
        let notification = message.notification(order, amount, Timestamp::EPOCH);
        let rendered = templates.render(&notification, Some(locale), &Zone::utc());
        [rendered.title, rendered.text, rendered.text_alternative].join("\n").to_lowercase()
    };
    let crimes: Vec<_> = codes::all().filter(|code| of(code).category == Category::Fraud).collect();
    assert!(crimes.len() >= 10, "{crimes:?}");
    for locale in templates.locales() {
        let generic = text(UNKNOWN.message, locale);
        for code in &crimes {
            assert_eq!(text(of(code).message, locale), generic, "{code} in {locale}");
        }
        for word in TELLING {
            assert!(!generic.contains(word), "{word} in {locale}: {generic}");
        }
    }
}

#[test]
fn support_reads_more_than_the_customer() {
    for (code, word) in [("lost_card", "lost"), ("43", "stolen"), ("fraudulent", "fraud")] {
        assert!(of(code).support_hint.contains(word), "{code}");
        assert!(of(code).support_hint.contains("Do not tell the customer"), "{code}");
    }
}
