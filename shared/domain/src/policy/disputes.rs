//! How disputes are answered.

use std::time::Duration;

use contracts::Timestamp;
use contracts::events::DisputeStage;

use super::section::Section;
use super::{AmountLimits, DAY, HOUR, MINUTE, WinRates};
use crate::dispute::{Dispute, EscalationLevel};

/// How disputes are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputePolicy {
    /// How long before the deadline somebody is told, the longest first; each time somebody else.
    pub remind_before_due: Vec<Duration>,
    /// How long before the deadline evidence is handed in by itself (Gumroad: 6 hours).
    pub submit_before_due: Duration,
    /// How long an inquiry may stay without an answer before the next one in line is told.
    pub mediation_sla: Duration,
    /// How long after its opening an inquiry that names no deadline is answered (`PayPal`: 20
    /// days).
    pub inquiry_due_after: Duration,
    /// Disputes below so many minor units are not worth an answer: we give in (policy 9).
    pub accept_below: AmountLimits,
    /// How often answers win; one whose expected value is below the fee is not given (policy 9).
    pub win_rate: WinRates,
}

/// The times by which a dispute that waits for an answer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerClock {
    /// Until when evidence is taken.
    pub due_at: Timestamp,
    /// Since when buyer and seller have an inquiry to settle.
    pub inquiry_since: Option<Timestamp>,
}

impl AnswerClock {
    /// Those of a dispute that nobody answered yet.
    pub fn of(dispute: &Dispute, due_at: Timestamp) -> Self {
        let inquiry = dispute.position.stage == DisputeStage::Inquiry;
        Self { due_at, inquiry_since: inquiry.then_some(dispute.opened_at) }
    }
}

/// What is to be done about a dispute that waits for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceStep {
    /// Tell somebody that an inquiry is not answered.
    Mediate(EscalationLevel),
    /// Tell somebody.
    Remind(EscalationLevel),
    /// Hand in what there is.
    Submit,
    /// The deadline passed.
    Missed,
}

impl Default for DisputePolicy {
    fn default() -> Self {
        Self {
            remind_before_due: vec![5 * DAY, 2 * DAY, DAY],
            submit_before_due: 6 * HOUR,
            mediation_sla: 3 * DAY,
            inquiry_due_after: 20 * DAY,
            accept_below: AmountLimits::everywhere(0),
            win_rate: WinRates::default(),
        }
    }
}

impl DisputePolicy {
    /// When to look at a dispute next, after now and at the deadline at the latest (policy 8).
    pub fn next_look(&self, clock: AnswerClock, now: Timestamp) -> Timestamp {
        let looks = self.steps(clock).into_iter().map(|(at, _step)| at);
        looks.filter(|at| *at > now).min().unwrap_or(clock.due_at)
    }

    /// What a look at this time is for: the last step whose time has come.
    pub fn step(&self, clock: AnswerClock, now: Timestamp) -> EvidenceStep {
        let come = self.steps(clock).into_iter().filter(|(at, _step)| *at <= now);
        let last = come.max_by_key(|(at, _step)| *at).map(|(_at, step)| step);
        last.unwrap_or(EvidenceStep::Remind(EscalationLevel::Seller))
    }

    /// What dispute answers bring on average, in minor units; nothing where no rate is known.
    pub fn expected_value(&self, dispute: &Dispute) -> Option<i64> {
        let rate = self.win_rate.of(dispute.reason)?;
        let value = i128::from(dispute.amount.minor()) * i128::from(rate) / 100;
        i64::try_from(value).ok()
    }

    /// Every step with its time; of those at one time the last one counts.
    fn steps(&self, clock: AnswerClock) -> Vec<(Timestamp, EvidenceStep)> {
        let AnswerClock { due_at, inquiry_since } = clock;
        let submit_at = due_at.minus(self.submit_before_due);
        let in_time = |(at, _step): &(Timestamp, EvidenceStep)| *at < submit_at;
        let unanswered = inquiry_since.into_iter().flat_map(|since| {
            let levels = [EscalationLevel::TeamLead, EscalationLevel::Operations];
            levels.into_iter().zip(1..).map(move |(level, times)| {
                (since.plus(self.mediation_sla * times), EvidenceStep::Mediate(level))
            })
        });
        let reminders = self.remind_before_due.iter().zip(1..).map(|(before, number)| {
            (due_at.minus(*before), EvidenceStep::Remind(EscalationLevel::of_reminder(number)))
        });
        let last = [(submit_at, EvidenceStep::Submit), (due_at, EvidenceStep::Missed)];
        unanswered.chain(reminders).filter(in_time).chain(last).collect()
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("remind_before_due", |value| {
            self.remind_before_due = times(value)?;
            Ok(())
        });
        section.time("submit_before_due", MINUTE..=14 * DAY, &mut self.submit_before_due);
        section.time("mediation_sla", MINUTE..=60 * DAY, &mut self.mediation_sla);
        section.time("inquiry_due_after", HOUR..=180 * DAY, &mut self.inquiry_due_after);
        section.table("win_rate", |section| self.win_rate.overlay(section));
        section.value("accept_below", |value| self.accept_below.overlay(value));
    }
}

