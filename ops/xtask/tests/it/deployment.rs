//! What `ops/` ships for deployment, read by the programs that it is meant for.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use xtask::tools::{Tool, Tools};

use crate::provided::{documents, provided, root, run, succeed, workers};

/// Kinds that are not Kubernetes' own, whose schemas its validator does not know.
const FOREIGN: [&str; 2] = ["monitoring.coreos.com/", "keda.sh/"];

/// Holds objects of KEDA and the Prometheus Operator to the definitions of those who read them.
const VALIDATE: &str = r#"
const text = require("node:fs").readFileSync(0, "utf8");
Promise.all([
  import("@kubernetes-models/keda/keda.sh/v1alpha1"),
  import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"),
]).then(([keda, monitoring]) => {
  const kinds = { "keda.sh/v1alpha1": keda, "monitoring.coreos.com/v1": monitoring };
  for (const it of JSON.parse(text)) new kinds[it.apiVersion][it.kind](it).validate();
});
"#;

/// Exposure of a unit as systemd counts it, in tenths: 0 is none, 100 all.
const EXPOSURE: &str = "20";

fn compose(program: &Path, file: &str, profiles: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(["--file", file]).current_dir(root().join("ops/compose"));
    for profile in profiles {
        command.args(["--profile", profile]);
    }
    for variable in [
        "ORDERFLOW_USER",
        "ORDERFLOW_DATABASE",
        "ORDERFLOW_POSTGRES_PASSWORD",
        "ORDERFLOW_RABBITMQ_PASSWORD",
    ] {
        command.env(variable, "x");
    }
    for variable in ["POSTGRES", "AMQP", "MANAGEMENT"] {
        command.env(format!("ORDERFLOW_{variable}_PORT"), "1024");
    }
    succeed(command.arg("config"))
}

#[test]
fn compose_starts_every_worker_locked_down_and_watched() {
    let Some(program) = provided(|tools| tools.program(Tool::Compose)) else { return };
    let Some(python) = provided(Tools::python) else { return };
    compose(&program, "services.yml", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yml");
    fs::write(&file, compose(&program, "compose.yml", &["observability"])).unwrap();
    let services = documents(&python, &file)[0]["services"].clone();
    for worker in workers() {
        let service = &services[&worker];
        assert_eq!(service["command"], serde_json::json!([worker]), "{worker}");
        assert_eq!(service["read_only"], true, "{worker}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{worker}");
    }
    for (name, service) in services.as_object().unwrap() {
        assert!(service["healthcheck"].is_object(), "{name} has no health check");
    }
    for optional in ["prometheus", "alertmanager", "grafana"] {
        assert_eq!(services[optional]["profiles"], serde_json::json!(["observability"]));
    }
}

#[test]
fn compose_asks_for_the_passwords_that_are_not_set() {
    let Some(program) = provided(|tools| tools.program(Tool::Compose)) else { return };
    let mut command = Command::new(program);
    command.args(["--file", "compose.yml", "config"]).current_dir(root().join("ops/compose"));
    let output = run(command.env_remove("ORDERFLOW_POSTGRES_PASSWORD"));
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("ORDERFLOW_POSTGRES_PASSWORD"), "{errors}");
}

#[test]
fn the_image_holds_every_binary_and_runs_as_nobody() {
    let Some(python) = provided(Tools::python) else { return };
    let file = root().join("ops/image/Dockerfile");
    succeed(Command::new(python.join("hadolint")).args(["--failure-threshold", "info"]).arg(&file));
    let text = fs::read_to_string(file).unwrap();
    for worker in workers() {
        assert!(text.contains(&format!("--package {worker}")), "{worker} is not built");
    }
    assert!(text.contains("\nUSER 65532:65532\n"));
}

/// A system of its own, with our units, the targets of the real one, and programs to start.
fn system() -> TempDir {
    let system = tempfile::tempdir().unwrap();
    let ours = root().join("ops/systemd");
    for (from, to) in [(Path::new("/lib/systemd/system"), "lib/systemd/system"), (&ours, "etc")] {
        let to = if to == "etc" { "etc/systemd/system" } else { to };
        fs::create_dir_all(system.path().join(to)).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let wanted = from == ours || Path::new(&name).extension() == Some("target".as_ref());
            if wanted && entry.path().is_file() {
                fs::copy(entry.path(), system.path().join(to).join(name)).unwrap();
            }
        }
    }
    let programs = workers().into_iter().map(|worker| format!("usr/bin/{worker}"));
    for program in programs.chain(["usr/bin/orderctl".to_owned(), "bin/kill".to_owned()]) {
        let program = system.path().join(program);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy("/bin/true", program).unwrap();
    }
    system
}

/// What systemd says of a unit: nothing, if it is as it should be.
fn complaints(analyze: &Path, system: &TempDir, unit: &str) -> String {
    let mut command = Command::new(analyze);
    command.args(["verify", "--man=no"]).arg(format!("--root={}", system.path().display()));
    let output = run(command.arg(unit));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { said } else { format!("{said}(exit {})", output.status) }
}

