//! Of what a decision people are told, in whose language, and whether they may be.
//!
//! Rules do not speak of notifications: what is told follows from the announcements and the
//! changes of status that a decision makes, by what the shop chose to have sent. So no shop pays
//! for what it did not choose, and no rule can forget to tell.

mod occasions;

use contracts::{IdSource, Timestamp, Token};
use guidance::consent::{Consent, Recipient, Suppression, may_send};
use guidance::{Audience, Notification, Purpose, Zone};
use serde::Serialize;

use crate::changes::Changes;
use crate::decision::OutcomeCode;
use crate::judgement::{Judgement, PolicyKind};
use crate::message::{Body, Message};
use crate::order::Order;
use crate::policy::PolicyBook;
use crate::state::OrderState;

pub use occasions::SENDABLE;

/// A notification as the shop's mailer sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Which template, such as `payment-reminder`.
    pub template_id: &'static str,
    /// The locale of the template, which may be more general than the order's.
    pub locale: String,
    /// Who reads it.
    pub audience: Audience,
    /// The reader: the customer's pseudonym, or the merchant's id.
    pub recipient: Token<64>,
    /// What it is for.
    pub purpose: Purpose,
    /// The ways it takes, by names that the shop's mailer knows.
    pub channels: Vec<Token<32>>,
    /// A line for a subject or a heading.
    pub subject: String,
    /// The whole of it, in paragraphs of plain text.
    pub text: String,
    /// The whole of it in one line of plain text.
    pub text_alternative: String,
    /// What the template was filled with, as data.
    pub params: Notification,
    /// When it holds no longer: it is not sent after that.
    pub not_after: Option<Timestamp>,
    /// Whether it asks for money, and is not sent once its order is paid or closed.
    #[serde(skip)]
    pub while_unpaid: bool,
}

/// What a decision gives reason to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    order: Order,
    occasions: Vec<Occasion>,
}

impl Wanted {
    /// Whose consent must be known before it is told; nobody's when only merchants read it.
    pub fn customer(&self) -> Option<&Token<64>> {
        let of_customer = |it: &Occasion| it.notification.audience() == Audience::Customer;
        self.occasions.iter().any(of_customer).then_some(&self.order.customer_ref)
    }
}

/// Something to tell, and until when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Occasion {
    notification: Notification,
    not_after: Option<Timestamp>,
    /// Whether it asks for money that may come before it is sent.
    while_unpaid: bool,
}

/// What is known of a customer when a message to them is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// Whether their personal data were erased.
    pub erased: bool,
    /// When they last took back their consent to advertising.
    pub marketing_withdrawn_at: Option<Timestamp>,
    /// When they last took back their consent to reminders.
    pub recovery_withdrawn_at: Option<Timestamp>,
}

impl Reader {
    /// What counts for a purpose; who wants no advertising wants no reminders either.
    fn recipient(&self, order: &Order, purpose: Purpose) -> Recipient {
        let given = order.consent.as_ref().and_then(|consent| {
            let agreed = match purpose {
                Purpose::Transactional | Purpose::Marketing => consent.marketing,
                Purpose::RecoveryReminder => consent.recovery.unwrap_or(consent.marketing),
            };
            agreed.then_some(consent.at)
        });
        let withdrawn_at = match purpose {
            Purpose::Transactional | Purpose::Marketing => self.marketing_withdrawn_at,
            Purpose::RecoveryReminder => {
                self.recovery_withdrawn_at.max(self.marketing_withdrawn_at)
            }
        };
        let consent = given.map(|granted_at| Consent { granted_at, withdrawn_at });
        Recipient { erased: self.erased, consent }
    }
}

/// What these changes give reason to tell, of what the shop has sent; `state` is as they left it.
pub fn wanted(book: &PolicyBook, state: &OrderState, changes: &Changes) -> Option<Wanted> {
    let order = state.order.as_ref()?;
    let policies = book.for_order(order);
    if policies.notifications.send.is_empty() {
        return None;
    }
    let occasions = occasions::of(policies, state, order, changes);
    (!occasions.is_empty()).then(|| Wanted { order: order.clone(), occasions })
}

