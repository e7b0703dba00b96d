//! The contract as `AsyncAPI`, read by the parser that its users have.

use std::fs;
use std::process::Command;

use serde_json::Value;
use xtask::tools::Tools;

use crate::provided::{provided, root, succeed};

const PARSE: &str = r#"
const { Parser } = require("@asyncapi/parser");
const text = require("node:fs").readFileSync(process.argv[1], "utf8");
new Parser().parse(text).then(({ document, diagnostics }) => {
  const problems = diagnostics.map((it) => ({ severity: it.severity, message: it.message }));
  const channels = document ? document.channels().all().map((it) => it.id()) : [];
  console.log(JSON.stringify({ parsed: Boolean(document), problems, channels }));
});
"#;

/// Remarks are no mistakes: 0 is an error, 1 a warning.
const REMARK: u64 = 2;

fn parsed(modules: &std::path::Path, file: &std::path::Path) -> Value {
    let mut node = Command::new("node");
    node.args(["-e", PARSE]).arg(file).env("NODE_PATH", modules);
    serde_json::from_str(&succeed(&mut node)).unwrap()
}

fn is_mistake(problem: &Value) -> bool {
    problem["severity"].as_u64().unwrap() < REMARK
}

#[test]
fn the_parser_of_asyncapi_takes_the_contract_and_notices_a_mistake() {
    let Some(modules) = provided(Tools::contract_modules) else { return };
    let file = root().join("schemas/asyncapi.yaml");
    let contract = parsed(&modules, &file);
    let problems = contract["problems"].as_array().unwrap();
    assert!(!problems.iter().any(is_mistake), "{problems:#?}");
    assert_eq!(contract["parsed"], true);
    assert_eq!(contract["channels"].as_array().unwrap().len(), 12);

    let broken = tempfile::NamedTempFile::new().unwrap();
    let text =
        fs::read_to_string(file).unwrap().replacen("action: \"receive\"", "action: \"eat\"", 1);
    fs::write(broken.path(), text).unwrap();
    let refused = parsed(&modules, broken.path());
    assert!(refused["problems"].as_array().unwrap().iter().any(is_mistake), "{refused}");
}