#[test]
fn a_worker_tells_systemd_that_it_lives_and_has_longer_to_stop_than_to_drain() {
    let unit = fs::read_to_string(root().join("ops/systemd/orderflow-worker@.service")).unwrap();
    let value = |key: &str| {
        let found = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{key} is not set")).to_owned()
    };
    assert_eq!(value("Type"), "notify");
    let seconds = |key: &str| value(key).parse::<u32>().unwrap();
    // `/livez` counts a loop as stuck after 15 seconds.
    assert!(seconds("WatchdogSec") > 15);
    assert!(seconds("TimeoutStopSec") > 20, "the grace to drain");
}

#[test]
fn systemd_understands_every_unit_and_the_target_wants_every_worker() {
    let Some(analyze) = provided(|tools| tools.program(Tool::Systemd)) else { return };
    let system = system();
    let mut units: Vec<String> = unit_files()
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.contains('@'))
        .collect();
    units.extend(workers().iter().map(|worker| format!("orderflow-worker@{worker}.service")));
    for unit in &units {
        assert_eq!(complaints(&analyze, &system, unit), "", "{unit}");
    }
    let target = fs::read_to_string(root().join("ops/systemd/orderflow.target")).unwrap();
    for worker in workers() {
        assert!(target.contains(&format!("Wants=orderflow-worker@{worker}.service")), "{worker}");
        let settings = root().join(format!("ops/systemd/workers/{worker}.env"));
        assert!(settings.is_file(), "{}", settings.display());
    }
}

#[test]
fn a_mistake_in_a_unit_is_noticed() {
    let Some(analyze) = provided(|tools| tools.program(Tool::Systemd)) else { return };
    let system = system();
    let unit = system.path().join("etc/systemd/system/orderflow-setup.service");
    let text = fs::read_to_string(&unit).unwrap().replace("Type=oneshot", "Type=onceshot");
    fs::write(unit, text).unwrap();
    let said = complaints(&analyze, &system, "orderflow-setup.service");
    assert!(said.contains("onceshot"), "{said}");
}

#[test]
fn the_sandbox_of_every_unit_is_tight() {
    let Some(analyze) = provided(|tools| tools.program(Tool::Systemd)) else { return };
    let services: Vec<_> =
        unit_files().into_iter().filter(|it| it.extension() == Some("service".as_ref())).collect();
    assert_eq!(services.len(), 4, "{services:?}");
    for unit in services {
        let mut command = Command::new(&analyze);
        command.args(["security", "--offline=true"]).arg(format!("--threshold={EXPOSURE}"));
        succeed(command.arg(unit));
    }
}

fn unit_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("ops/systemd")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let is_unit = |file: &PathBuf| {
        let kinds = ["service", "timer", "target"];
        file.extension().is_some_and(|extension| kinds.iter().any(|kind| extension == *kind))
    };
    files.filter(is_unit).collect()
}

/// All objects of an overlay; those of Kubernetes itself are held to its schemas.
fn manifests(python: &Path, overlay: &str) -> Vec<Value> {
    manifests_of(python, &root().join("ops/k8s/overlays").join(overlay))
}

/// All objects of a folder of Kustomize.
fn manifests_of(python: &Path, overlay: &Path) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let rendered = folder.path().join("rendered.yml");
    let mut kustomize = Command::new(python.join("kubectl"));
    kustomize.arg("kustomize").arg(overlay);
    fs::write(&rendered, succeed(&mut kustomize)).unwrap();
    let all = documents(python, &rendered);
    let native = all.iter().filter(|it| {
        let version = it["apiVersion"].as_str().unwrap();
        !FOREIGN.iter().any(|foreign| version.starts_with(foreign))
    });
    let files = native.enumerate().map(|(index, manifest)| {
        let file = folder.path().join(format!("{index}.json"));
        fs::write(&file, manifest.to_string()).unwrap();
        file
    });
    let files: Vec<_> = files.collect();
    let validate = python.join("kubernetes-validate");
    succeed(Command::new(validate).args(["--strict", "--quiet"]).args(files));
    all
}

/// What node says of objects that are not Kubernetes' own; nothing, if they are fine.
fn foreign_complaints(modules: &Path, objects: &[&Value]) -> String {
    let mut node = Command::new("node");
    // Modules are looked for above the folder that node starts in.
    node.args(["-e", VALIDATE]).current_dir(modules.parent().unwrap());
    let piped = || Stdio::piped();
    let mut child = node.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let text = serde_json::to_vec(objects).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { said } else { format!("{said}(exit {})", output.status) }
}

