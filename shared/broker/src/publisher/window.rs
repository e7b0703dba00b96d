//! One window of publications, and which of them were given back.

use std::{collections::HashMap, future::poll_fn, pin::Pin, task::Poll};

use futures_util::future::{MaybeDone, maybe_done};
use lapin::{Channel, Confirmation, message::BasicReturnMessage, options::BasicPublishOptions};

use crate::{
    Error, Patience,
    message::{Address, Encoded},
    publisher::Outcome,
};

/// The answers to one window and the messages that came back during it.
///
/// The broker returns a message before it confirms it, but the client library attaches returns to
/// confirms by order of arrival, which pipelining shuffles. Over a whole window none is missing,
/// so a message failed exactly if it is among those returned, whichever confirm carried it.
#[derive(Default)]
pub(super) struct Window {
    answers: Vec<(Address, Answer)>,
    returned: HashMap<Address, Outcome>,
}

/// What the confirm of one message said, returns left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Ack,
    Nack,
    TimedOut,
}

impl Window {
    /// Sends all messages, then waits until each is confirmed or the patience is over.
    pub(super) async fn send(
        channel: &Channel,
        messages: Vec<Encoded>,
        mut patience: Patience,
    ) -> Result<Self, Error> {
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            let address = message.address.clone();
            sent.push((address, started(publish(channel, message)).await));
        }
        let mut window = Self::default();
        for (address, mut confirmation) in sent {
            let confirmation = tokio::select! {
                biased;
                () = confirmation.as_mut() => confirmation.as_mut().take_output(),
                over = patience.over() => over.map(|()| None)?,
            };
            window.record(address, confirmation.transpose()?);
        }
        Ok(window)
    }

    fn record(&mut self, address: Address, confirmation: Option<Confirmation>) {
        let (answer, returned) = match confirmation {
            Some(Confirmation::Ack(returned)) => (Answer::Ack, returned),
            Some(Confirmation::Nack(returned)) => (Answer::Nack, returned),
            // Not on a channel in confirm mode; and what is not confirmed is not safe.
            Some(Confirmation::NotRequested) => (Answer::Nack, None),
            None => (Answer::TimedOut, None),
        };
        self.answers.push((address, answer));
        self.returned.extend(returned.as_ref().map(read_return));
    }

    /// Whether every message was answered, so that nothing of this window can come later.
    pub(super) fn is_complete(&self) -> bool {
        self.answers.iter().all(|(_, answer)| *answer != Answer::TimedOut)
    }

    /// What became of each message, in the order they were sent.
    pub(super) fn into_outcomes(self) -> Vec<Outcome> {
        let outcome = |(address, answer)| match (self.returned.get(&address), answer) {
            (Some(returned), _) => returned.clone(),
            (None, Answer::Ack) => Outcome::Confirmed,
            (None, Answer::Nack) => Outcome::Nacked,
            (None, Answer::TimedOut) => Outcome::TimedOut,
        };
        self.answers.into_iter().map(outcome).collect()
    }
}

/// Resolves when the message is confirmed.
async fn publish(channel: &Channel, message: Encoded) -> lapin::Result<Confirmation> {
    let Encoded { address: Address { exchange, routing_key, .. }, properties, body, mandatory } =
        message;
    let options = BasicPublishOptions { mandatory, immediate: false };
    channel.basic_publish(exchange, routing_key, options, &body, properties).await?.await
}

/// Polls a future once: with that, a message takes its place in the line to the broker.
///
/// Waiting here until it is written as well would halve the rate.
async fn started<F: Future>(future: F) -> Pin<Box<MaybeDone<F>>> {
    let mut future = Box::pin(maybe_done(future));
    poll_fn(|context| {
        let (Poll::Ready(()) | Poll::Pending) = future.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
    future
}

fn read_return(returned: &BasicReturnMessage) -> (Address, Outcome) {
    let address = Address {
        message_id: returned.properties.message_id().clone().unwrap_or_default(),
        exchange: returned.exchange.clone(),
        routing_key: returned.routing_key.clone(),
    };
    let text = returned.reply_text.to_string();
    (address, Outcome::Returned { code: returned.reply_code, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(id: &str, key: &str) -> Address {
        Address { message_id: id.into(), exchange: "exchange".into(), routing_key: key.into() }
    }

    #[test]
    fn a_message_failed_exactly_if_it_came_back_whichever_confirm_carried_it() {
        let returned = Outcome::Returned { code: 312, text: "NO_ROUTE".to_owned() };
        let window = Window {
            answers: vec![
                (address("a", "k"), Answer::Ack),
                (address("b", "k"), Answer::Ack),
                (address("b", "other"), Answer::Ack),
            ],
            returned: HashMap::from([(address("b", "k"), returned.clone())]),
        };
        let expected = [Outcome::Confirmed, returned, Outcome::Confirmed];
        assert!(window.is_complete());
        assert_eq!(window.into_outcomes(), expected);
    }

    #[test]
    fn without_a_return_the_confirm_decides() {
        let mut window = Window::default();
        window.record(address("a", "k"), Some(Confirmation::Ack(None)));
        window.record(address("b", "k"), Some(Confirmation::Nack(None)));
        window.record(address("c", "k"), None);
        assert!(!window.is_complete());
        let expected = [Outcome::Confirmed, Outcome::Nacked, Outcome::TimedOut];
        assert_eq!(window.into_outcomes(), expected);
    }
}
