//! `orderctl schema compat`, by a corpus of labelled changes and on the schemas themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Ran, orderctl};

/// A contract of one event, and changes of it as merge patches (RFC 7396) with their labels.
const CORPUS: &str = include_str!("compat/corpus.json");

/// Applies a merge patch: null takes a field away.
fn patched(value: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut fields = value.as_object().cloned().unwrap_or_default();
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            let before = fields.get(name).unwrap_or(&Value::Null);
            let after = patched(before, change);
            fields.insert(name.clone(), after);
        }
    }
    Value::Object(fields)
}

/// A folder with the two schemas of the corpus, changed by these patches.
fn schemas(corpus: &Value, event: &Value, definitions: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let none = Value::Object(serde_json::Map::new());
    for (file, base, patch) in [
        ("thing.made", &corpus["event"], event),
        ("definitions", &corpus["definitions"], definitions),
    ] {
        let patch = if patch.is_null() { &none } else { patch };
        let target = folder.path().join(format!("{file}.schema.json"));
        fs::write(target, patched(base, patch).to_string()).unwrap();
    }
    folder
}

fn compare(old: &Path, new: &Path) -> Ran {
    orderctl(["schema", "compat", "-o", "json"]).arg(old).arg("--new").arg(new).run()
}

#[test]
fn every_change_of_the_corpus_is_judged_as_it_is_labelled() {
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let changes = corpus["changes"].as_array().unwrap();
    assert!(changes.len() >= 60, "{}", changes.len());
    let mut wrong = Vec::new();
    for change in changes {
        let old = schemas(&corpus, &change["event_before"], &change["definitions_before"]);
        let new = schemas(&corpus, &change["event"], &change["definitions"]);
        let ran = compare(old.path(), new.path());
        let verdict = ran.versioned_json();
        let found = verdict["compared"][0]["breaking"].as_array().unwrap();
        let label = change["breaks"].as_str();
        let fits = match label {
            None => ran.code == 0 && found.is_empty(),
            Some(rule) => {
                let labelled = |it: &Value| it["rule"] == rule && it["pointer"] == change["at"];
                ran.code == 3 && found.iter().any(labelled)
            }
        };
        if !fits {
            wrong.push(format!("{}: {label:?}, but {found:?}", change["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn categories_follow_from_the_place_and_the_rule() {
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let mut seen = Vec::new();
    for name in ["the type of the message changes", "a minimum rises", "a unit changes"] {
        let changes = corpus["changes"].as_array().unwrap();
        let change = changes.iter().find(|it| it["name"] == name).unwrap();
        let old = schemas(&corpus, &Value::Null, &Value::Null);
        let new = schemas(&corpus, &change["event"], &change["definitions"]);
        let verdict = compare(old.path(), new.path()).versioned_json();
        let category = &verdict["compared"][0]["breaking"][0]["category"];
        seen.push(category.as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["wire", "schema", "semantic"]);
}

#[test]
fn an_event_that_is_gone_breaks_and_a_new_one_does_not() {
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let one = schemas(&corpus, &Value::Null, &Value::Null);
    let two = schemas(&corpus, &Value::Null, &Value::Null);
    let name = "thing.made.schema.json";
    fs::copy(two.path().join(name), two.path().join("thing.lost.schema.json")).unwrap();
    compare(one.path(), two.path()).exits_with(0);
    let verdict = compare(two.path(), one.path()).exits_with(3).versioned_json();
    let change = &verdict["compared"][0]["breaking"][0];
    assert_eq!(
        (&change["rule"], &change["event"]),
        (&"event-removed".into(), &"thing.lost".into())
    );
}

#[test]
fn the_schemas_are_compatible_with_themselves_and_a_change_of_them_is_told() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let ran = orderctl(["schema", "compat"]).arg(root).run().exits_with(0);
    assert!(ran.stdout.contains("compared 18 events"), "{}", ran.stdout);
    assert!(ran.stdout.contains("nothing breaks"), "{}", ran.stdout);

    let changed = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(Path::new(root).join("schemas/events")).unwrap().flatten() {
        if entry.path().is_file() {
            let text = fs::read_to_string(entry.path()).unwrap();
            let text = text.replace("\"maximum\": 999999999999", "\"maximum\": 9999");
            fs::write(changed.path().join(entry.file_name()), text).unwrap();
        }
    }
    let ran = orderctl(["schema", "compat", root, "--new"]).arg(changed.path()).run();
    let ran = ran.exits_with(3);
    assert!(ran.stdout.contains("range-narrowed: at most 9999"), "{}", ran.stdout);
    assert!(ran.stdout.contains("/data/total/amount_minor"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
}

#[test]
fn a_revision_of_git_is_read_as_it_was_committed() {
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let checkout = tempfile::tempdir().unwrap();
    let folder = checkout.path().join("schemas/events");
    fs::create_dir_all(&folder).unwrap();
    let before = schemas(&corpus, &Value::Null, &Value::Null);
    for entry in fs::read_dir(before.path()).unwrap().flatten() {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@localhost"]).args(arguments);
        let output = git.current_dir(checkout.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "before"]);
    let change = serde_json::json!({"properties": {"data": {"properties": {"code": null}}}});
    let after = schemas(&corpus, &change, &Value::Null);
    let compare = |base: &str| {
        let program = orderctl(["schema", "compat", "--new"]).arg(after.path()).arg(base);
        program.directory(checkout.path()).run()
    };
    let ran = compare("HEAD").exits_with(3);
    assert!(ran.stdout.contains("field-removed"), "{}", ran.stdout);
    compare("no-such-revision").fails(1, &["no-such-revision", "Git"]);
}

#[test]
fn several_bases_are_compared_each() {
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let change = serde_json::json!({"properties": {"data": {"properties": {"code": null}}}});
    let older = schemas(&corpus, &Value::Null, &Value::Null);
    let newer = schemas(&corpus, &change, &Value::Null);
    let program = orderctl(["schema", "compat", "-o", "json"]).arg(newer.path()).arg(older.path());
    let verdict = program.arg("--new").arg(newer.path()).run().exits_with(3).versioned_json();
    assert_eq!(verdict["safe"], false);
    let counts: Vec<_> = verdict["compared"].as_array().unwrap().iter().collect();
    assert_eq!(counts[0]["breaking"].as_array().unwrap().len(), 0);
    assert_eq!(counts[1]["breaking"].as_array().unwrap().len(), 1);
}
