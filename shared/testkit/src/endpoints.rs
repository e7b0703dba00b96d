//! Where the services of a test run are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The addresses of RabbitMQ and Postgres, with user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// RabbitMQ over AMQP 0-9-1.
    pub amqp_url: String,
    /// Postgres, with the rights to make databases.
    pub database_url: String,
    /// RabbitMQ's management interface.
    pub management_url: String,
}

/// The services named by the environment, else those of the checkout.
///
/// # Panics
/// When there are none, naming the command that starts them.
pub fn endpoints() -> Endpoints {
    let state = read_state(&checkout().join(".local/services.json"));
    resolve(&|variable| env::var(variable).ok(), &state).unwrap_or_else(|missing| {
        panic!("no {missing} for this test: run `cargo xtask services up` first")
    })
}

fn resolve(
    variable: &dyn Fn(&str) -> Option<String>,
    state: &Value,
) -> Result<Endpoints, &'static str> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let recorded = |key: &str| state.get(key)?.as_str().map(str::to_owned);
    let own_broker = given("ORDERFLOW_AMQP_URL");
    // The interface of the private broker says nothing of a broker that was given.
    let recorded_management = if own_broker.is_some() { None } else { recorded("management_url") };
    Ok(Endpoints {
        database_url: given("ORDERFLOW_DATABASE_URL")
            .or_else(|| recorded("database_url"))
            .ok_or("Postgres")?,
        amqp_url: own_broker.or_else(|| recorded("amqp_url")).ok_or("RabbitMQ")?,
        management_url: given("ORDERFLOW_MANAGEMENT_URL")
            .or(recorded_management)
            .ok_or("ORDERFLOW_MANAGEMENT_URL")?,
    })
}

fn read_state(file: &Path) -> Value {
    let text = fs::read(file).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

/// The root of the checkout whose test runs; asked at run time, because builds may be shared.
pub(crate) fn checkout() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("every package lies inside the workspace").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state() -> Value {
        json!({
            "amqp_url": "amqp://private",
            "database_url": "postgres://private",
            "management_url": "http://private",
        })
    }

    fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn without_variables_the_private_services_are_used() {
        let found = resolve(&environment(&[]), &state()).unwrap();
        assert_eq!(found.amqp_url, "amqp://private");
        assert_eq!(found.database_url, "postgres://private");
        assert_eq!(found.management_url, "http://private");
    }

    #[test]
    fn each_variable_replaces_its_service_alone() {
        let given = environment(&[("ORDERFLOW_DATABASE_URL", "postgres://given")]);
        let found = resolve(&given, &state()).unwrap();
        assert_eq!(found.amqp_url, "amqp://private");
        assert_eq!(found.database_url, "postgres://given");
    }

    #[test]
    fn a_given_broker_is_not_mixed_with_the_private_management_interface() {
        let given = environment(&[("ORDERFLOW_AMQP_URL", "amqp://given")]);
        assert_eq!(resolve(&given, &state()), Err("ORDERFLOW_MANAGEMENT_URL"));
    }

    #[test]
    fn a_stopped_service_is_named() {
        let stopped = json!({ "amqp_url": null, "database_url": "postgres://private" });
        assert_eq!(resolve(&environment(&[]), &stopped), Err("RabbitMQ"));
        assert_eq!(resolve(&environment(&[]), &Value::Null), Err("Postgres"));
    }
}
