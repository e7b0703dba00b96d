//! Dead letters as a worker publishes them, and the call that replays them.

use broker::{Names, Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use runtime::headers;
use testkit::shop::ShopEvent;

/// A message that is no event, sent as one of this kind.
pub fn garbage(names: &Names, kind: EventKind) -> Publication {
    let properties = Properties { message_id: Some("garbage".to_owned()), ..Properties::default() };
    Publication::new(names.inbound(), kind.name(), properties, b"not json".to_vec())
}

/// The dead letter of an event over which the rules of this worker panicked.
pub fn dead_letter(names: &Names, worker: &str, event: &ShopEvent) -> Publication {
    let queue = names.work_queue(worker);
    let mut properties = Properties {
        message_id: event.json()["id"].as_str().map(str::to_owned),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        type_name: Some(event.kind().type_name().to_owned()),
        ..Properties::default()
    };
    let failure = [
        (headers::FAILED_AT, "2026-03-01T12:00:01Z"),
        (headers::FIRST_FAILED_AT, "2026-03-01T12:00:00Z"),
        (headers::ERROR_CLASS, "panic"),
        (headers::ERROR_CODE, "panic"),
        (headers::ERROR_MESSAGE, "a rule panicked over this message"),
        (headers::QUEUE, &queue),
        (headers::EXCHANGE, "shop.events"),
        (headers::ROUTING_KEY, event.kind().name()),
        (headers::WORKER, worker),
        (headers::BUILD, "0.0.1"),
    ];
    for (name, value) in failure {
        properties.headers.insert(name, value);
    }
    properties.headers.insert(headers::ATTEMPT, 3_i64);
    Publication::new(names.dead_exchange(), queue, properties, event.body())
}

/// The statement that starts a replay of everything parked; answers with its number.
pub fn replay_call(rate: u32, in_flight: u32, canary: u32, backlog: u32) -> String {
    format!(
        r#"SELECT batch_id FROM replay_start(
            'ann', 'the bug is fixed', '{{"status": ["parked"]}}', 'status:parked', NULL, {rate},
            {in_flight}, {canary}, 20, 20, {backlog}, NULL, false, NULL)"#
    )
}
