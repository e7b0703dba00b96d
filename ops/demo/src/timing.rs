//! How fast the motion is: what takes minutes or days in a shop takes seconds here.

use std::time::Duration;

/// How long an event waits for its order, payment or dispute.
pub const PARK_TTL: Duration = Duration::from_secs(15);
/// How long an expiry waits for a payment under way.
pub const MAX_HOLD: Duration = Duration::from_secs(12);
/// How often an order that waits so is looked at again.
pub const HOLD_INTERVAL: Duration = Duration::from_secs(4);
/// Least time between two reminders, and between one and the ends of its payment window.
pub const REMINDER_MIN_GAP: Duration = Duration::from_secs(1);
/// How long after its due time a timer that did not come back is fired directly.
pub const TIMER_GRACE: Duration = Duration::from_secs(6);
/// Tries of a message whose worker panics.
pub const RETRY_ATTEMPTS: u32 = 3;
/// Wait of such a message after its first failure, give or take a fifth; doubles with each one.
pub const RETRY_BASE: Duration = Duration::from_secs(1);

/// The variables by which the workers learn of it.
pub fn variables() -> Vec<(&'static str, String)> {
    let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
    vec![
        ("ORDERFLOW_PARK_TTL", milliseconds(PARK_TTL)),
        ("ORDERFLOW_MAX_HOLD", milliseconds(MAX_HOLD)),
        ("ORDERFLOW_HOLD_INTERVAL", milliseconds(HOLD_INTERVAL)),
        ("ORDERFLOW_REMINDER_MIN_GAP", milliseconds(REMINDER_MIN_GAP)),
        ("ORDERFLOW_TIMER_GRACE", milliseconds(TIMER_GRACE)),
        ("ORDERFLOW_RETRY_ATTEMPTS", RETRY_ATTEMPTS.to_string()),
        ("ORDERFLOW_RETRY_BASE", milliseconds(RETRY_BASE)),
    ]
}
