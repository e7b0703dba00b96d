//! What two lives of one history are compared by.

use std::collections::BTreeMap;

use domain::history::position_name;
use domain::ledger::Account;
use domain::order::OrderStatus;
use domain::payment::{Attempt, AttemptStatus};
use domain::refund::RefundStatus;
use domain::{OrderState, Status};

use super::fact::{Cause, Scene};

/// How often something was announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) paid: u32,
    pub(crate) closed: u32,
    pub(crate) reinstated: u32,
    pub(crate) released: u32,
}

impl Announced {
    /// Counts a message by its name.
    pub(crate) fn hear(&mut self, name: &str) {
        match name {
            "order.paid" => self.paid += 1,
            "order.reinstated" => self.reinstated += 1,
            "order.expired" | "order.cancelled" => self.closed += 1,
            "inventory.release_requested" => self.released += 1,
            _ => {}
        }
    }
}

/// Where an attempt stands, and how much was authorised.
///
/// Whether more captures may follow is left out: an authorisation that is told after its first
/// capture leaves the status alone (case 36), one told before leaves it open. So are the amount,
/// which is what the first report says until captures exceed it, and the times.
pub(crate) type Standing = (&'static str, i64);

/// A capture's amount, and whether it is still ours.
pub(crate) type Captured = (i64, bool);

/// A dispute's position and amount.
pub(crate) type Disputed = (&'static str, i64);

/// What was captured: the same whatever else happens.
pub(crate) fn captures(scene: Scene, state: &OrderState) -> BTreeMap<(u32, String), Captured> {
    let captured = state.captures.iter().map(|capture| {
        let attempt = scene.attempt_number(capture.attempt_id);
        // A capture without a reference of its own has its attempt's.
        let part = capture.capture_ref.as_str().strip_prefix("c-").unwrap_or_default();
        ((attempt, part.to_owned()), (capture.amount.minor(), capture.is_live()))
    });
    captured.collect()
}

/// Where every attempt stands.
pub(crate) fn attempts(scene: Scene, state: &OrderState) -> BTreeMap<u32, Standing> {
    let standing = |attempt: &Attempt| (standing(attempt.status), attempt.authorized.minor());
    let number = |attempt: &Attempt| scene.attempt_number(attempt.id);
    state.attempts.iter().map(|attempt| (number(attempt), standing(attempt))).collect()
}

fn standing(status: AttemptStatus) -> &'static str {
    if status == AttemptStatus::PartiallyCaptured {
        AttemptStatus::Captured.name()
    } else {
        status.name()
    }
}

/// Where every dispute stands.
pub(crate) fn disputes(scene: Scene, state: &OrderState) -> BTreeMap<u32, Disputed> {
    let disputes = state.disputes.iter().map(|dispute| {
        let number = scene.dispute_number(dispute.id);
        (number, (position_name(dispute.position), dispute.amount.minor()))
    });
    disputes.collect()
}

/// Everything that must not depend on the order of arrival where nothing competes for money.
///
/// Which of several captures pays the order, and which one is too much, is first come, first
/// served; so is how a wish is spread over attempts. What they come to together is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    order: OrderStatus,
    attempts: BTreeMap<u32, Standing>,
    captures: BTreeMap<(u32, String), Captured>,
    disputes: BTreeMap<u32, Disputed>,
    /// Refunds by their cause and status: how much.
    refunds: BTreeMap<(Cause, RefundStatus), i64>,
    /// What is in the books, account by account; what no account has moved is left out.
    balances: BTreeMap<Account, i64>,
    fees: i64,
    losses: i64,
    announced: Announced,
}

impl Picture {
    /// The picture of an order's rows, its books, and what was announced of it.
    ///
    /// Of an order that is called off, some captures came before and some after: the buyer's funds
    /// and suspense count as one account then, and it may have been paid in between.
    pub(crate) fn new(
        scene: Scene,
        state: &OrderState,
        balance: impl Fn(Account) -> i64,
        announced: Announced,
        called_off: bool,
    ) -> Self {
        let order = state.order.as_ref().expect("every history places its order");
        let mut balances: BTreeMap<Account, i64> = BTreeMap::new();
        for account in Account::ALL {
            let merged = called_off && *account == Account::Suspense;
            let counted = if merged { Account::CustomerFunds } else { *account };
            *balances.entry(counted).or_default() += balance(*account);
        }
        balances.retain(|_, balance| *balance != 0);
        Self {
            order: order.status,
            attempts: attempts(scene, state),
            captures: captures(scene, state),
            disputes: disputes(scene, state),
            refunds: refunds(state),
            balances,
            fees: state.disputes.iter().map(|dispute| dispute.fee.minor()).sum(),
            losses: state.disputes.iter().map(|dispute| dispute.loss.minor()).sum(),
            announced: if called_off { Announced { paid: 0, ..announced } } else { announced },
        }
    }
}

fn refunds(state: &OrderState) -> BTreeMap<(Cause, RefundStatus), i64> {
    let mut refunds = BTreeMap::new();
    for refund in state.refunds.iter().filter(|r| r.status != RefundStatus::Rejected) {
        let sum = refunds.entry((Cause::of(refund), refund.status)).or_default();
        *sum += refund.amount.minor();
    }
    refunds
}
