//! How an order ends, and what follows from it, for each way of arriving by itself.

use contracts::events::{PaymentOutcome, RefundResult};
use domain::Money;
use domain::order::OrderStatus;
use domain::refund::Refund;
use proptest::test_runner::TestCaseError;

use crate::convergence::fact::{Cause, Fact};
use crate::convergence::history::Told;
use crate::convergence::life::Life;

/// What of a history decides how its order may end, and where its money may be then.
#[derive(Clone, Copy, Debug, Default)]
struct Competitors {
    called_off: bool,
    /// Whether captures or refunds fail, or a dispute takes money.
    money_moves: bool,
}

impl Competitors {
    fn of(history: &[Told]) -> Self {
        history.iter().fold(Self::default(), |all, told| {
            let moves = match &told.fact {
                Fact::Placed { .. } | Fact::Wish(_) | Fact::Evidence { .. } | Fact::Stock(_) => {
                    false
                }
                Fact::CalledOff => return Self { called_off: true, ..all },
                Fact::Payment(payment) => payment.outcome == PaymentOutcome::CaptureFailed,
                Fact::Opened(_) | Fact::Moved(_) => true,
                Fact::Refunded { result, .. } => is_bad(*result),
            };
            Self { money_moves: all.money_moves || moves, ..all }
        })
    }
}

fn is_bad(result: RefundResult) -> bool {
    match result {
        RefundResult::Submitted | RefundResult::RequiresAction | RefundResult::Succeeded => false,
        RefundResult::Failed | RefundResult::Cancelled | RefundResult::Reversed => true,
    }
}

/// The order ended as one of its events allows, once, and its money went where that sends it.
pub(super) fn check(life: &Life, history: &[Told]) -> Result<(), TestCaseError> {
    let all = Competitors::of(history);
    let order = life.record.state.order.as_ref().expect("every history places its order");
    let announced = life.announced;
    let (paid, closed) = match order.status {
        OrderStatus::PendingPayment => return fail(life, "it still waits for its money"),
        // What was reinstated was closed before.
        OrderStatus::Paid => (1, announced.reinstated),
        OrderStatus::Cancelled if !all.called_off => return fail(life, "nobody called it off"),
        OrderStatus::Expired | OrderStatus::Cancelled => (0, 1),
    };
    // Stock that was set aside again for nothing is given back once more.
    let again = announced.released.saturating_sub(closed);
    let ended = (announced.paid, announced.closed) == (paid, closed) && closed <= 1;
    if !ended || announced.released < closed || again > u32::from(paid == 0) {
        return fail(life, "it did not end once");
    }
    if all.money_moves {
        return Ok(());
    }
    money_went_where_it_belongs(life, order.total.minor())
}

/// Of a paid order its total stays, but for wishes and what was accepted to be missing; the rest
/// goes back, of a closed order all.
fn money_went_where_it_belongs(life: &Life, total: i64) -> Result<(), TestCaseError> {
    let state = &life.record.state;
    let sum = |amounts: &mut dyn Iterator<Item = Money>| amounts.map(Money::minor).sum::<i64>();
    let captured = sum(&mut state.captures.iter().map(|capture| capture.amount));
    let of = |is_own: bool| {
        let holding = state.refunds.iter().filter(|refund| refund.status.holds_money());
        let counted = |refund: &&Refund| (Cause::of(refund) == Cause::Own) == is_own;
        sum(&mut holding.filter(counted).map(|refund| refund.amount))
    };
    let (own, wished) = (of(true), of(false));
    let paid = state.order.as_ref().is_some_and(|order| order.status == OrderStatus::Paid);
    let as_it_should = if paid {
        let shortfall = state.order.as_ref().and_then(|order| order.shortfall);
        // What came late before the money that reinstated the order had gone back already, and
        // fills no gap that was accepted later.
        let least = total - shortfall.map_or(0, Money::minor);
        (least..=total).contains(&(captured - own)) && wished <= total
    } else {
        own + wished == captured
    };
    if as_it_should {
        return Ok(());
    }
    let sums = format!("of {captured} captured, {own} went back by itself and {wished} on a wish");
    fail(life, &sums)
}

fn fail(life: &Life, why: &str) -> Result<(), TestCaseError> {
    let announced = life.announced;
    Err(TestCaseError::fail(format!("{why}: {announced:?} {:#?}", life.record.state)))
}
