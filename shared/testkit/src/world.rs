//! One order's life in memory, for tests of pure rules: events in, state and messages out.

mod books;
mod rows;

use contracts::Envelope;
use contracts::events::OrderEvent;
use domain::ledger::{Account, JournalCode, Leg, Transfer};
use domain::message::Message;
use domain::order::{Order, OrderStatus};
use domain::payment::{AttemptStatus, Classification};
use domain::unapplied::UnappliedTransfer;
use domain::{Changes, Decision, Draft, Moment, MoneyId, OrderState, Rules, Timestamp};

use crate::shop::{self, ShopEvent, at};

/// An order, a clock, and everything sent so far.
#[derive(Clone, Debug)]
pub struct World {
    /// The order as it stands.
    pub state: OrderState,
    /// The database's clock.
    pub now: Timestamp,
    /// Every message sent so far.
    pub sent: Vec<Message>,
    /// Net debits per account, every transfer so far added up.
    transfers: Vec<Transfer>,
    /// Every transfer of money that fits no order, but the one that its row is written with.
    unapplied_transfers: Vec<UnappliedTransfer>,
    /// How often [`World::write`] was used.
    writes: u32,
}

impl Default for World {
    /// Nothing has happened; it is 12:00 on 1 March 2026.
    fn default() -> Self {
        let now = at("12:00:00");
        Self {
            state: OrderState::default(),
            now,
            sent: Vec::new(),
            transfers: Vec::new(),
            unapplied_transfers: Vec::new(),
            writes: 0,
        }
    }
}

impl World {
    /// Sets the clock, such as `"12:30:00"`.
    pub fn clock(&mut self, time: &str) -> &mut Self {
        self.now = at(time);
        self
    }

    /// Lets rules decide an event and applies what they say.
    pub fn handle<R: Rules>(&mut self, rules: &R, event: &ShopEvent) -> Decision {
        self.handle_at(rules, event, Moment { now: self.now, parked_until: None })
    }

    /// As [`World::handle`], for an event that was parked.
    pub fn handle_at<R: Rules>(
        &mut self,
        rules: &R,
        event: &ShopEvent,
        moment: Moment,
    ) -> Decision {
        let decision = rules.decide(&self.state, &event.decoded(), moment);
        self.apply(&decision.changes);
        decision
    }

    fn apply(&mut self, changes: &Changes) {
        self.state.apply(changes);
        self.sent.extend(changes.messages.iter().cloned());
        self.transfers.extend(changes.transfers.iter().cloned());
        self.unapplied_transfers.extend(changes.unapplied_transfers.iter().cloned());
        for line in &changes.history {
            assert!(line.change.is_legal(), "illegal change {:?}", line.change);
        }
    }

    /// Writes to the order what another worker would write.
    pub fn write(&mut self, steps: impl FnOnce(&mut Draft)) -> &mut Self {
        self.writes += 1;
        let cause: Envelope<OrderEvent> =
            shop::order_created(shop::order_id(1)).id(&format!("write-{}", self.writes)).decoded();
        let mut draft = Draft::new(&self.state, &cause, self.now);
        steps(&mut draft);
        let changes = draft.finish();
        self.apply(&changes);
        self
    }

    /// The order [`shop::order_id`]`(1)`, placed at 12:00 and still to be paid.
    pub fn pending_order(total_minor: i64) -> Self {
        let mut world = Self::default();
        world.write(|draft| draft.put_order(rows::pending_order(total_minor), None));
        world
    }

    /// As [`World::pending_order`], paid at 12:10 by attempts 1, 2, ... with these captures.
    pub fn paid_order(captures: &[i64]) -> Self {
        let mut world = Self::pending_order(captures.iter().sum());
        world.clock("12:10:00");
        for (number, amount_minor) in (1..).zip(captures) {
            world.capture(number, *amount_minor, Classification::Normal);
        }
        world.write(|draft| {
            let order = draft.state().order.clone().expect("it was placed");
            let (status, paid_at) = (OrderStatus::Paid, Some(draft.now()));
            draft.put_order(Order { status, paid_at, ..order }, None);
        });
        world
    }

