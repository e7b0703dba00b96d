use guidance::TEMPLATES;

use super::SENDABLE;

const PAGE: &str = include_str!("../../../../ops/docs/notifications.md");

/// The templates in the page's tables: what stands first in a line.
fn documented() -> Vec<&'static str> {
    let first = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
    PAGE.lines().filter_map(first).collect()
}

#[test]
fn what_can_be_sent_has_a_template() {
    for id in SENDABLE {
        assert!(TEMPLATES.iter().any(|template| template.id == *id), "{id}");
    }
}

#[test]
fn only_what_is_said_on_the_phone_cannot_be_sent() {
    let unsent = TEMPLATES.iter().map(|template| template.id).filter(|id| !SENDABLE.contains(id));
    assert_eq!(unsent.collect::<Vec<_>>(), ["refund-sent"]);
}

#[test]
fn the_documented_notifications_are_those_that_can_be_sent_with_their_parameters() {
    assert_eq!(documented(), SENDABLE);
    for id in SENDABLE {
        let template = TEMPLATES.iter().find(|template| template.id == *id).unwrap();
        let line = PAGE.lines().find(|line| line.starts_with(&format!("| `{id}`"))).unwrap();
        let told = line.split('|').nth(3).unwrap().trim();
        let names: Vec<_> =
            template.parameters.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
        assert_eq!(told, names.join(", "), "{id}");
    }
}