fn times(value: &toml::Value) -> Result<Vec<Duration>, String> {
    let wrong = || format!("must be a list of times such as [\"5d\", \"24h\"], not {value}");
    let listed = value.as_array().ok_or_else(wrong)?;
    let time = |value: &toml::Value| {
        let time = value.as_str().and_then(|text| humantime::parse_duration(text).ok());
        time.filter(|time| (MINUTE..=60 * DAY).contains(time)).ok_or_else(wrong)
    };
    let mut times: Vec<_> = listed.iter().map(time).collect::<Result<_, _>>()?;
    times.sort_unstable_by(|a, b| b.cmp(a));
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use EscalationLevel::{Operations, Seller, TeamLead};

    fn at(hour: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_hours(hour))
    }

    fn clock(due_at: Timestamp) -> AnswerClock {
        AnswerClock { due_at, inquiry_since: None }
    }

    fn all_looks(policy: &DisputePolicy, clock: AnswerClock) -> Vec<(u64, EvidenceStep)> {
        let (mut looks, mut now) = (Vec::new(), at(0));
        while now < clock.due_at {
            now = policy.next_look(clock, now);
            looks.push((now.since(at(0)).as_secs() / 3600, policy.step(clock, now)));
        }
        looks
    }

    #[test]
    fn an_inquiry_is_escalated_each_time_that_nobody_answered_in_time() {
        let policy = DisputePolicy::default();
        let clock = AnswerClock { due_at: at(20 * 24), inquiry_since: Some(at(0)) };
        let expected = [
            (72, EvidenceStep::Mediate(TeamLead)),
            (144, EvidenceStep::Mediate(Operations)),
            (360, EvidenceStep::Remind(Seller)),
            (432, EvidenceStep::Remind(TeamLead)),
            (456, EvidenceStep::Remind(Operations)),
            (474, EvidenceStep::Submit),
            (480, EvidenceStep::Missed),
        ];
        assert_eq!(all_looks(&policy, clock), expected);
    }

    #[test]
    fn no_inquiry_is_escalated_once_its_answer_is_handed_in_by_itself() {
        let policy = DisputePolicy::default();
        let clock = AnswerClock { due_at: at(76), inquiry_since: Some(at(0)) };
        let steps: Vec<_> = all_looks(&policy, clock).into_iter().map(|(_at, step)| step).collect();
        assert!(!steps.iter().any(|step| matches!(step, EvidenceStep::Mediate(_))), "{steps:?}");
        assert_eq!(steps.last(), Some(&EvidenceStep::Missed));
    }

    #[test]
    fn every_step_has_its_time_and_the_deadline_is_the_last() {
        let policy = DisputePolicy::default();
        let due = at(10 * 24);
        let mut looks = Vec::new();
        let mut now = at(0);
        while now < due {
            now = policy.next_look(clock(due), now);
            looks.push((due.since(now).as_secs() / 3600, policy.step(clock(due), now)));
        }
        let expected = [
            (120, EvidenceStep::Remind(Seller)),
            (48, EvidenceStep::Remind(TeamLead)),
            (24, EvidenceStep::Remind(Operations)),
            (6, EvidenceStep::Submit),
            (0, EvidenceStep::Missed),
        ];
        assert_eq!(looks, expected);
    }

    #[test]
    fn a_late_look_does_the_last_step_whose_time_has_come() {
        let policy = DisputePolicy::default();
        let due = at(10 * 24);
        assert_eq!(policy.step(clock(due), at(9 * 24)), EvidenceStep::Remind(Operations));
        assert_eq!(policy.step(clock(due), at(10 * 24 - 1)), EvidenceStep::Submit);
        assert_eq!(policy.next_look(clock(due), at(10 * 24 - 1)), due);
    }
}
