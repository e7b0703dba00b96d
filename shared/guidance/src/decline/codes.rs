//! The decline codes of the field.
//!
//! Stripe's decline codes, and the response codes of ISO 8583 as Visa and Mastercard use them.
//! Where the two networks mean different things by a code, the one with fewer tries is taken.

use std::time::Duration;

use super::Category::{Authentication, Fraud, Hard, Soft, Technical};
use super::CustomerMessage::{
    CheckDetails, CheckFunds, Confirm, Generic, OtherMethod, TryAgain, TryLater,
};
use super::{Category, CustomerMessage, Guidance, Retry};

/// Codes that mean the same.
type Line = (&'static [&'static str], Category, Retry, CustomerMessage, &'static str);

const NOW: Retry = Retry::Now;
const NEVER: Retry = Retry::Never;
const SOON: Retry = Retry::After(Duration::from_mins(5));
const HOUR: Retry = Retry::After(Duration::from_hours(1));
const DAY: Retry = Retry::After(Duration::from_hours(24));

#[rustfmt::skip]
const TABLE: &[Line] = &[
    // The bank says no without a reason.
    (&["card_declined", "generic_decline", "do_not_honor", "no_action_taken", "05", "21", "85"],
        Soft, HOUR, Generic,
        "The bank declined without a reason. Only the bank can tell the customer why."),
    (&["call_issuer", "01", "02"],
        Soft, HOUR, Generic,
        "The bank wants to be called. The customer should call it before another try."),
    (&["approve_with_id", "reenter_transaction", "19"],
        Soft, NOW, TryAgain,
        "The bank asks for the same payment again. If it is declined again, the customer should \
         call the bank."),

    // Money and limits.
    (&["insufficient_funds", "51"],
        Soft, DAY, CheckFunds,
        "There is not enough money on the account. Another method works at once."),
    (&["card_velocity_exceeded", "withdrawal_count_limit_exceeded", "61"],
        Soft, DAY, CheckFunds,
        "A limit of amount or number is used up. It usually starts anew the next day, or the bank \
         raises it."),
    (&["65"],
        Soft, DAY, CheckFunds,
        "A limit of number is used up. In Europe, Mastercard's banks also mean that the customer \
         must confirm the payment: offer a payment with confirmation."),

    // What was typed in.
    (&["incorrect_number", "invalid_number", "invalid_account", "14", "15", "78"],
        Hard, NOW, CheckDetails,
        "The number is no card's, or the account is not in use. The customer should check it or \
         use another card."),
    (&["incorrect_cvc", "invalid_cvc", "N7"],
        Soft, NOW, CheckDetails,
        "The security code is wrong. Several wrong ones in a row may block the card."),
    (&["expired_card", "invalid_expiry_month", "invalid_expiry_year", "33", "54"],
        Hard, NOW, CheckDetails,
        "The card has expired, or its date was mistyped. A renewed card has a new date."),
    (&["incorrect_zip", "incorrect_address"],
        Soft, NOW, CheckDetails,
        "The address is not the one that the bank has. The customer should give the one on the \
         bank's letters."),
    (&["incorrect_pin", "invalid_pin", "55", "86"],
        Soft, NOW, CheckDetails,
        "The PIN is wrong. After the third wrong one the card is blocked for PINs."),
    (&["new_account_information_available"],
        Hard, NOW, CheckDetails,
        "The card was replaced. The customer should type in the new one."),

    // Confirmation by the customer.
    (&["authentication_required", "1A", "70"],
        Authentication, NOW, Confirm,
        "The bank wants the customer to confirm (3-D Secure). Offer a payment with confirmation; \
         without it every try is declined."),
    (&["authentication_failed", "authentication_not_handled",
       "payment_intent_authentication_failure"],
        Authentication, NOW, Confirm,
        "The customer did not finish the confirmation, or failed it. Another try asks again."),
    (&["offline_pin_required", "online_or_offline_pin_required"],
        Authentication, NOW, OtherMethod,
        "The card wants a PIN at a terminal, which a shop on the internet has none of."),

    // What the card cannot do.
    (&["card_not_supported", "currency_not_supported", "not_permitted", "service_not_allowed",
       "transaction_not_allowed", "57", "58", "62", "5C", "9G"],
        Hard, NEVER, OtherMethod,
        "The card is not allowed for this kind of payment, country or currency. The bank can allow \
         it; another method works at once."),
    (&["pin_try_exceeded", "75"],
        Hard, NEVER, OtherMethod,
        "Too many wrong PINs: the bank has blocked them. Only the bank can unblock the card."),
    (&["39", "46", "52", "53"],
        Hard, NEVER, OtherMethod,
        "The account is closed, or is not of the kind that the payment needs."),
    (&["revocation_of_all_authorizations", "revocation_of_authorization", "stop_payment_order",
       "R0", "R1", "R3"],
        Hard, NEVER, OtherMethod,
        "The customer told the bank to stop payments to this merchant. Do not try again: networks \
         fine it. Ask whether the order is still wanted."),
    (&["do_not_try_again", "79", "82"],
        Hard, NEVER, OtherMethod,
        "The bank will not approve this card again. Do not try again: networks fine it."),

    // Something on the way.
    (&["issuer_not_available", "processing_error", "try_again_later", "06", "68", "90", "91", "92",
       "96", "N0"],
        Technical, SOON, TryLater,
        "The bank or the network could not be reached. Nothing is wrong with the card."),
    (&["duplicate_transaction", "26", "94"],
        Technical, HOUR, Generic,
        "The bank takes it for a payment that it has seen. Check whether the first one worked \
         before another try."),
    (&["invalid_amount", "12", "13", "30"],
        Technical, NEVER, OtherMethod,
        "The bank did not understand the payment, or its amount. If other customers of the method \
         have it too, tell the provider."),
    (&["03"],
        Technical, NEVER, OtherMethod,
        "The bank does not know the merchant. Tell the provider: it concerns every customer."),
    (&["testmode_decline"],
        Technical, NEVER, OtherMethod,
        "A card for tests was used in earnest, or a real one in a test."),

    // Crimes, suspected or reported.
    (&["lost_card", "41"],
        Fraud, NEVER, Generic,
        "The card is reported lost. Do not tell the customer: it may not be theirs. Let them use \
         another method or ask the bank."),
    (&["stolen_card", "43"],
        Fraud, NEVER, Generic,
        "The card is reported stolen. Do not tell the customer: it may not be theirs. Let them use \
         another method or ask the bank."),
    (&["pickup_card", "restricted_card", "04", "07", "35", "36", "37", "67"],
        Fraud, NEVER, Generic,
        "The bank wants the card kept: it may be lost, stolen or misused. Do not tell the \
         customer."),
    (&["fraudulent", "suspected_fraud", "34", "59", "83"],
        Fraud, NEVER, Generic,
        "The bank or the provider suspects fraud. Do not tell the customer. If the order is known \
         to be genuine, it can be paid by another method."),
    (&["security_violation", "63", "93"],
        Fraud, NEVER, Generic,
        "The bank sees a breach of security or of the law. Do not tell the customer."),
    (&["merchant_blacklist"],
        Fraud, NEVER, Generic,
        "The card or the customer is on the merchant's own block list. Do not tell the customer; \
         the list can be changed at the provider."),
];

/// What a code means; nothing when it is not known.
pub(super) fn find(code: &str) -> Option<Guidance> {
    let line = TABLE.iter().find(|(codes, ..)| codes.contains(&code));
    line.map(|&(_, category, retry, message, support_hint)| Guidance {
        category,
        retry,
        message,
        support_hint,
    })
}

/// Every code there is.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|(codes, ..)| codes.iter().copied())
}
