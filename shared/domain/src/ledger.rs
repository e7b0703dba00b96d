//! The ledger: every movement of money as one balanced row.
//!
//! As in TigerBeetle a row is a transfer from one account to another, so that no journal can be
//! unbalanced; corrections are new transfers, never edits.

use contracts::{Money, Timestamp};

use crate::status::named;

named! {
    /// An account, per order and currency.
    pub enum Account {
        /// What payment providers owe us.
        PspReceivable = "psp_receivable",
        /// What is at stake in disputes.
        DisputesReceivable = "disputes_receivable",
        /// What buyers paid for their orders.
        CustomerFunds = "customer_funds",
        /// Money that must not be kept: late, duplicate, excess, unknown.
        Suspense = "suspense",
        /// What is promised back to buyers.
        RefundsPayable = "refunds_payable",
        /// What disputes and failed captures cost us beyond the buyer's funds.
        DisputeLosses = "dispute_losses",
        /// What providers charge for disputes.
        DisputeFees = "dispute_fees",
    }
}

named! {
    /// What a transfer records.
    pub enum JournalCode {
        /// A provider took money for us.
        Capture = "capture",
        /// A capture failed after all (case 50).
        CaptureReversed = "capture_reversed",
        /// A refund was approved and its money set aside.
        RefundReserved = "refund_reserved",
        /// A refund came to nothing and its money is free again (case 63).
        RefundReleased = "refund_released",
        /// A refund reached the buyer.
        RefundSettled = "refund_settled",
        /// A refund that had reached the buyer came back (case 64).
        RefundReversed = "refund_reversed",
        /// A chargeback took money.
        DisputeOpened = "dispute_opened",
        /// A provider charged for a dispute.
        DisputeFee = "dispute_fee",
        /// A dispute was decided for us and the money came back.
        DisputeWon = "dispute_won",
        /// A dispute was decided for the buyer.
        DisputeLost = "dispute_lost",
        /// A decision was reversed (case 77).
        DisputeLossReversed = "dispute_loss_reversed",
        /// Money that came late pays its order after all (case 87).
        Reinstated = "reinstated",
        /// Money that fitted no order is in the ledger of one now.
        UnappliedApplied = "unapplied_applied",
        /// Money that fitted no order is not with its provider after all.
        UnappliedWrittenOff = "unapplied_written_off",
    }
}

/// One movement of money; `amount` is above zero and the accounts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its place in its ledger, from 1.
    pub seq: i32,
    /// The first `seq` of the same cause: transfers of one cause share it.
    pub journal: i32,
    /// What it records.
    pub code: JournalCode,
    /// What it is about, in the database's terms: a capture, refund or dispute.
    pub reference: String,
    /// The account that is debited.
    pub debit: Account,
    /// The account that is credited.
    pub credit: Account,
    /// How much.
    pub amount: Money,
    /// When it was recorded, by the database's clock.
    pub at: Timestamp,
}

/// One leg of a journal, before it has a place in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What it records.
    pub code: JournalCode,
    /// The account that is debited.
    pub debit: Account,
    /// The account that is credited.
    pub credit: Account,
    /// How much; a leg of nothing is left out.
    pub amount: Money,
}
