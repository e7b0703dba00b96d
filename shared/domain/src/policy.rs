//! The choices a shop makes: windows, limits, what needs a person.

mod amounts;
mod book;
mod cancellation;
mod customers;
mod disputes;
mod file;
mod late_money;
mod monitoring;
mod notifications;
mod refund_windows;
mod refunds;
mod reminders;
mod section;
mod unapplied;
mod unpaid;
mod win_rates;
mod windows;

use std::time::Duration;

/// A policy file that states and explains every default.
pub const TEMPLATE: &str = include_str!("../../../ops/policies/default.toml");

pub use amounts::AmountLimits;
pub use book::PolicyBook;
pub use cancellation::{CancellationPolicy, PaidCancellation};
pub use customers::{CountLimit, FlagPolicy, RatioLimit};
pub use disputes::{AnswerClock, DisputePolicy, EvidenceStep};
pub use file::{Overrides, PolicyFile, PolicyFileError, PolicyProblem};
pub use late_money::{LateMoneyChoice, LateMoneyPolicy};
pub use monitoring::{Measure, MerchantFigures, MonitoringPolicy, Share, Standing};
pub use notifications::NotificationPolicy;
pub use refund_windows::RefundWindows;
pub use refunds::{RefundPatience, RefundPolicy};
pub use reminders::{QuietHours, ReminderPoint, Reminders};
pub use unapplied::UnappliedPolicy;
pub use unpaid::{Incident, UnpaidPolicy, UnpaidVerdict};
pub use win_rates::WinRates;
pub use windows::Windows;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Longest time that any choice may be.
const LONGEST: Duration = Duration::from_hours(24 * 3660);

/// A time as it is written in the file, such as `1h 30m`.
pub fn written(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// Every choice that holds for one order, with defaults from the field (the systems named at each).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// How long an order waits for its money, by method (case 18).
    pub windows: Windows,
    /// When buyers are reminded.
    pub reminders: Reminders,
    /// Longest time that expiry waits for a payment under way (case 6); Woo's complaint 3.
    pub max_hold: Duration,
    /// How often a held order is looked at again.
    pub hold_interval: Duration,
    /// How long an event waits for its parent; the same for everyone.
    pub park_ttl: Duration,
    /// How long a dispute waits for its payment, from its own time; the same for everyone.
    pub disputed_payment_wait: Duration,
    /// How far a sender's clock may be ahead of ours (case 14); the same for everyone.
    pub max_skew: Duration,
    /// How long an order created after its own deadline waits for its parked payments (case 20);
    /// the same for everyone.
    pub drain_grace: Duration,
    /// What becomes of money that came late, or is a little short.
    pub late_money: LateMoneyPolicy,
    /// How paid orders end before they are shipped.
    pub cancellation: CancellationPolicy,
    /// When refunds are made without a person.
    pub refunds: RefundPolicy,
    /// How disputes are answered.
    pub disputes: DisputePolicy,
    /// Of what people are told.
    pub notifications: NotificationPolicy,
    /// When customers are flagged.
    pub flags: FlagPolicy,
    /// What becomes of customers whose orders expire unpaid.
    pub unpaid: UnpaidPolicy,
    /// How long money that fits no order is kept.
    pub unapplied: UnappliedPolicy,
    /// What is watched of merchants.
    pub monitoring: MonitoringPolicy,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            windows: Windows::default(),
            reminders: Reminders::default(),
            max_hold: 30 * MINUTE,
            hold_interval: 5 * MINUTE,
            park_ttl: 30 * MINUTE,
            disputed_payment_wait: 180 * DAY,
            max_skew: 5 * MINUTE,
            drain_grace: Duration::from_secs(30),
            late_money: LateMoneyPolicy::default(),
            cancellation: CancellationPolicy::default(),
            refunds: RefundPolicy::default(),
            disputes: DisputePolicy::default(),
            notifications: NotificationPolicy::default(),
            flags: FlagPolicy::default(),
            unpaid: UnpaidPolicy::default(),
            unapplied: UnappliedPolicy::default(),
            monitoring: MonitoringPolicy::default(),
        }
    }
}
