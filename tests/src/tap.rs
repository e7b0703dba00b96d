//! A copy of what an exchange sends to a queue.

use broker::{Consumer, Delivery, Settled};
use serde_json::json;
use ureq::Agent;

use crate::stage::Stage;

/// Gets a copy of each message that an exchange sends by one key, beside the queues that get it.
#[derive(Debug)]
pub struct Tap(Consumer);

impl Tap {
    /// Listens from now on.
    pub async fn on(stage: &Stage, exchange: &str, key: &str) -> Self {
        let queue = format!("{}.tap", stage.names.prefix());
        let declare = format!("queues/%2f/{queue}");
        let bind = format!("bindings/%2f/e/{exchange}/q/{queue}");
        let bound_by = json!({ "routing_key": key });
        let made = tokio::task::spawn_blocking(move || {
            let config = Agent::config_builder().http_status_as_error(true).proxy(None).build();
            let agent = Agent::from(config);
            let url = testkit::endpoints().management_url;
            let url = url.trim_end_matches('/');
            agent.put(format!("{url}/api/{declare}")).send_json(json!({ "durable": true }))?;
            agent.post(format!("{url}/api/{bind}")).send_json(&bound_by).map(drop)
        });
        made.await.expect("it does not panic").expect("the broker takes a queue and a binding");
        Self(stage.consumer(&queue).await)
    }

    /// The next copy.
    pub async fn next(&mut self) -> Delivery {
        let delivery = self.0.next().await.expect("the tap stays open");
        let settled = self.0.settler().ack(delivery.tag).await.expect("the broker answers");
        assert_eq!(settled, Settled::Done);
        delivery
    }
}
