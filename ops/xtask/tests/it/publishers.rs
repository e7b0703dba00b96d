//! The publishers of `ops/publishers`, each against a real broker.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use ureq::Agent;
use xtask::tools::{Tool, Tools};

use crate::provided::{provided, root, run, succeed};

const ORDER: &str = "0198c0de-0001-7000-8000-000000000001";
const MESSAGE: &str = "0198c0de-1001-7000-8000-000000000001";
const PLACED_AT: &str = "2026-03-01T12:00:00Z";

/// An exchange with a queue for orders, and one that leads nowhere.
struct Stage {
    management: String,
    name: String,
}

impl Stage {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("publishers-{}-{number}", std::process::id());
        let stage = Self { management: variable("ORDERFLOW_MANAGEMENT_URL"), name };
        let body = json!({"durable": true, "arguments": {"x-queue-type": "quorum"}});
        stage.put(&format!("queues/%2f/{}", stage.name), body);
        for exchange in [stage.exchange(), stage.nowhere()] {
            let body = json!({"type": "topic", "durable": true});
            stage.put(&format!("exchanges/%2f/{exchange}"), body);
        }
        let path = format!("bindings/%2f/e/{}/q/{}", stage.exchange(), stage.name);
        agent().post(stage.page(&path)).send_json(json!({"routing_key": "order.created"})).unwrap();
        stage
    }

    fn exchange(&self) -> String {
        format!("{}.shop.events", self.name)
    }

    fn nowhere(&self) -> String {
        format!("{}.nowhere", self.name)
    }

    fn page(&self, path: &str) -> String {
        format!("{}/api/{path}", self.management.trim_end_matches('/'))
    }

    fn put(&self, path: &str, body: Value) {
        agent().put(self.page(path)).send_json(body).unwrap();
    }

    fn messages(&self) -> Vec<Value> {
        let body = json!({"count": 10, "ackmode": "ack_requeue_false", "encoding": "auto"});
        let page = self.page(&format!("queues/%2f/{}/get", self.name));
        agent().post(page).send_json(body).unwrap().body_mut().read_json().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let mut paths = vec![format!("queues/%2f/{}", self.name)];
        paths.extend([self.exchange(), self.nowhere()].map(|it| format!("exchanges/%2f/{it}")));
        for path in paths {
            if let Err(error) = agent().delete(self.page(&path)).call() {
                eprintln!("{path} stays on the broker: {error}");
            }
        }
    }
}