/// Requests each notification that may be sent now, and records why another one may not.
///
/// `reader` is what is known of the customer at this moment, and `ids` are for these messages only.
pub fn request(
    book: &PolicyBook,
    wanted: &Wanted,
    reader: &Reader,
    now: Timestamp,
    ids: &mut IdSource,
    changes: &mut Changes,
) {
    let order = &wanted.order;
    for occasion in &wanted.occasions {
        match refusal(occasion, order, reader, now) {
            None => {
                let notice = Box::new(rendered(book, order, occasion));
                let body = Body::NotificationRequested { order_id: order.id, notice };
                changes.messages.push(Message {
                    id: ids.next_id(),
                    order_id: order.id,
                    at: now,
                    body,
                });
            }
            Some(verdict) => {
                let judgement = suppressed(book, occasion, reader, verdict, now);
                changes.judgements.push(judgement);
            }
        }
    }
}

fn refusal(
    occasion: &Occasion,
    order: &Order,
    reader: &Reader,
    now: Timestamp,
) -> Option<OutcomeCode> {
    if occasion.not_after.is_some_and(|not_after| not_after <= now) {
        return Some(OutcomeCode::NotificationOutdated);
    }
    match occasion.notification.audience() {
        Audience::Merchant => None,
        Audience::Customer => {
            let purpose = occasion.notification.purpose();
            may_send(purpose, &reader.recipient(order, purpose)).err().map(code)
        }
    }
}

fn code(suppression: Suppression) -> OutcomeCode {
    match suppression {
        Suppression::RecipientErased => OutcomeCode::RecipientErased,
        Suppression::ConsentMissing => OutcomeCode::ConsentMissing,
        Suppression::ConsentWithdrawn => OutcomeCode::ConsentWithdrawn,
    }
}

fn rendered(book: &PolicyBook, order: &Order, occasion: &Occasion) -> Notice {
    let policies = book.for_order(order);
    let zone = policies.reminders.zone.iana_name().and_then(|name| name.parse().ok());
    let zone = zone.unwrap_or_else(Zone::utc);
    let locale = match occasion.notification.audience() {
        Audience::Customer => order.locale.as_ref().map(Token::as_str),
        Audience::Merchant => Some(policies.notifications.merchant_locale.as_str()),
    };
    let rendered = book.texts().render(&occasion.notification, locale, &zone);
    let recipient = match rendered.audience {
        Audience::Customer => order.customer_ref.clone(),
        Audience::Merchant => order.merchant_id.clone(),
    };
    Notice {
        template_id: rendered.template_id,
        locale: rendered.locale,
        audience: rendered.audience,
        recipient,
        purpose: rendered.purpose,
        channels: policies.notifications.channels.clone(),
        subject: rendered.title,
        text: rendered.text,
        text_alternative: rendered.text_alternative,
        params: rendered.params,
        not_after: occasion.not_after,
        while_unpaid: occasion.while_unpaid,
    }
}

fn suppressed(
    book: &PolicyBook,
    occasion: &Occasion,
    reader: &Reader,
    verdict: OutcomeCode,
    now: Timestamp,
) -> Judgement {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let inputs = vec![
        ("template", occasion.notification.template_id().to_owned()),
        ("not_after", time(occasion.not_after)),
        ("erased", reader.erased.to_string()),
        ("marketing_withdrawn_at", time(reader.marketing_withdrawn_at)),
        ("recovery_withdrawn_at", time(reader.recovery_withdrawn_at)),
    ];
    let (policy, version) = (PolicyKind::Notification, book.version().clone());
    Judgement { policy, verdict, version, inputs, at: now }
}

#[cfg(test)]
mod tests;
