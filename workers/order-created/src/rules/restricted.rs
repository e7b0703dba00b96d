//! Orders of customers of whom too many expired unpaid (policy 7).

use std::time::Duration;

use contracts::events::OrderCreated;
use domain::Draft;
use domain::OutcomeCode;
use domain::customer::{CustomerMark, RestrictionLevel};
use domain::judgement::PolicyKind;

use super::OrderRules;

impl OrderRules {
    /// Whether a limited customer has as many unpaid orders as they may have, before this one.
    pub(super) fn is_one_too_many(&self, draft: &Draft, created: &OrderCreated) -> bool {
        let Some(mark) = draft.state().customer.mark.as_ref() else { return false };
        let level = mark.restriction(draft.now()).map(|restriction| restriction.level);
        let most = self.policies_of(created).unpaid.max_open;
        level == Some(RestrictionLevel::Limited) && mark.open >= most && !created.total.is_zero()
    }

    /// The longest payment window of a restricted customer; judged, for it is not the usual one.
    pub(super) fn restricted_window(
        &self,
        draft: &mut Draft,
        created: &OrderCreated,
    ) -> Option<Duration> {
        let mark: CustomerMark = draft.state().customer.mark.clone()?;
        let restriction = mark.restriction(draft.now())?;
        if created.total.is_zero() {
            return None;
        }
        let policy = &self.policies_of(created).unpaid;
        let longest = policy.longest_window(restriction.level);
        let inputs = vec![
            ("level", restriction.level.to_string()),
            ("until", restriction.until.to_string()),
            ("restricted_by", restriction.version.to_string()),
            ("open", mark.open.to_string()),
            ("max_open", policy.max_open.to_string()),
            ("longest_window", format!("{} s", longest.as_secs())),
        ];
        let verdict = OutcomeCode::CustomerRestricted;
        draft.judge(PolicyKind::CustomerLimit, verdict, &self.book, inputs);
        Some(longest)
    }
}
