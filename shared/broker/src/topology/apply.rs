//! Declares a topology.

use lapin::{
    Channel,
    options::{ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};

use crate::{
    Error, Session,
    session::within,
    topology::{Binding, DestinationKind, Exchange, ExchangeKind, Queue, Topology},
};

impl Topology {
    /// Declares everything that is missing; what exists as it should stays as it is.
    ///
    /// Stops at the first object that exists with other arguments, and names it: such a change of
    /// meaning needs a new name, never a redeclaration.
    pub async fn apply(&self, session: &Session) -> Result<(), Error> {
        let limit = session.operation_timeout();
        let channel = session.throw_away_channel().await?;
        for exchange in &self.exchanges {
            within("declare an exchange", limit, exchange.declare(&channel, false)).await?;
        }
        for queue in &self.queues {
            within("declare a queue", limit, queue.declare(&channel, false)).await?;
        }
        for binding in &self.bindings {
            within("bind", limit, binding.declare(&channel)).await?;
        }
        within("close a channel", limit, channel.close(200, "OK".into())).await
    }
}

impl Exchange {
    /// Declares it, or with `passive` only asks whether one of this name exists.
    pub(super) async fn declare(&self, channel: &Channel, passive: bool) -> lapin::Result<()> {
        let options = ExchangeDeclareOptions { passive, durable: true, ..Default::default() };
        let kind = self.kind.to_lapin();
        let name = ShortString::from(self.name.as_str());
        channel.exchange_declare(name, kind, options, self.arguments.to_table()).await
    }
}

impl Queue {
    /// Declares it, or with `passive` only asks whether one of this name exists.
    pub(super) async fn declare(&self, channel: &Channel, passive: bool) -> lapin::Result<()> {
        let options = QueueDeclareOptions { passive, durable: true, ..Default::default() };
        let name = ShortString::from(self.name.as_str());
        channel.queue_declare(name, options, self.arguments.to_table()).await.map(drop)
    }
}

impl Binding {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let source = ShortString::from(self.source.as_str());
        let destination = ShortString::from(self.destination.as_str());
        let key = ShortString::from(self.routing_key.as_str());
        let none = FieldTable::default();
        match self.destination_type {
            DestinationKind::Queue => {
                let options = QueueBindOptions::default();
                channel.queue_bind(destination, source, key, options, none).await
            }
            DestinationKind::Exchange => {
                let options = ExchangeBindOptions::default();
                channel.exchange_bind(destination, source, key, options, none).await
            }
        }
    }
}

impl ExchangeKind {
    fn to_lapin(self) -> lapin::ExchangeKind {
        match self {
            Self::Direct => lapin::ExchangeKind::Direct,
            Self::Fanout => lapin::ExchangeKind::Fanout,
            Self::Topic => lapin::ExchangeKind::Topic,
            Self::Delayed => lapin::ExchangeKind::Custom(crate::delay::PLUGIN_TYPE.to_owned()),
        }
    }
}
