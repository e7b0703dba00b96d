//! `orderctl policy`.

use crate::program::{Program, orderctl};

#[test]
fn the_template_is_a_file_that_can_be_used_and_changes_nothing() {
    let template = orderctl(["policy", "template"]).run().exits_with(0).stdout;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, &template).unwrap();
    let checked = orderctl(["policy", "check"]).arg(&file).run().exits_with(0);
    assert!(checked.stdout.contains("version defaults-"), "{}", checked.stdout);
    let settings = |json: serde_json::Value| json["settings"].clone();
    let of_file = orderctl(["policy", "show", "-o", "json"]).arg(&file).run().exits_with(0);
    let defaults = orderctl(["policy", "show", "-o", "json"]).run().exits_with(0);
    assert_eq!(settings(of_file.versioned_json()), settings(defaults.versioned_json()));
}

#[test]
fn every_mistake_of_a_file_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, "colour = 1\n[window]\ncard = \"0s\"\n[method.barter]\n").unwrap();
    let words = ["colour: is unknown here", "window.card: must be a time", "method.barter: is no"];
    orderctl(["policy", "check"]).arg(&file).run().fails(1, &words);
    orderctl(["policy", "check", "/nowhere.toml"]).run().fails(1, &["/nowhere.toml"]);
}

#[test]
fn the_choices_of_a_merchant_and_method_are_shown_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    let text = "[merchant.shop-1.window]\ncard = \"45m\"\n[method.card.refunds]\nauto_limit = 7\n";
    std::fs::write(&file, text).unwrap();
    let shown = |arguments: [&str; 2]| {
        let program = orderctl(["policy", "show", "-o", "json", "--method", "card"]);
        let program = arguments.into_iter().fold(program.arg(&file), Program::arg);
        let json = program.run().exits_with(0).versioned_json();
        let value = |key: &str| {
            let settings = json["settings"].as_array().unwrap();
            let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
            found["value"].as_str().unwrap().to_owned()
        };
        (value("window.card"), value("refunds.auto_limit"))
    };
    assert_eq!(shown(["--merchant", "shop-1"]), ("45m".to_owned(), "other 7".to_owned()));
    assert_eq!(shown(["--merchant", "shop-2"]), ("30m".to_owned(), "other 7".to_owned()));
}
