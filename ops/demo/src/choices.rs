//! What the shop of the day chooses for itself.

/// The merchant whose late money pays its orders if the stock is still there.
pub const PATIENT_MERCHANT: &str = "m-2";

/// The shop's choices as the workers read them; all others are the defaults.
pub const POLICIES: &str = "\
name = \"demo\"

[events]
# A day of seconds ends before half a year is over.
wait_for_disputed_payment = \"1s\"

[merchant.m-2.late_money]
choice = \"reinstate\"
";
