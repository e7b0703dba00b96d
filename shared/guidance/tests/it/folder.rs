//! Folders of templates that an operator gives in place of those built in.

use std::fs;
use std::path::Path;

use guidance::{Defect, Notification, Problem, Templates, Zone};
use tempfile::TempDir;

/// A copy of the built-in templates that a test may damage.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for locale in fs::read_dir(built_in).unwrap() {
        let locale = locale.unwrap();
        let copied = folder.path().join(locale.file_name());
        fs::create_dir(&copied).unwrap();
        for file in fs::read_dir(locale.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copied.join(file.file_name())).unwrap();
        }
    }
    folder
}

fn replace(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn problems(folder: &TempDir) -> Vec<Problem> {
    Templates::load(folder.path()).unwrap_err()
}

/// What is wrong once this was replaced: exactly one thing, and where.
fn check(file: &str, from: &str, to: &str, place: &str, defect: &Defect) {
    let folder = copy();
    replace(&folder, file, from, to);
    let found = problems(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].place.as_str(), &found[0].defect), (place, defect));
}

#[test]
fn a_folder_takes_the_place_of_what_is_built_in() {
    let folder = copy();
    fs::write(folder.path().join("NOTES.txt"), "not a locale").unwrap();
    replace(&folder, "en/orders.ftl", "Your order is paid", "Hooray");
    let templates = Templates::load(folder.path()).unwrap();
    assert_eq!(templates.locales().collect::<Vec<_>>(), ["en", "es", "zh-Hans"]);
    let order = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap();
    let amount = serde_json::from_str(r#"{"amount_minor":1,"currency":"EUR"}"#).unwrap();
    let paid = Notification::OrderPaid { order, amount };
    assert_eq!(templates.render(&paid, None, &Zone::utc()).title, "Hooray");
}

#[test]
fn a_folder_may_have_further_locales_with_their_own_conventions() {
    let folder = copy();
    fs::rename(folder.path().join("es"), folder.path().join("de")).unwrap();
    let templates = Templates::load(folder.path()).unwrap();
    let until = "2026-03-01T12:30:00Z".parse().unwrap();
    let restricted = Notification::CustomerRestricted { until };
    let rendered = templates.render(&restricted, Some("de-AT"), &Zone::utc());
    assert!(rendered.text.contains("1. März 2026"), "{}", rendered.text);
}

#[test]
fn values_are_isolated_where_text_runs_from_right_to_left() {
    let folder = copy();
    fs::rename(folder.path().join("es"), folder.path().join("ar")).unwrap();
    let templates = Templates::load(folder.path()).unwrap();
    let order = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap();
    let cancelled = Notification::OrderCancelled { order };
    let text = |locale| templates.render(&cancelled, Some(locale), &Zone::utc()).text;
    assert!(text("ar").contains(&format!("\u{2068}{order}\u{2069}")), "{}", text("ar"));
    assert!(!text("en").contains('\u{2068}'));
}

#[test]
fn whatever_is_missing_is_named() {
    check(
        "es/orders.ftl",
        "order-paid =",
        "# order-paid\n-order-paid = x",
        "es: order-paid",
        &Defect::Missing,
    );
    check(
        "zh-Hans/refunds.ftl",
        "    .title = 您的退款未成功\n",
        "",
        "zh-Hans: refund-failed.title",
        &Defect::MissingPart,
    );
    check(
        "en/orders.ftl",
        ".alternative = Order { $order }: cancelled.",
        ".alternative = The order is cancelled.",
        "en: order-cancelled.alternative",
        &Defect::UnusedParameter("order"),
    );
}

#[test]
fn whatever_is_too_much_is_named() {
    check(
        "es/orders.ftl",
        "order-paid =",
        "order-payed =\n    .title = x\norder-paid =",
        "es: order-payed",
        &Defect::UnknownTemplate,
    );
    check(
        "es/orders.ftl",
        "order-paid =",
        "order-paid = Hola",
        "es: order-paid",
        &Defect::UnknownPart,
    );
    check(
        "es/orders.ftl",
        "order-paid =",
        "order-paid =\n    .html = x",
        "es: order-paid.html",
        &Defect::UnknownPart,
    );
    check(
        "en/orders.ftl",
        "Thank you. We have",
        "Thank you, { $name }. We have",
        "en: order-paid.text",
        &Defect::UnknownParameter("name".to_owned(), "$order, $amount".to_owned()),
    );
    check(
        "en/customers.ftl",
        "You can order and pay as before.",
        "You can order { $amount } as before.",
        "en: customer-restriction-lifted.text",
        &Defect::UnknownParameter("amount".to_owned(), "none".to_owned()),
    );
}

#[test]
fn a_template_that_is_defined_twice_is_named() {
    let folder = copy();
    fs::copy(folder.path().join("en/customers.ftl"), folder.path().join("en/again.ftl")).unwrap();
    let found = problems(&folder);
    let places: Vec<_> = found.iter().map(|it| it.place.as_str()).collect();
    assert_eq!(places, ["en: customer-restricted", "en: customer-restriction-lifted"]);
    assert!(found.iter().all(|it| it.defect == Defect::Duplicate), "{found:?}");
}

#[test]
fn what_templates_do_without_is_named() {
    check(
        "en/orders.ftl",
        "for your order { $order }.\n\n        The order is paid in full.",
        "for your order { $order }: { NUMBER($order) }.",
        "en: order-paid.text",
        &Defect::NotOffered("the function NUMBER".to_owned()),
    );
    check(
        "en/orders.ftl",
        "Thank you. We have",
        "{ order-cancelled.title }. We have",
        "en: order-paid.text",
        &Defect::NotOffered("the message order-cancelled".to_owned()),
    );
}

#[test]
fn terms_may_be_used_once_they_are_defined() {
    let folder = copy();
    replace(&folder, "en/orders.ftl", "Thank you. We", "{ -shop } says: we");
    // Not the plural that templates are measured with.
    replace(&folder, "en/disputes.ftl", "hour is left.", "hour is left at { -place }.");
    let found: Vec<_> = problems(&folder).iter().map(ToString::to_string).collect();
    let add = |place, term| {
        format!("en: {place}: -{term} is not defined: add `-{term} = ..` to a file of this locale")
    };
    assert_eq!(found, [add("dispute-deadline-near.text", "place"), add("order-paid.text", "shop")]);
    let terms = "-shop = { -place }\n-place = Acme\n";
    fs::write(folder.path().join("en/terms.ftl"), terms).unwrap();
    assert!(Templates::load(folder.path()).is_ok());
}

#[test]
fn a_term_that_refers_to_itself_is_found_by_filling_it() {
    let folder = copy();
    replace(&folder, "en/orders.ftl", "Thank you. We", "{ -shop } says: we");
    replace(&folder, "en/orders.ftl", "order-paid =", "-shop = the { -shop }\norder-paid =");
    let found = problems(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, "en: order-paid");
    assert!(matches!(found[0].defect, Defect::Unresolvable(_)), "{found:?}");
}

#[test]
fn a_term_has_no_parameters() {
    check(
        "en/orders.ftl",
        "order-paid =",
        "-shop = { $order }\norder-paid =",
        "en: -shop",
        &Defect::UnknownParameter("order".to_owned(), "none".to_owned()),
    );
}

#[test]
fn what_does_not_fit_its_channel_is_named() {
    let long = "x".repeat(79);
    check(
        "en/orders.ftl",
        "Your order is paid",
        &long,
        "en: order-paid.title",
        &Defect::TooLong { length: 79, limit: 78 },
    );
    check(
        "en/orders.ftl",
        "Your order is paid",
        "Your order\n        is paid",
        "en: order-paid.title",
        &Defect::LineBreak,
    );
    check(
        "en/orders.ftl",
        "Your order is paid",
        "<b>Your order is paid</b>",
        "en: order-paid.title",
        &Defect::Markup('<'),
    );
    check(
        "en/orders.ftl",
        "Your order is paid",
        "Your order is paid{ \"\\u0007\" }",
        "en: order-paid.title",
        &Defect::Invisible('\u{7}'),
    );
}

#[test]
fn a_mistake_in_the_syntax_is_named_with_its_line() {
    let folder = copy();
    replace(&folder, "es/customers.ftl", "Hasta el {", "Hasta { el {");
    let found = problems(&folder);
    let file = folder.path().join("es/customers.ftl");
    let place = format!("{}:", file.display());
    assert!(found[0].place.starts_with(&place), "{found:?}");
    let line: usize = found[0].place[place.len()..].parse().unwrap();
    assert!((4..=8).contains(&line), "{found:?}");
    assert!(matches!(found[0].defect, Defect::Syntax(_)), "{found:?}");
}

#[test]
fn every_problem_of_every_locale_is_listed_at_once() {
    let folder = copy();
    fs::remove_file(folder.path().join("en/disputes.ftl")).unwrap();
    replace(&folder, "es/orders.ftl", "Pedido { $order }: cancelado.", "Cancelado.");
    fs::create_dir(folder.path().join("zh-hant")).unwrap();
    let found = problems(&folder);
    let missing = found.iter().filter(|it| it.defect == Defect::Missing).count();
    let no_locale: Vec<_> =
        found.iter().filter(|it| it.defect == Defect::NotALocale).map(|it| &*it.place).collect();
    assert_eq!(missing, 6, "{found:?}");
    assert_eq!(no_locale, ["zh-hant"]);
    let unused = "es: order-cancelled.alternative: $order is not used: the part must say \
                  everything by itself";
    assert!(found.iter().any(|it| it.to_string() == unused), "{found:?}");
}

#[test]
fn a_folder_without_the_default_locale_is_refused() {
    let folder = copy();
    fs::remove_dir_all(folder.path().join("en")).unwrap();
    let found = problems(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].defect, Defect::DefaultMissing);
}

#[test]
fn a_folder_or_file_that_cannot_be_read_is_named() {
    let folder = copy();
    let nowhere = folder.path().join("nowhere");
    let found = Templates::load(&nowhere).unwrap_err();
    assert_eq!(found[0].place, nowhere.display().to_string());
    assert!(matches!(found[0].defect, Defect::Unreadable(_)), "{found:?}");

    fs::write(folder.path().join("en/binary.ftl"), [0xff, 0xfe]).unwrap();
    let found = problems(&folder);
    assert!(found[0].place.ends_with("en/binary.ftl"), "{found:?}");
}
