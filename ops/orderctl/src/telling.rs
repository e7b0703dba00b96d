//! Events that tell of what a person decided here, published as a shop's would be.

use broker::{Names, Outcome, Properties, Publication, PublisherConfig, Session};
use contracts::{EventKind, IdSource, STRUCTURED_CONTENT_TYPE, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::exit::{Exit, Failure};

/// Who tells of a decision that was made here.
const SOURCE: &str = "/orderctl";

/// An event that tells of a decision.
pub(crate) struct Told {
    pub(crate) id: String,
    kind: EventKind,
    order: Uuid,
    body: Vec<u8>,
}

impl Told {
    /// `seed` tells two decisions of one moment apart.
    pub(crate) fn new(
        kind: EventKind,
        order: Uuid,
        seed: &str,
        now: Timestamp,
        data: &Value,
    ) -> Self {
        let id = IdSource::new(SOURCE, seed, now).next_id::<Uuid>().to_string();
        let body = json!({
            "specversion": "1.0", "id": id, "source": SOURCE, "type": kind.type_name(),
            "subject": order, "time": now, "datacontenttype": "application/json", "data": data,
        });
        Self { id, kind, order, body: body.to_string().into_bytes() }
    }

    /// Publishes it, and waits until the broker has it in a queue.
    ///
    /// # Errors
    /// When the broker is away, or did not confirm it.
    pub(crate) async fn publish(&self, session: &Session, names: &Names) -> Result<(), Failure> {
        let publisher = session.publisher(PublisherConfig::hasty()).await?;
        let Self { id, kind, order, body } = self;
        let properties = Properties {
            message_id: Some(id.clone()),
            content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
            type_name: Some(kind.type_name().to_owned()),
            app_id: Some(SOURCE.to_owned()),
            correlation_id: Some(order.to_string()),
            ..Properties::default()
        };
        let publication = Publication::new(names.inbound(), kind.name(), properties, body.clone());
        let outcomes = publisher.publish_all(vec![publication]).await?;
        match &outcomes[..] {
            [Outcome::Confirmed] => Ok(()),
            outcomes => {
                let what = format!("failed to publish {kind} {id}");
                let next =
                    "see `orderctl topology verify` and the broker's alarms, then run this again";
                Err(Failure::new(Exit::Failed, what, next).because(format!("{outcomes:?}")))
            }
        }
    }
}