#[test]
fn keda_and_the_prometheus_operator_take_their_objects() {
    let Some(python) = provided(Tools::python) else { return };
    let Some(modules) = provided(Tools::contract_modules) else { return };
    let manifests = manifests(&python, "production");
    let is_foreign = |it: &&Value| {
        let version = it["apiVersion"].as_str().unwrap();
        FOREIGN.iter().any(|foreign| version.starts_with(foreign))
    };
    let objects: Vec<&Value> = manifests.iter().filter(is_foreign).collect();
    assert!(objects.len() >= 9, "only {} objects", objects.len());
    assert_eq!(foreign_complaints(&modules, &objects), "");

    let mut broken = named(&manifests, "ScaledObject", "order-created").clone();
    broken["spec"]["maxReplicaCount"] = "4".into();
    let said = foreign_complaints(&modules, &[&broken]);
    assert!(said.contains("maxReplicaCount must be integer"), "{said}");
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|it| it["kind"] == kind).collect()
}

fn named<'a>(manifests: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = of_kind(manifests, kind).into_iter().find(|it| it["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn kubernetes_takes_the_manifests_of_both_overlays() {
    let Some(python) = provided(Tools::python) else { return };
    for overlay in ["small", "production"] {
        let manifests = manifests(&python, overlay);
        for worker in workers() {
            check_worker(&manifests, &worker);
        }
        for kind in ["Job", "CronJob"] {
            assert!(!of_kind(&manifests, kind).is_empty(), "{overlay} has no {kind}");
        }
        assert_eq!(of_kind(&manifests, "NetworkPolicy").len(), 3);
    }
}

#[test]
fn an_overlay_may_add_the_export_of_spans() {
    let Some(python) = provided(Tools::python) else { return };
    let overlay = tempfile::tempdir_in(root().join("ops/k8s/overlays")).unwrap();
    let kustomization = "resources: [../small]\ncomponents: [../../components/tracing]\n";
    fs::write(overlay.path().join("kustomization.yaml"), kustomization).unwrap();
    let manifests = manifests_of(&python, overlay.path());
    let settings = of_kind(&manifests, "ConfigMap");
    let has = |name: &str| settings.iter().any(|it| it["data"][name].is_string());
    assert!(has("OTEL_EXPORTER_OTLP_ENDPOINT") && has("ORDERFLOW_MODE"));
    let policy = &named(&manifests, "NetworkPolicy", "orderflow-collector")["spec"];
    let labels = policy["podSelector"]["matchLabels"].as_object().unwrap();
    for worker in workers() {
        let pod = &named(&manifests, "Deployment", &worker)["spec"]["template"];
        for (label, value) in labels {
            assert_eq!(&pod["metadata"]["labels"][label], value, "{worker} reaches the collector");
        }
    }
}

fn check_worker(manifests: &[Value], worker: &str) {
    let pod = &named(manifests, "Deployment", worker)["spec"]["template"];
    let (labels, pod) = (&pod["metadata"]["labels"], &pod["spec"]);
    let container = &pod["containers"][0];
    assert_eq!(container["command"], serde_json::json!([worker]));
    for (probe, page) in
        [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(container[probe]["httpGet"]["path"], page, "{worker} {probe}");
    }
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{worker}");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{worker}");
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= 30, "{worker}");
    let secret = &pod["volumes"][0]["secret"]["secretName"];
    assert!(secret == "orderflow" || secret == worker, "{worker} has the secret {secret}");
    let budget = &named(manifests, "PodDisruptionBudget", worker)["spec"];
    for (label, value) in budget["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&labels[label], value, "the budget of {worker} selects it");
    }
}

#[test]
fn workers_of_queues_are_scaled_by_their_queues() {
    let Some(python) = provided(Tools::python) else { return };
    let manifests = manifests(&python, "production");
    let definitions = root().join("ops/rabbitmq/definitions.json");
    let definitions: Value =
        serde_json::from_str(&fs::read_to_string(definitions).unwrap()).unwrap();
    let queues: Vec<_> = definitions["queues"].as_array().unwrap().iter().collect();
    let scaled = of_kind(&manifests, "ScaledObject");
    let consumed = queues.iter().filter(|queue| {
        let name = queue["name"].as_str().unwrap();
        workers().iter().any(|worker| name == format!("orderflow.{worker}"))
    });
    assert_eq!(scaled.len(), consumed.count());
    for object in scaled {
        let trigger = &object["spec"]["triggers"][0]["metadata"];
        let queue = &trigger["queueName"];
        assert!(queues.iter().any(|it| it["name"] == *queue), "there is no queue {queue}");
        assert!(object["spec"]["minReplicaCount"].as_u64().unwrap() >= 1);
        let target = object["spec"]["scaleTargetRef"]["name"].as_str().unwrap();
        let deployment = named(&manifests, "Deployment", target);
        assert!(deployment["spec"]["replicas"].is_null(), "{target} has two masters");
        let authentication = object["spec"]["triggers"][0]["authenticationRef"]["name"].as_str();
        named(&manifests, "TriggerAuthentication", authentication.unwrap());
    }
    let monitor = named(&manifests, "PodMonitor", "orderflow");
    let port = &monitor["spec"]["podMetricsEndpoints"][0]["port"];
    let deployment = named(&manifests, "Deployment", "outbox-relay");
    let ports = &deployment["spec"]["template"]["spec"]["containers"][0]["ports"];
    assert_eq!(&ports[0]["name"], port);
}
