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

#[test]
fn texts_are_checked_with_the_file_and_everything_wrong_with_either_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (file, texts) = (folder.path().join("policies.toml"), folder.path().join("texts"));
    let english = texts.join("en");
    std::fs::create_dir_all(&english).unwrap();
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/guidance/templates/en");
    for entry in std::fs::read_dir(built_in).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), english.join(entry.file_name())).unwrap();
    }
    let check = || orderctl(["policy", "check"]).arg(&file).arg("--templates").arg(&texts).run();
    std::fs::write(&file, "[window]\ncard = \"45m\"\n").unwrap();
    check().exits_with(0);

    let orders = english.join("orders.ftl");
    let text = std::fs::read_to_string(&orders).unwrap();
    std::fs::write(&orders, text.replace("order-paid =", "order-payed =")).unwrap();
    check().fails(1, &["order-paid", "order-payed", "the texts in"]);
    std::fs::write(&file, "[window]\ncard = \"0s\"\n").unwrap();
    check().fails(1, &["window.card: must be a time", "order-paid", "order-payed"]);
}

#[test]
fn what_is_sent_and_watched_is_shown_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    let text = "[notifications]\nsend = [\"order-paid\"]\nchannels = [\"push\", \"email\"]\n\
                [late_money]\ntolerance = 5\n[disputes]\nwin_rate = { fraudulent = 9 }\n";
    std::fs::write(&file, text).unwrap();
    let ran = orderctl(["policy", "show", "-o", "json"]).arg(&file).run().exits_with(0);
    let json = ran.versioned_json();
    let settings = json["settings"].as_array().unwrap();
    for (key, expected) in [
        ("notifications.send", "order-paid"),
        ("notifications.channels", "push, email"),
        ("late_money.tolerance", "other 5"),
        ("disputes.win_rate", "fraudulent 9 percent"),
        ("disputes.mediation_sla", "3days"),
        ("thresholds.dispute_ratio", "1.5%"),
        ("monitoring.within", "30days"),
    ] {
        let found = settings.iter().find(|setting| setting["key"] == key);
        assert_eq!(found.unwrap_or_else(|| panic!("no {key}"))["value"], expected, "{key}");
    }
}
