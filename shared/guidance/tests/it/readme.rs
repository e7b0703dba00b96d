//! What the README shows is what readers get.

use contracts::{Money, OrderId, Timestamp};
use guidance::{Notification, Rendered, TEMPLATES, Templates, Zone};

const README: &str = include_str!("../../README.md");

fn reminder(locale: &str) -> Rendered {
    let order: OrderId = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap();
    let amount = Money::new(123_450, "EUR".parse().unwrap()).unwrap();
    let expires_at: Timestamp = "2026-03-01T12:30:00Z".parse().unwrap();
    let zone: Zone = "Europe/Madrid".parse().unwrap();
    let reminder = Notification::PaymentReminder {
        order,
        amount,
        expires_at,
        pay_link: None,
        other_method: None,
    };
    Templates::built_in().render(&reminder, Some(locale), &zone)
}

#[test]
fn the_example_of_each_locale_is_what_its_reader_gets() {
    for locale in ["en", "es", "zh-Hans"] {
        let rendered = reminder(locale);
        for part in [rendered.title, rendered.text, rendered.text_alternative] {
            for line in part.lines() {
                assert!(README.contains(&line.replace('\u{a0}', " ")), "{locale}: {line}");
            }
        }
    }
}

#[test]
fn a_rendered_notification_is_data_for_any_channel() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&reminder("es-MX")).unwrap());
}

#[test]
fn every_template_is_listed() {
    for template in TEMPLATES {
        assert!(README.contains(&format!("`{}`", template.id)), "{}", template.id);
    }
}
