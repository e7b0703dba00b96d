//! How long orders wait for their money.

use std::time::Duration;

use contracts::events::PaymentMethod;

use super::section::Section;
use super::{DAY, HOUR, MINUTE};

/// Shortest window that can be chosen: a buyer has to be able to pay.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest window that can be chosen.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Payment windows by method; seen: yudao 2 h, Woo 60 min, Magento 8 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Cards.
    pub card: Duration,
    /// Wallets.
    pub wallet: Duration,
    /// Bank transfers.
    pub bank_transfer: Duration,
    /// Any other method, and none named.
    pub other: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self { card: 30 * MINUTE, wallet: 30 * MINUTE, bank_transfer: 7 * DAY, other: HOUR }
    }
}

impl Windows {
    /// The window of a method.
    pub fn of(&self, method: Option<PaymentMethod>) -> Duration {
        match method {
            Some(PaymentMethod::Card) => self.card,
            Some(PaymentMethod::Wallet) => self.wallet,
            Some(PaymentMethod::BankTransfer) => self.bank_transfer,
            Some(PaymentMethod::Other) | None => self.other,
        }
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.time("card", SHORTEST..=LONGEST, &mut self.card);
        section.time("wallet", SHORTEST..=LONGEST, &mut self.wallet);
        section.time("bank_transfer", SHORTEST..=LONGEST, &mut self.bank_transfer);
        section.time("other", SHORTEST..=LONGEST, &mut self.other);
    }
}
