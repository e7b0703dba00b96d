//! What `orderctl customer` takes.

use clap::{Args, Subcommand};
use contracts::events::ConsentPurpose;
use contracts::{BoundedText, FlagId, Token};
use store::privacy::CustomerRef;

use super::values::{actor, consent_purpose, customer_ref, flag_id, reason};

/// Customers: what is noted of them, and taking it back.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// Shows what is noted of a customer: flags and what they rest on, restrictions, consent.
    ///
    /// Exits with 4 when nothing is noted.
    Show(CustomerShowArgs),
    /// Lifts a flag: refunds of the customer no longer need a person for its sake.
    ///
    /// Lifts every live flag of the same rule. What they rest on is never held against the
    /// customer again. Exits with 4 when the customer has no such flag that counts now.
    LiftFlag(LiftFlagArgs),
    /// Lifts the restriction of a customer, and forgets the unpaid orders that led to it.
    ///
    /// Holds at once; payment-timeout announces it. Exits with 4 when nothing is closed to the
    /// customer now.
    Lift(LiftArgs),
    /// Takes back the consent of a customer who told support rather than the shop.
    ///
    /// It is noted in the audit, then published as `customer.consent_withdrawn`; order-created
    /// records it, and whatever needs that consent is not sent from then on. Exits with 4 when the
    /// customer has no order.
    WithdrawConsent(WithdrawConsentArgs),
}

/// Whose consent, to what, who was told and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct WithdrawConsentArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
    /// What the consent was given for; without that for marketing nobody is reminded either.
    #[arg(long, value_name = "PURPOSE", value_parser = consent_purpose)]
    pub(crate) purpose: ConsentPurpose,
    /// Who was told: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// How it was told, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}

/// Whose restriction, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiftArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
    /// Who decides: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// Why, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}

/// Which customer.
#[derive(Clone, Debug, Args)]
pub(crate) struct CustomerShowArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
}

/// Which flag, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiftFlagArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
    /// The flag's id, as `orderctl customer show` prints it.
    #[arg(value_name = "FLAG", value_parser = flag_id)]
    pub(crate) flag: FlagId,
    /// Who decides: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// Why, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}
