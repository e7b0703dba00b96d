//! Orders that stay open, for the whole test or for seconds.

use testkit::shop::{ShopEvent, order_created, order_id};

/// An order over EUR 100.00 that stays open for the whole test.
pub fn open_order(number: u32) -> ShopEvent {
    order_created(order_id(number)).with("expires_at", "2098-01-01T00:00:00Z")
}

/// An order placed now, with a payment window of so many seconds.
pub fn short_order(number: u32, window_s: u32) -> ShopEvent {
    order_created(order_id(number))
        .with("placed_at", runtime::now().to_string())
        .with("payment_window_s", window_s)
}