fn agent() -> Agent {
    Agent::config_builder().proxy(None).build().into()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`"))
}

/// One of the workspace's programs, built beforehand.
fn built(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name(name);
    assert!(program.is_file(), "{} is not built: run `cargo xtask test`", program.display());
    program
}

/// Holds a publisher to the contract; `command` calls it without arguments.
fn check(command: impl Fn() -> Command) {
    let stage = Stage::new();
    let publish = |url: &str, exchange: &str| {
        let mut command = command();
        command.args([ORDER, MESSAGE, PLACED_AT]);
        let output =
            run(command.env("ORDERFLOW_AMQP_URL", url).env("ORDERFLOW_EXCHANGE", exchange));
        let (stdout, stderr) = (&*output.stdout, &*output.stderr);
        let said = [stdout, stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat();
        (output.status.code(), said)
    };
    let amqp = variable("ORDERFLOW_AMQP_URL");

    for _ in 0..2 {
        let (code, said) = publish(&amqp, &stage.exchange());
        assert_eq!((code, &*said), (Some(0), &*format!("confirmed {MESSAGE}\n")));
    }
    check_messages(&stage.messages());

    let (code, said) = publish(&amqp, &stage.nowhere());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("returned: no queue takes it"), "{said}");

    // Nothing listens on the discard port.
    let (code, said) = publish("amqp://me:hunter2@127.0.0.1:9/%2f", &stage.exchange());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("try 1 of 5 failed") && said.contains("try 5 of 5 failed"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

fn check_messages(messages: &[Value]) {
    let [first, second] = messages else { panic!("not two messages: {messages:?}") };
    assert_eq!(first["payload"], second["payload"], "sent again, it is the same to the letter");
    assert_eq!(first["routing_key"], "order.created");
    let properties = &first["properties"];
    for (property, expected) in [
        ("delivery_mode", json!(2)),
        ("content_type", json!("application/cloudevents+json")),
        ("message_id", json!(MESSAGE)),
        ("type", json!("shop.order.created.v1")),
        ("app_id", json!("/shops/example")),
        ("correlation_id", json!(ORDER)),
    ] {
        assert_eq!(properties[property], expected, "{property}");
    }
    assert!(properties["timestamp"].as_u64().is_some_and(|it| it > 1_700_000_000), "{properties}");

    let mut validate = Command::new(built("orderctl"));
    validate.args(["event", "validate", "-"]).env_remove("ORDERFLOW_MODE");
    let (input, output) = (Stdio::piped(), Stdio::piped());
    let mut child = validate.stdin(input).stdout(output).spawn().unwrap();
    let payload = first["payload"].as_str().unwrap();
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn publisher(path: &str) -> PathBuf {
    root().join("ops/publishers").join(path)
}

#[test]
fn the_publisher_in_rust_keeps_the_contract() {
    check(|| Command::new(built("publish-order")));
}

#[test]
fn the_publisher_in_python_keeps_the_contract() {
    let Some(python) = provided(Tools::python) else { return };
    check(|| {
        let mut command = Command::new(python.join("python"));
        command.arg(publisher("python/publish.py"));
        command
    });
}

#[test]
fn the_publisher_in_javascript_keeps_the_contract() {
    let Some(modules) = provided(Tools::publisher_modules) else { return };
    check(|| {
        let mut command = Command::new("node");
        command.arg(publisher("node/publish.js")).env("NODE_PATH", &modules);
        command
    });
}

#[test]
fn the_publisher_in_java_keeps_the_contract() {
    let Some(java) = provided(|tools| tools.program(Tool::Java)) else { return };
    let classes = tempfile::tempdir().unwrap();
    let jars = ["amqp-client", "slf4j-api", "slf4j-nop"];
    let jars = jars.map(|name| format!("/usr/share/java/{name}.jar")).join(":");
    let mut compile = Command::new("javac");
    compile.args(["-Xlint:all,-processing", "-Werror", "-cp", &jars, "-d"]).arg(classes.path());
    succeed(compile.arg(publisher("java/PublishOrder.java")));
    let path = format!("{}:{jars}", classes.path().display());
    check(|| {
        let mut command = Command::new(&java);
        command.args(["-cp", &path, "PublishOrder"]);
        command
    });
}

#[test]
fn the_publisher_in_go_keeps_the_contract() {
    let Some(go) = provided(|tools| tools.program(Tool::Go)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("publish");
    let mut build = Command::new(go);
    // Debian's packages of Go are a GOPATH.
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "");
    build.env("GOCACHE", root().join(".local/tools/go-cache"));
    succeed(build.args(["build", "-o"]).arg(&program).arg(publisher("go/publish.go")));
    check(|| Command::new(&program));
}

#[test]
fn the_publisher_in_php_keeps_the_contract() {
    let Some(php) = provided(|tools| tools.program(Tool::Php)) else { return };
    check(|| {
        let mut command = Command::new(&php);
        command.args(["-d", "auto_prepend_file=/usr/share/php/PhpAmqpLib/autoload.php"]);
        command.arg(publisher("php/publish.php"));
        command
    });
}

/// .NET is not in Debian, so that this one is read and not run.
#[test]
fn the_publisher_in_csharp_is_csharp() {
    const PARSE: &str = "import sys, tree_sitter_c_sharp\n\
        from tree_sitter import Language, Parser\n\
        parser = Parser(Language(tree_sitter_c_sharp.language()))\n\
        sys.exit(parser.parse(open(sys.argv[1], 'rb').read()).root_node.has_error)";
    let Some(python) = provided(Tools::python) else { return };
    let parse = |file: &Path| {
        run(Command::new(python.join("python")).args(["-c", PARSE]).arg(file)).status.success()
    };
    let file = publisher("csharp/Program.cs");
    assert!(parse(&file), "{} does not parse", file.display());
    let broken = tempfile::NamedTempFile::new().unwrap();
    let text = std::fs::read_to_string(file).unwrap().replacen('(', "", 1);
    std::fs::write(broken.path(), text).unwrap();
    assert!(!parse(broken.path()), "a missing bracket is noticed");
}
