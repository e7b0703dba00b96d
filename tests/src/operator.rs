//! Somebody at a shell who looks after a deployment.

use std::path::Path;
use std::process::Command;

use crate::stage::{Stage, build_folder};

/// Where the services are, as `orderctl` is told.
pub type Surroundings = Vec<(&'static str, String)>;

/// Broker, prefix and database, and who types.
pub fn surroundings(broker: &str, prefix: &str, database: &str) -> Surroundings {
    let set = |name, value: &str| (name, value.to_owned());
    vec![
        set("ORDERFLOW_AMQP_URL", broker),
        set("ORDERFLOW_PREFIX", prefix),
        set("ORDERFLOW_DATABASE_URL", database),
        set("ORDERFLOW_DELAY", "ladder"),
        set("ORDERFLOW_ACTOR", "ann"),
    ]
}

/// The services of a stage whose workers have the key file of the testkit.
pub fn surroundings_of(stage: &Stage) -> Surroundings {
    let broker = testkit::endpoints().amqp_url;
    let mut around = surroundings(&broker, stage.names.prefix(), stage.database.url());
    around.push(("ORDERFLOW_KEY_FILE", testkit::key_file().display().to_string()));
    around
}

/// Types a command into a shell; how it ended, and what stood on the screen.
pub fn typed(command: &str, around: &Surroundings, folder: &Path) -> (Option<i32>, String) {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:{path}", build_folder().display()))
        .envs(around.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("there is a shell");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}