    /// Adds an attempt, begun as many minutes after 12:00 as its number says.
    pub fn attempt(&mut self, number: u32, amount_minor: i64, status: AttemptStatus) -> &mut Self {
        self.write(|draft| draft.put_attempt(rows::attempt(number, amount_minor, status), None))
    }

    /// Adds a captured attempt; what does not pay the order is in suspense, without a refund.
    pub fn capture(
        &mut self,
        number: u32,
        amount_minor: i64,
        classification: Classification,
    ) -> &mut Self {
        self.attempt(number, amount_minor, AttemptStatus::Captured);
        let capture = rows::capture(number, amount_minor, classification);
        let pays = !capture.applied.is_zero();
        let leg = Leg {
            code: JournalCode::Capture,
            debit: Account::PspReceivable,
            credit: if pays { Account::CustomerFunds } else { Account::Suspense },
            amount: capture.amount,
        };
        self.write(|draft| {
            draft.post(capture.reference(), [leg]);
            draft.put_capture(capture);
        })
    }

    /// The names of all messages sent so far, in order.
    pub fn sent_names(&self) -> Vec<&'static str> {
        self.sent.iter().map(|message| message.body.name()).collect()
    }

    /// How many messages of this name were sent.
    pub fn sent_count(&self, name: &str) -> usize {
        self.sent.iter().filter(|message| message.body.name() == name).count()
    }

    /// What was debited to an account beyond what was credited, in minor units.
    pub fn balance(&self, account: Account) -> i64 {
        net_debits(self.transfers.iter(), account)
    }

    /// What was debited to an account of money that fits no order, beyond what was credited.
    ///
    /// # Panics
    /// When there is no such money, or its ledger has not as many transfers as its row says.
    pub fn unapplied_balance(&self, id: MoneyId, account: Account) -> i64 {
        let money = self.state.unapplied(id).expect("the money is there");
        let own = self.unapplied_transfers.iter().filter(|it| it.money == id);
        let own: Vec<&Transfer> = own.map(|it| &it.transfer).collect();
        let numbers: Vec<i32> = own.iter().map(|transfer| transfer.seq).collect();
        assert_eq!(numbers, (2..=money.ledger_len).collect::<Vec<_>>());
        let booked = money.amount.minor();
        let begun = match account {
            Account::PspReceivable => booked,
            Account::Suspense => -booked,
            Account::DisputesReceivable
            | Account::CustomerFunds
            | Account::RefundsPayable
            | Account::DisputeLosses
            | Account::DisputeFees => 0,
        };
        begun + net_debits(own.into_iter(), account)
    }

    /// Checks that the ledger says what the rows say, for an order whose captures all stayed.
    ///
    /// # Panics
    /// When an account's balance does not follow from the rows.
    pub fn check_books(&self) {
        for (account, expected) in books::expected(&self.state) {
            assert_eq!(self.balance(account), expected, "{account}");
        }
    }
}

fn net_debits<'a>(transfers: impl Iterator<Item = &'a Transfer>, account: Account) -> i64 {
    transfers.fold(0, |sum, transfer| {
        let debit = i64::from(transfer.debit == account) * transfer.amount.minor();
        let credit = i64::from(transfer.credit == account) * transfer.amount.minor();
        sum + debit - credit
    })
}

#[cfg(test)]
mod tests {
    use domain::ledger::{JournalCode, Leg};
    use domain::{Currency, Money};

    use super::*;

    #[test]
    fn a_decision_that_only_moves_money_is_a_new_version_of_its_order() {
        let mut world = World::paid_order(&[100]);
        let version = |world: &World| world.state.order.as_ref().map(|order| order.version);
        let before = version(&world).expect("it was placed");
        let euro: Currency = "EUR".parse().expect("it is a currency");
        let fee = Leg {
            code: JournalCode::DisputeFee,
            debit: Account::DisputeFees,
            credit: Account::PspReceivable,
            amount: Money::new(1, euro).expect("it is an amount"),
        };
        world.write(|draft| draft.post("fee", [fee]));
        assert_eq!(version(&world), Some(before + 1));
    }
}
