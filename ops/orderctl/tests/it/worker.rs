//! `orderctl worker`, on pages as workers have them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use crate::program::orderctl;

const METRICS: &str = "# HELP orderflow_ready 1 while it works.
orderflow_ready{worker=\"order-created\"} 1
orderflow_batch_retries_total{worker=\"order-created\",cause=\"deadlock\"} 2
orderflow_batch_retries_total{worker=\"order-created\",cause=\"lock-timeout\"} 0
process_open_fds 90
process_max_fds 100
";

/// Somebody who serves these pages until the test ends.
fn worker(status: u16, readiness: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut request = BufReader::new(stream);
            let mut first = String::new();
            request.read_line(&mut first).unwrap();
            let mut line = first.clone();
            while !line.trim().is_empty() {
                line.clear();
                request.read_line(&mut line).unwrap();
            }
            let ready = first.starts_with("GET /readyz ");
            let (status, text) = if ready { (status, readiness) } else { (200, METRICS) };
            let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\n");
            let length = format!("content-length: {}\r\n\r\n", text.len());
            request.get_mut().write_all(format!("{head}{length}{text}").as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_worker_tells_what_it_counted_and_that_it_is_short_of_files() {
    let address = worker(200, "ready\n").to_string();
    let ran = orderctl(["worker", &address, "orderflow_batch"]).run().exits_with(0);
    let expected = [
        format!("{address}: ready"),
        "90 of 100 files are open: ops/runbooks/files-run-out.md".to_owned(),
        "orderflow_batch_retries_total{worker=\"order-created\",cause=\"deadlock\"} 2".to_owned(),
        "1 more are 0".to_owned(),
    ];
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected);

    let ran = orderctl(["worker", &address, "-o", "json"]).run().exits_with(0);
    let told = ran.versioned_json();
    assert_eq!((&told["ready"], &told["says"]), (&true.into(), &"ready".into()));
    assert_eq!(told["series"].as_array().unwrap().len(), 0);
}

#[test]
fn a_worker_that_waits_exits_with_3_and_says_why() {
    let address = worker(503, "not ready: database: it is read-only (database-read-only)\n");
    let ran = orderctl(["worker", &address.to_string()]).run().exits_with(3);
    assert!(ran.stdout.contains("(database-read-only)"), "{}", ran.stdout);
}

#[test]
fn a_worker_that_does_not_answer_exits_with_6() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    orderctl(["worker", &address]).run().fails(6, &[&address, "ORDERFLOW_HTTP_LISTEN"]);
}
