//! The choices of all shops: which ones hold for an order.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use contracts::Token;
use contracts::events::PaymentMethod;
use guidance::Templates;

use super::{Policies, RefundPatience};
use crate::order::Order;
use crate::state::OrderState;

/// Names the choices that hold where no file says otherwise.
const DEFAULT_VERSION: &str = "defaults-1";

/// Read once, and only by those who tell anybody anything.
static BUILT_IN: LazyLock<Templates> = LazyLock::new(Templates::built_in);

/// Everybody's choices, ready to be looked up, with the texts that people are told; copies share
/// them.
///
/// For an order hold, from weak to strong: what holds for everyone, for its method, for its
/// merchant, and for the two together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBook(Arc<Pages>);

#[derive(Debug, PartialEq, Eq)]
struct Pages {
    version: Token<32>,
    everyone: ByMethod,
    merchants: HashMap<Token<64>, ByMethod>,
    texts: Texts,
}

/// A shop's own texts; none of its own means those that are built in.
#[derive(Clone, Debug, Default)]
struct Texts(Option<Arc<Templates>>);

/// Texts are the same when they were read together: they are never compared word by word.
impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

impl Eq for Texts {}

/// The choices for each method, and for orders that name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByMethod {
    pub(super) unnamed: Policies,
    /// In the order of [`PaymentMethod::ALL`].
    pub(super) named: [Policies; PaymentMethod::ALL.len()],
}

impl ByMethod {
    fn of(&self, method: Option<PaymentMethod>) -> &Policies {
        let [card, wallet, bank_transfer, other] = &self.named;
        match method {
            Some(PaymentMethod::Card) => card,
            Some(PaymentMethod::Wallet) => wallet,
            Some(PaymentMethod::BankTransfer) => bank_transfer,
            Some(PaymentMethod::Other) => other,
            None => &self.unnamed,
        }
    }
}

impl PolicyBook {
    pub(super) fn new(
        version: Token<32>,
        everyone: ByMethod,
        merchants: HashMap<Token<64>, ByMethod>,
    ) -> Self {
        Self(Arc::new(Pages { version, everyone, merchants, texts: Texts::default() }))
    }

    /// The same choices with these texts in place of those that are built in.
    #[must_use]
    pub fn with_texts(&self, texts: Templates) -> Self {
        let Pages { version, everyone, merchants, .. } = &*self.0;
        Self(Arc::new(Pages {
            version: version.clone(),
            everyone: everyone.clone(),
            merchants: merchants.clone(),
            texts: Texts(Some(Arc::new(texts))),
        }))
    }

    /// The texts that people are told; those that are built in are read when first asked for.
    pub fn texts(&self) -> &Templates {
        self.0.texts.0.as_deref().unwrap_or_else(|| &BUILT_IN)
    }

    /// Names this set of choices; recorded with what is decided by it.
    pub fn version(&self) -> &Token<32> {
        &self.0.version
    }

    /// What holds where neither merchant nor method is known, and for all events alike.
    pub fn everyone(&self) -> &Policies {
        &self.0.everyone.unnamed
    }

    /// How long refunds of this order wait for people and for providers.
    pub fn patience(&self, state: &OrderState) -> RefundPatience {
        let known = state.order.as_ref().map(|order| self.for_order(order));
        let policies = known.unwrap_or(self.everyone());
        let keep_back = policies.late_money.auto_refund_delay;
        RefundPatience { keep_back, ..policies.refunds.patience }
    }

    /// What holds for a merchant's orders of a method.
    pub fn of(&self, merchant: &Token<64>, method: Option<PaymentMethod>) -> &Policies {
        self.0.merchants.get(merchant).unwrap_or(&self.0.everyone).of(method)
    }

    /// What holds for an order.
    pub fn for_order(&self, order: &Order) -> &Policies {
        self.of(&order.merchant_id, order.method)
    }
}

/// The same choices for everyone.
impl From<Policies> for PolicyBook {
    fn from(policies: Policies) -> Self {
        let version = DEFAULT_VERSION.parse().expect("the name is a short token");
        let named = PaymentMethod::ALL.map(|_method| policies.clone());
        Self::new(version, ByMethod { unnamed: policies, named }, HashMap::new())
    }
}

impl Default for PolicyBook {
    fn default() -> Self {
        Policies::default().into()
    }
}
