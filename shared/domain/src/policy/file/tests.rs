mod scopes;

use super::*;
use crate::policy::{AmountLimits, TEMPLATE};

const MINUTES: Duration = Duration::from_mins(1);

fn book(text: &str) -> PolicyBook {
    PolicyFile { text: text.to_owned(), ..PolicyFile::default() }.read().unwrap()
}

fn problems(text: &str) -> Vec<String> {
    let file = PolicyFile { text: text.to_owned(), ..PolicyFile::default() };
    match file.read() {
        Err(PolicyFileError::Settings(problems)) => {
            problems.iter().map(ToString::to_string).collect()
        }
        other => panic!("expected problems, got {other:?}"),
    }
}

fn merchant(name: &str) -> Token<64> {
    name.parse().unwrap()
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(book(""), PolicyBook::default());
    assert_eq!(book(" \n# nothing\n").everyone(), &Policies::default());
}

#[test]
fn the_documented_file_states_the_defaults() {
    let book = book(TEMPLATE);
    assert_eq!(book.everyone(), &Policies::default());
    for method in PaymentMethod::ALL {
        assert_eq!(book.of(&merchant("shop-1"), Some(method)), &Policies::default());
    }
}

/// Every line of the documented file that is switched off for being an example works, too.
#[test]
fn the_examples_of_the_documented_file_can_be_used() {
    let switched_on: Vec<_> =
        TEMPLATE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
    assert!(switched_on.len() > 20);
    assert_ne!(book(&switched_on.join("\n")), book(TEMPLATE));
}

#[test]
fn a_merchant_beats_a_method_and_both_together_beat_all() {
    let book = book(
        r#"
        [refunds]
        max_per_payment = 1
        max_per_customer = 1
        window = "1d"
        [method.card.refunds]
        max_per_payment = 2
        max_per_customer = 2
        [merchant.shop-1.refunds]
        max_per_payment = 3
        [merchant.shop-1.method.card.refunds]
        window = "4d"
        "#,
    );
    let seen = |name: &str, method| {
        let refunds = &book.of(&merchant(name), method).refunds;
        (
            refunds.max_per_payment,
            refunds.max_per_customer,
            refunds.windows.other.as_secs() / 86_400,
        )
    };
    assert_eq!(seen("shop-2", None), (1, 1, 1));
    assert_eq!(seen("shop-2", Some(PaymentMethod::Card)), (2, 2, 1));
    assert_eq!(seen("shop-1", Some(PaymentMethod::Wallet)), (3, 1, 1));
    assert_eq!(seen("shop-1", Some(PaymentMethod::Card)), (3, 2, 4));
}

#[test]
fn the_environment_beats_the_file_for_everyone_but_not_for_a_merchant() {
    let file = PolicyFile {
        text: "[window]\ncard = \"10m\"\n[merchant.shop-1.window]\ncard = \"20m\"".to_owned(),
        overrides: Overrides { window_card: Some(5 * MINUTES), ..Overrides::default() },
    };
    let book = file.read().unwrap();
    assert_eq!(book.everyone().windows.card, 5 * MINUTES);
    assert_eq!(book.of(&merchant("shop-1"), None).windows.card, 20 * MINUTES);
}

#[test]
fn limits_differ_by_currency() {
    let book = book("[refunds]\nauto_limit = { other = 1, JPY = 5000, KWD = 7 }");
    let limits = &book.everyone().refunds.auto_limit;
    let of = |code: &str| limits.of(code.parse().unwrap());
    assert_eq!([of("EUR"), of("JPY"), of("KWD")], [1, 5_000, 7]);
    let one = self::book("[refunds]\nauto_limit = 9");
    assert_eq!(one.everyone().refunds.auto_limit, AmountLimits::everywhere(9));
}

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let found = problems(
        r#"
        colour = "red"
        [window]
        card = "0s"
        wallet = 30
        [reminders]
        at = ["50%", "soon"]
        quiet_hours = "22:00-22:00"
        time_zone = "Atlantis/Capital"
        [refunds]
        window = "30d"
        hard_age = "1d"
        auto_limit = { XXQ = 5 }
        max_per_payment = -1
        [method.barter]
        anything = 1
        [merchant.shop-1]
        window = "1h"
        [merchant.shop-1.events]
        clock_ahead = "1h"
        [merchant."a.b".hold]
        longest = "1y"
        "#,
    );
    let keys: Vec<_> = found.iter().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "colour",
            "merchant.\"a.b\".hold.longest",
            "merchant.shop-1.events",
            "merchant.shop-1.window",
            "method.barter",
            "refunds.auto_limit",
            "refunds.hard_age",
            "refunds.max_per_payment",
            "reminders.at",
            "reminders.quiet_hours",
            "reminders.time_zone",
            "window.card",
            "window.wallet",
        ],
        "{found:#?}"
    );
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let file = PolicyFile { text: "[window\ncard = 1".to_owned(), ..PolicyFile::default() };
    let error = file.read().unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn a_version_names_the_file_and_its_text() {
    let [a, b] = ["name = \"spring\"\n", "name = \"spring\"\n# changed\n"].map(book);
    assert!(a.version().as_str().starts_with("spring-"));
    assert_ne!(a.version(), b.version());
    assert_eq!(book("").version().as_str(), "defaults-1");
    assert_eq!(problems("name = \"a name that is much too long for it\"").len(), 1);
}
