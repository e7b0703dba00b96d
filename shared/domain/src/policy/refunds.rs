//! When refunds are made without a person, and which are refused.

use std::time::Duration;

use super::section::Section;
use super::{AmountLimits, DAY, HOUR, LONGEST, MINUTE, RefundWindows};
use crate::refund::RefundStatus;

/// How long refunds wait: to be told to their provider, and for what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundPatience {
    /// How long our own refunds are kept back, so that a person may stop them (policy 2).
    pub keep_back: Duration,
    /// Until it says anything at all.
    pub answer_within: Duration,
    /// From its first word to its last one; banks take days.
    pub settle_within: Duration,
}

impl Default for RefundPatience {
    fn default() -> Self {
        Self { keep_back: Duration::ZERO, answer_within: DAY, settle_within: 14 * DAY }
    }
}

impl RefundPatience {
    /// How long its provider may leave a refund as it is; nothing when it is not its turn.
    pub fn of(self, status: RefundStatus) -> Option<Duration> {
        match status {
            RefundStatus::Approved => Some(self.answer_within),
            RefundStatus::Submitted | RefundStatus::RequiresAction => Some(self.settle_within),
            RefundStatus::PendingReview
            | RefundStatus::Succeeded
            | RefundStatus::Failed
            | RefundStatus::Cancelled
            | RefundStatus::Rejected => None,
        }
    }
}

/// When refunds are made without a person, and which are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPolicy {
    /// Refunds of orders paid or delivered longer ago go to review (case 66).
    pub windows: RefundWindows,
    /// Refunds of orders paid longer ago are refused (Hyperswitch: 365 days).
    pub hard_age: Duration,
    /// Refunds above this many minor units go to review.
    pub auto_limit: AmountLimits,
    /// Refunds above this many minor units need two persons.
    pub four_eyes_above: AmountLimits,
    /// How long a person may take to decide before others are told.
    pub review_sla: Duration,
    /// How long a provider may take (case 62).
    pub patience: RefundPatience,
    /// Refunds of one payment beyond this number go to review (Hyperswitch: 10).
    pub max_per_payment: usize,
    /// Refunds of a customer with this many in 90 days go to review.
    pub max_per_customer: i64,
}

impl Default for RefundPolicy {
    fn default() -> Self {
        Self {
            windows: RefundWindows::default(),
            hard_age: 365 * DAY,
            auto_limit: AmountLimits::everywhere(50_000),
            four_eyes_above: AmountLimits::everywhere(500_000),
            review_sla: DAY,
            patience: RefundPatience::default(),
            max_per_payment: 10,
            max_per_customer: 5,
        }
    }
}

impl RefundPolicy {
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        self.windows.overlay(section);
        section.time("hard_age", HOUR..=LONGEST, &mut self.hard_age);
        section.value("auto_limit", |value| self.auto_limit.overlay(value));
        section.value("four_eyes_above", |value| self.four_eyes_above.overlay(value));
        section.time("review_sla", MINUTE..=30 * DAY, &mut self.review_sla);
        section.time("answer_within", MINUTE..=30 * DAY, &mut self.patience.answer_within);
        section.time("settle_within", MINUTE..=90 * DAY, &mut self.patience.settle_within);
        section.count("max_per_payment", 0..=1_000, &mut self.max_per_payment);
        section.count("max_per_customer", 0..=100_000, &mut self.max_per_customer);
        if self.hard_age < self.windows.longest() {
            section.refuse("hard_age", "must be at least as long as every window");
        }
    }
}
