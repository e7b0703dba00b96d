//! Every rule fires on a checkout that breaks it, and on nothing else.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Finding, check};

/// A checkout in which every rule holds.
fn tidy_checkout() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let manifest = |name: &str, dependencies: &str| {
        format!("[package]\nname = \"{name}\"\n\n[dependencies]\n{dependencies}")
    };
    for (path, text) in [
        ("Cargo.toml", "[workspace]\n".to_owned()),
        ("README.md", "# Orderflow\n".to_owned()),
        ("LICENSE-MIT", String::new()),
        (".gitignore", "/target\n".to_owned()),
        ("shared/contracts/Cargo.toml", manifest("contracts", "serde.workspace = true\n")),
        ("shared/domain/Cargo.toml", manifest("domain", "contracts.workspace = true\n")),
        ("shared/telemetry/Cargo.toml", manifest("telemetry", "")),
        ("shared/store/Cargo.toml", manifest("store", "domain.workspace = true\nsqlx = \"0\"\n")),
        ("shared/broker/Cargo.toml", manifest("broker", "telemetry = {}\nlapin = \"4\"\n")),
        ("shared/testkit/Cargo.toml", manifest("testkit", "sqlx = \"0\"\n")),
        ("shared/runtime/Cargo.toml", manifest("runtime", "store = {}\nbackoff = \"0\"\n")),
        ("shared/runtime/src/retry.rs", "use backoff::backoff::Backoff;\n".to_owned()),
        ("workers/one/Cargo.toml", manifest("one", "runtime = {}\n")),
        ("workers/one/src/main.rs", "fn main() {}\n".to_owned()),
        ("workers/two/Cargo.toml", manifest("two", "runtime = {}\n")),
        ("tests/Cargo.toml", manifest("end-to-end", "testkit = {}\n")),
        ("schemas/events/order.created.schema.json", "{}".to_owned()),
        ("schemas/events/examples/valid/order.created/plain.json", "{}".to_owned()),
        ("schemas/events/examples/invalid/order.created/empty.json", "{}".to_owned()),
        ("schemas/events/examples/valid/refund.updated/plain.json", "{}".to_owned()),
    ] {
        write(root.path(), path, &text);
    }
    root
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What is found after one file of a tidy checkout was written anew.
fn findings_after(path: &str, text: &str) -> Vec<Finding> {
    let root = tidy_checkout();
    write(root.path(), path, text);
    check(root.path()).unwrap()
}

/// Exactly this one rule fires, there.
fn breaks(path: &str, text: &str, rule: &str, line: usize) {
    let findings = findings_after(path, text);
    let found: Vec<_> = findings.iter().map(|it| (it.rule, it.line)).collect();
    assert_eq!(found, [(rule, line)], "{path}: {findings:?}");
    assert_eq!(findings[0].path, Path::new(path));
}

/// No rule fires.
fn is_fine(path: &str, text: &str) {
    assert_eq!(findings_after(path, text), [], "{path}");
}

fn depends(path: &str, name: &str, section: &str, dependencies: &str) -> (String, String) {
    let text = format!("[package]\nname = \"{name}\"\n\n[{section}]\n{dependencies}");
    (path.to_owned(), text)
}

#[test]
fn a_tidy_checkout_has_no_findings() {
    is_fine("README.md", "# Orderflow\n");
}

#[test]
fn long_files_are_found() {
    is_fine("shared/store/src/a.rs", &"// x\n".repeat(500));
    breaks("shared/store/src/a.rs", &"// x\n".repeat(501), "file-length", 501);
    breaks("schemas/postgres/migrations/1.up.sql", &"-- x\n".repeat(501), "file-length", 501);
}

#[test]
fn a_main_with_logic_is_found() {
    is_fine("workers/one/src/main.rs", &"// x\n".repeat(25));
    breaks("workers/one/src/main.rs", &"// x\n".repeat(26), "main-length", 26);
    is_fine("shared/store/tests/it/main.rs", &"// x\n".repeat(100));
}

