//! The one place where the time of day is read.

use contracts::Timestamp;

/// The time of day by this machine's clock; for measuring, never for deciding.
#[expect(clippy::disallowed_methods, reason = "the one place where the time of day is read")]
pub fn now() -> Timestamp {
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(since_epoch)
}
