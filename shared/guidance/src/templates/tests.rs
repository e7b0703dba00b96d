//! The templates that are part of the program, and what they become.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Money;
use fluent_syntax::ast::Entry;

use super::check::References;
use super::*;
use crate::notification::TEMPLATES;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, code.parse().unwrap()).unwrap()
}

fn all_parts(rendered: &Rendered) -> [&str; 3] {
    [&rendered.title, &rendered.text, &rendered.text_alternative]
}

#[test]
fn nothing_is_wrong_with_the_templates_that_are_part_of_the_program() {
    if let Err(problems) = Templates::build(source::built_in()) {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}

/// Which parameters each part of each template uses.
fn used_in(source: &Source) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut used = BTreeMap::new();
    for (file, text) in &source.files {
        let resource = fluent_syntax::parser::parse(text.as_str());
        for entry in resource.unwrap_or_else(|(_, errors)| panic!("{file}: {errors:?}")).body {
            let Entry::Message(message) = entry else { continue };
            for attribute in message.attributes {
                let mut references = References::default();
                references.pattern(&attribute.value);
                let part = (message.id.name.to_owned(), attribute.id.name.to_owned());
                assert_eq!(used.insert(part, references.variables), None, "{file}");
            }
        }
    }
    used
}

#[test]
fn every_locale_has_the_same_templates_parts_and_parameters() {
    let sources = source::built_in();
    let expected = used_in(&sources[0]);
    assert_eq!(expected.len(), TEMPLATES.len() * Part::ALL.len());
    for source in &sources[1..] {
        assert_eq!(used_in(source), expected, "{}", source.locale);
    }
}

#[test]
fn no_two_templates_share_a_name_and_each_is_told_by_its_notification() {
    let names: BTreeSet<_> = TEMPLATES.iter().map(|template| template.id).collect();
    assert_eq!(names.len(), TEMPLATES.len());
    for (notification, template) in Notification::samples().iter().zip(TEMPLATES) {
        assert_eq!(notification.template_id(), template.id);
        assert_eq!(notification.audience(), template.audience);
        assert_eq!(notification.purpose(), template.purpose);
        let values: Vec<_> = notification.values().into_iter().map(|(name, _)| name).collect();
        let names: Vec<_> = template.parameters.iter().map(|it| it.name).collect();
        assert_eq!(values, names, "{}", template.id);
    }
}

#[test]
fn only_reminders_need_consent() {
    let on_request = TEMPLATES.iter().filter(|it| it.purpose != Purpose::Transactional);
    let on_request: Vec<_> = on_request.map(|it| it.id).collect();
    assert_eq!(on_request, ["payment-reminder"]);
}

/// Words for colours, which a reader may not see and a channel may not show.
const COLOURS: [&str; 14] = [
    " red ", " green ", " yellow ", "colour", "color", " rojo", " roja", " verde", " amarill",
    "红色", "绿色", "黄色", "蓝色", "颜色",
];

#[test]
fn every_notification_is_plain_text_in_every_locale() {
    let templates = Templates::built_in();
    for locale in templates.locales() {
        for notification in Notification::samples() {
            let rendered = templates.render(&notification, Some(locale), &Zone::utc());
            for text in all_parts(&rendered) {
                let id = rendered.template_id;
                assert!(!text.trim().is_empty() && text.trim() == text, "{id} in {locale}");
                // Neither a placeholder that was left, nor a mark that isolates its value.
                let left = |it: char| "{}\u{2066}\u{2067}\u{2068}\u{2069}\u{fffd}".contains(it);
                assert!(!text.contains(left), "{id} in {locale}: {text}");
                let lower = text.to_lowercase();
                assert!(!COLOURS.iter().any(|it| lower.contains(it)), "{id} in {locale}: {text}");
            }
        }
    }
}

#[test]
fn text_and_alternative_show_every_value() {
    let templates = Templates::built_in();
    let zone: Zone = "America/Mexico_City".parse().unwrap();
    for (locale, catalogue) in templates.locales().zip(&templates.catalogues) {
        for notification in Notification::samples() {
            let (parts, _) = catalogue.fill(&notification, &zone);
            // By a method a template chooses its words, and does not show its name.
            let shown = notification.values().into_iter().filter(|it| it.0 != "other_method");
            for (name, shown) in shown {
                let value = catalogue.value(shown, &zone);
                for text in [&parts.text, &parts.alternative] {
                    let id = notification.template_id();
                    assert!(text.contains(&value), "${name} of {id} in {locale}: {text}");
                }
            }
        }
    }
}

#[test]
fn case_052_and_053_amounts_have_their_currencys_decimals_in_every_locale() {
    let templates = Templates::built_in();
    let order = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap();
    for (amount, en, es, zh) in [
        (money(5_800, "JPY"), "¥5,800", "5800\u{a0}JPY", "JP¥5,800"),
        (money(1_234_567, "EUR"), "€12,345.67", "12.345,67\u{a0}€", "€12,345.67"),
        (money(5_807, "KWD"), "KWD\u{a0}5.807", "5,807\u{a0}KWD", "KWD\u{a0}5.807"),
    ] {
        for (locale, written) in [("en", en), ("es", es), ("zh-Hans", zh)] {
            let approved = Notification::RefundApproved { order, amount };
            let rendered = templates.render(&approved, Some(locale), &Zone::utc());
            for text in [rendered.text, rendered.text_alternative] {
                let (before, after) = text.split_once(written).unwrap_or_else(|| panic!("{text}"));
                assert!(!before.ends_with(|it: char| it.is_ascii_digit()), "{text}");
                assert!(!after.starts_with(|it: char| it.is_ascii_digit()), "{text}");
            }
        }
    }
}

#[test]
fn the_locale_is_the_closest_that_there_is() {
    let templates = Templates::built_in();
    let lifted = Notification::CustomerRestrictionLifted {};
    for (asked, locale) in [
        (Some("zh-CN"), "zh-Hans"),
        (Some("zh-Hant-TW"), "en"),
        (Some("es-AR"), "es"),
        (Some("tlh"), "en"),
        (None, "en"),
    ] {
        assert_eq!(templates.render(&lifted, asked, &Zone::utc()).locale, locale, "{asked:?}");
    }
}

#[test]
fn a_lane_of_each_thread_can_share_the_templates() {
    fn shared<T: Send + Sync>() {}
    shared::<Templates>();
}