#[test]
fn long_functions_are_found() {
    let function = |lines: usize| {
        format!("// first\nfn a(b: [u8; 2]) {{\n{}}}\n", "    b();\n".repeat(lines - 2))
    };
    is_fine("shared/store/src/a.rs", &function(70));
    breaks("shared/store/src/a.rs", &function(71), "function-length", 2);
    let pointers =
        format!("type A = fn();\nconst B: &str = \"fn c() {{\";\n{}", "// d\n".repeat(90));
    is_fine("shared/store/src/a.rs", &pointers);
}

#[test]
fn long_lines_are_found_by_characters() {
    is_fine("shared/store/src/a.rs", &format!("// {}\n", "é".repeat(97)));
    breaks("shared/store/src/a.rs", &format!("\n// {}\n", "e".repeat(98)), "line-length", 2);
}

#[test]
fn unwrap_is_found_outside_tests() {
    breaks("shared/store/src/a.rs", "fn a() {\n    b().unwrap();\n}\n", "unwrap", 2);
    is_fine(
        "shared/store/src/a.rs",
        "#[cfg(test)]\nmod tests {\n    fn a() { b().unwrap(); }\n}\n",
    );
    is_fine("shared/store/tests/it/a.rs", "fn a() { b().unwrap(); }\n");
    is_fine("shared/store/src/a.rs", "/// `a().unwrap()`\nconst A: &str = \".unwrap()\";\n");
}

#[test]
fn an_ignored_result_is_found_outside_tests() {
    breaks("shared/store/src/a.rs", "fn a() {\n    let _ = b();\n}\n", "ignored-result", 2);
    is_fine("shared/store/src/a.rs", "fn a() {\n    let _guard = b();\n}\n");
}

#[test]
fn unfinished_work_is_found_everywhere() {
    breaks("shared/store/src/a.rs", "fn a() {} // TODO: b\n", "unfinished", 1);
    breaks("shared/store/tests/it/a.rs", "// FIXME\n", "unfinished", 1);
    breaks("shared/store/src/a.rs", "fn a() {\n    todo!()\n}\n", "unfinished", 2);
    breaks("shared/store/src/a.rs", "fn a() {\n    unimplemented!()\n}\n", "unfinished", 2);
    breaks("schemas/postgres/migrations/1.up.sql", "SELECT 1; -- TODO\n", "unfinished", 1);
    is_fine("shared/store/src/a.rs", "// It has TODOS in mind.\nconst A: &str = \"TODO\";\n");
}

#[test]
fn an_ignored_test_is_found() {
    let ignored = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n";
    breaks("shared/store/tests/it/a.rs", ignored, "ignored-test", 2);
}

#[test]
fn an_allowed_lint_is_found() {
    breaks("shared/store/src/a.rs", "#[allow(dead_code)]\nfn a() {}\n", "allow", 1);
    breaks("shared/store/tests/it/a.rs", "#![allow(dead_code)]\n", "allow", 1);
    is_fine("shared/store/src/a.rs", "#[expect(dead_code, reason = \"b\")]\nfn a() {}\n");
}

#[test]
fn a_stranger_at_the_root_is_found() {
    breaks("notes.md", "", "root-entry", 1);
    is_fine(".github/workflows/ci.yml", "");
}

#[test]
fn a_module_without_a_subject_is_found() {
    breaks("shared/store/src/utils.rs", "", "module-name", 1);
    breaks("shared/store/src/helper/mod.rs", "", "module-name", 1);
    is_fine("ops/xtask/src/services/mod.rs", "");
}

#[test]
fn a_schema_without_an_example_is_found() {
    breaks("schemas/events/refund.updated.schema.json", "{}", "schema-example", 1);
    is_fine("schemas/events/definitions.schema.json", "{}");
}

