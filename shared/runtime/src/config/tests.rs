//! What can be set, and what cannot be used.

use super::*;

fn valid() -> Settings {
    Settings {
        amqp_url: Some("amqp://guest:guest@127.0.0.1:5672".to_owned()),
        database_url: Some("postgres://127.0.0.1/orderflow".to_owned()),
        encryption: Some("off".to_owned()),
        ..Settings::default()
    }
}

fn problems(settings: &Settings) -> Vec<Problem> {
    Config::resolve(settings, "test").unwrap_err().0
}

#[test]
fn urls_and_a_word_on_encryption_are_enough() {
    let config = Config::resolve(&valid(), "test").unwrap();
    assert_eq!((config.lanes, config.batch), (default_lanes(), 500));
    assert_eq!(usize::from(config.prefetch), (2 * config.lanes * config.batch).min(2000));
    assert!(config.limits.livemode);
}

#[test]
fn every_mistake_is_named_at_once_with_its_variable() {
    let set = |text: &str| Some(text.to_owned());
    let settings = Settings {
        lanes: set("many"),
        batch: set("0"),
        delay: set("sundial"),
        retry_cap: set("2h"),
        poll: set("soon"),
        mode: set("both"),
        http_listen: set("everywhere"),
        database_url: None,
        ..valid()
    };
    let named: Vec<_> = problems(&settings).iter().map(|problem| problem.variable).collect();
    assert_eq!(
        named,
        [
            "ORDERFLOW_DATABASE_URL",
            "ORDERFLOW_LANES",
            "ORDERFLOW_BATCH",
            "ORDERFLOW_DELAY",
            "ORDERFLOW_HTTP_LISTEN",
            "ORDERFLOW_RETRY_CAP",
            "ORDERFLOW_POLL",
            "ORDERFLOW_MODE",
        ]
    );
}

#[test]
fn bodies_are_sealed_unless_that_is_turned_off() {
    let sealing = Settings { encryption: None, ..valid() };
    let without_keys = problems(&sealing);
    assert_eq!(without_keys[0].variable, "ORDERFLOW_KEY_FILE");
    assert!(without_keys[0].reason.contains("ORDERFLOW_ENCRYPTION=off"));

    let file = Some(testkit::key_file());
    let with_keys = Settings { key_file: file.clone(), ..sealing };
    let config = Config::resolve(&with_keys, "test").unwrap();
    assert!(config.database.keys.current_name().is_some());
    let off = Settings { key_file: file, ..valid() };
    assert_eq!(Config::resolve(&off, "test").unwrap().database.keys.current_name(), None);
}

#[test]
fn secrets_never_appear_in_a_problem() {
    let settings = Settings {
        amqp_url: Some("http://user:hunter2@broker".to_owned()),
        database_url: Some("mysql://user:hunter2@database".to_owned()),
        encryption: Some("off".to_owned()),
        ..Settings::default()
    };
    let text = Config::resolve(&settings, "test").unwrap_err().to_string();
    assert!(text.contains("ORDERFLOW_AMQP_URL") && text.contains("ORDERFLOW_DATABASE_URL"));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_secret_comes_from_its_file_too() {
    let file = std::env::temp_dir().join(format!("orderflow-config-{}", std::process::id()));
    std::fs::write(&file, "postgres://127.0.0.1/from_file\n").unwrap();
    let settings =
        Settings { database_url: None, database_url_file: Some(file.clone()), ..valid() };
    assert!(Config::resolve(&settings, "test").is_ok());
    let both = Settings { database_url_file: Some(file.clone()), ..valid() };
    assert_eq!(problems(&both)[0].variable, "ORDERFLOW_DATABASE_URL");
    std::fs::remove_file(file).unwrap();
}
