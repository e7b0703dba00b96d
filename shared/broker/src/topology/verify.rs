//! Compares a topology with what the broker has, and changes nothing.

use std::fmt;

use lapin::Channel;

use crate::{
    Error, Session,
    session::within,
    topology::{Exchange, Queue, Topology},
};

/// A difference between what should be and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// It does not exist.
    Missing(Object),
    /// It exists, but was declared differently.
    Different {
        /// What it is.
        object: Object,
        /// The broker's words on the first difference.
        text: String,
    },
}

/// An exchange or queue, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// An exchange.
    Exchange(String),
    /// A queue.
    Queue(String),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(name) => write!(f, "exchange {name}"),
            Self::Queue(name) => write!(f, "queue {name}"),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(object) => write!(f, "{object} is missing"),
            Self::Different { object, text } => write!(f, "{object} differs: {text}"),
        }
    }
}

impl Topology {
    /// Every exchange and queue that is missing or was declared differently.
    ///
    /// A user who may not declare anything is only told what is missing, and from RabbitMQ 4.3 on
    /// only of what it may use. AMQP has no question
    /// about bindings; [`Topology::apply`] restores them.
    pub async fn verify(&self, session: &Session) -> Result<Vec<Drift>, Error> {
        let channel = session.throw_away_channel().await?;
        let mut examiner = Examiner { session, channel, may_compare: true };
        let mut drifts = Vec::new();
        for exchange in &self.exchanges {
            drifts.extend(examiner.examine(Declared::Exchange(exchange)).await?);
        }
        for queue in &self.queues {
            drifts.extend(examiner.examine(Declared::Queue(queue)).await?);
        }
        Ok(drifts)
    }
}

#[derive(Clone, Copy)]
enum Declared<'a> {
    Exchange(&'a Exchange),
    Queue(&'a Queue),
}

impl Declared<'_> {
    async fn declare(self, channel: &Channel, passive: bool) -> lapin::Result<()> {
        match self {
            Self::Exchange(exchange) => exchange.declare(channel, passive).await,
            Self::Queue(queue) => queue.declare(channel, passive).await,
        }
    }

    fn object(self) -> Object {
        match self {
            Self::Exchange(exchange) => Object::Exchange(exchange.name.clone()),
            Self::Queue(queue) => Object::Queue(queue.name.clone()),
        }
    }
}

/// Asks on a channel that every negative answer closes.
struct Examiner<'a> {
    session: &'a Session,
    channel: Channel,
    may_compare: bool,
}

impl Examiner<'_> {
    async fn examine(&mut self, declared: Declared<'_>) -> Result<Option<Drift>, Error> {
        let object = declared.object();
        match self.ask(declared, true).await {
            Ok(()) => {}
            Err(Error::NotFound { .. }) => return Ok(Some(Drift::Missing(object))),
            // From RabbitMQ 4.3 on, whoever may do nothing with it may not look at it either.
            Err(Error::AccessRefused { .. }) => {
                tracing::info!(%object, "this user may not look at it");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        if !self.may_compare {
            return Ok(None);
        }
        // It exists, so declaring it creates nothing: the broker compares and says what differs.
        match self.ask(declared, false).await {
            Ok(()) => Ok(None),
            Err(Error::PreconditionFailed { text }) => Ok(Some(Drift::Different { object, text })),
            Err(Error::AccessRefused { .. }) => {
                tracing::info!("this user may not declare: what exists is not compared");
                self.may_compare = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(&mut self, declared: Declared<'_>, passive: bool) -> Result<(), Error> {
        if !self.channel.status().connected() {
            self.channel = self.session.throw_away_channel().await?;
        }
        let limit = self.session.operation_timeout();
        within("verify the topology", limit, declared.declare(&self.channel, passive)).await
    }
}