#[test]
fn a_dependency_against_the_direction_is_found() {
    for (path, name, dependency) in [
        ("shared/contracts/Cargo.toml", "contracts", "domain"),
        ("shared/contracts/Cargo.toml", "contracts", "telemetry"),
        ("shared/guidance/Cargo.toml", "guidance", "domain"),
        ("shared/domain/Cargo.toml", "domain", "store"),
        ("shared/telemetry/Cargo.toml", "telemetry", "contracts"),
        ("shared/store/Cargo.toml", "store", "broker"),
        ("shared/broker/Cargo.toml", "broker", "runtime"),
        ("shared/runtime/Cargo.toml", "runtime", "testkit"),
        ("shared/testkit/Cargo.toml", "testkit", "store"),
        ("workers/one/Cargo.toml", "one", "two"),
        ("ops/orderctl/Cargo.toml", "orderctl", "one"),
        ("ops/fleet/Cargo.toml", "fleet", "runtime"),
        ("ops/xtask/Cargo.toml", "xtask", "contracts"),
    ] {
        let dependencies = format!("{dependency}.workspace = true\n");
        let (path, text) = depends(path, name, "dependencies", &dependencies);
        breaks(&path, &text, "dependency-direction", 5);
    }
}

#[test]
fn workers_meet_no_worker_in_their_tests_either() {
    let (path, text) = depends("workers/one/Cargo.toml", "one", "dev-dependencies", "two = {}\n");
    breaks(&path, &text, "dependency-direction", 5);
    let (path, text) = depends(
        "workers/one/Cargo.toml",
        "one",
        "dev-dependencies",
        "testkit = {}\nlapin = \"4\"\n",
    );
    is_fine(&path, &text);
}

#[test]
fn a_library_outside_its_keeper_is_found() {
    for (path, name, library) in [
        ("shared/runtime/Cargo.toml", "runtime", "lapin"),
        ("workers/one/Cargo.toml", "one", "sqlx"),
        ("shared/store/Cargo.toml", "store", "backoff"),
    ] {
        let (path, text) = depends(path, name, "dependencies", &format!("{library} = \"1\"\n"));
        breaks(&path, &text, "library-keeper", 5);
    }
    let renamed = "amqp = { package = \"lapin\", version = \"4\" }\n";
    let (path, text) = depends("workers/one/Cargo.toml", "one", "dependencies", renamed);
    breaks(&path, &text, "library-keeper", 5);
}

#[test]
fn a_pure_crate_that_does_io_is_found() {
    for library in ["tokio", "sqlx", "lapin"] {
        let (path, text) = depends(
            "shared/domain/Cargo.toml",
            "domain",
            "dependencies",
            &format!("serde = {{}}\n{library} = \"1\"\n"),
        );
        breaks(&path, &text, "pure-crate", 6);
    }
}

#[test]
fn a_crate_without_a_place_is_found() {
    let (path, text) = depends("shared/fresh/Cargo.toml", "fresh", "dependencies", "");
    breaks(&path, &text, "crate-tier", 1);
}

#[test]
fn the_retry_crate_in_a_second_file_is_found() {
    let text = "\nuse backoff::ExponentialBackoff;\n";
    breaks("shared/runtime/src/second.rs", text, "backoff", 2);
    is_fine("shared/runtime/src/second.rs", "use crate::backoff::Policy;\n");
}

#[test]
fn a_case_of_the_table_has_a_test_and_a_test_has_a_row() {
    let table = "tests/README.md";
    breaks(table, "| 1 | paid | rule | `case_001_paid` |\n", "case-table", 1);
    breaks("shared/domain/src/paid.rs", "fn case_001_paid() {}\n", "case-table", 1);
    let found = findings_after("shared/domain/tests/paid.rs", "#[test]\nfn case_001_paid() {}\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, Path::new(table));
}

#[test]
fn a_test_that_the_page_about_tests_names_exists() {
    let named = "A killed broker: `a_killed_broker_loses_nothing`.\n";
    breaks("tests/README.md", named, "promised-test", 1);
}
