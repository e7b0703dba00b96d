//! The nodes of the private cluster: which one leads a queue, killing it, starting it again.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use serde_json::Value;
use testkit::endpoints;

/// The process of each node by its name, as JSON.
const NODES: &str = "ORDERFLOW_TEST_NODES";

/// The command that starts whatever node does not run.
const REPAIR: &str = "ORDERFLOW_TEST_REPAIR";

/// The nodes that ran when the test began.
pub(crate) struct Nodes {
    pids: BTreeMap<String, u32>,
    repair: String,
}

impl Nodes {
    /// The cluster that the test runner started.
    pub(crate) fn found() -> Self {
        let hint = "these tests need a cluster: cargo xtask test --nodes 3";
        let pids = serde_json::from_str(&env::var(NODES).expect(hint)).unwrap();
        Self { pids, repair: env::var(REPAIR).expect(hint) }
    }

    /// Which node leads a queue, and how many hold a copy of it.
    pub(crate) async fn leader_and_copies(queue: &str) -> (String, usize) {
        let url = format!("{}/api/queues/%2f/{queue}", endpoints().management_url);
        let asked = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::get(&url).call().unwrap();
            answer.body_mut().read_json::<Value>().unwrap()
        });
        let queue = asked.await.unwrap();
        let copies = queue["members"].as_array().map_or(0, Vec::len);
        (queue["leader"].as_str().unwrap_or_default().to_owned(), copies)
    }

    /// Ends a node without warning.
    pub(crate) fn kill(&self, node: &str) {
        let pid = self.pids[node].to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }

    /// Starts what was killed, and waits until it answers.
    pub(crate) async fn repair(&self) {
        let command = self.repair.clone();
        let repair = move || Command::new("sh").args(["-c", &command]).output().unwrap();
        let output = tokio::task::spawn_blocking(repair).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
