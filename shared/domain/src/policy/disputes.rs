//! How disputes are answered.

use std::time::Duration;

use contracts::Timestamp;

use super::section::Section;
use super::{AmountLimits, DAY, HOUR, MINUTE};
use crate::dispute::EscalationLevel;

/// How disputes are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputePolicy {
    /// How long before the deadline somebody is told, the longest first; each time somebody else.
    pub remind_before_due: Vec<Duration>,
    /// How long before the deadline evidence is handed in by itself (Gumroad: 6 hours).
    pub submit_before_due: Duration,
    /// Disputes below so many minor units are not worth an answer: we give in (policy 9).
    pub accept_below: AmountLimits,
}

/// What is to be done about a dispute that waits for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceStep {
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
            accept_below: AmountLimits::everywhere(0),
        }
    }
}

impl DisputePolicy {
    /// When to look at a dispute next, after now and at the deadline at the latest (policy 8).
    pub fn next_look(&self, due_at: Timestamp, now: Timestamp) -> Timestamp {
        let before = self.remind_before_due.iter().chain([&self.submit_before_due]);
        let looks = before.map(|before| due_at.minus(*before)).chain([due_at]);
        looks.filter(|at| *at > now).min().unwrap_or(due_at)
    }

    /// What a look at this time is for: the last step whose time has come.
    pub fn step(&self, due_at: Timestamp, now: Timestamp) -> EvidenceStep {
        let left = due_at.since(now);
        if now >= due_at {
            EvidenceStep::Missed
        } else if left <= self.submit_before_due {
            EvidenceStep::Submit
        } else {
            let told = self.remind_before_due.iter().filter(|before| left <= **before).count();
            EvidenceStep::Remind(EscalationLevel::of_reminder(told))
        }
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("remind_before_due", |value| {
            self.remind_before_due = times(value)?;
            Ok(())
        });
        section.time("submit_before_due", MINUTE..=14 * DAY, &mut self.submit_before_due);
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

    #[test]
    fn every_step_has_its_time_and_the_deadline_is_the_last() {
        let policy = DisputePolicy::default();
        let due = at(10 * 24);
        let mut looks = Vec::new();
        let mut now = at(0);
        while now < due {
            now = policy.next_look(due, now);
            looks.push((due.since(now).as_secs() / 3600, policy.step(due, now)));
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
        assert_eq!(policy.step(due, at(9 * 24)), EvidenceStep::Remind(Operations));
        assert_eq!(policy.step(due, at(10 * 24 - 1)), EvidenceStep::Submit);
        assert_eq!(policy.next_look(due, at(10 * 24 - 1)), due);
    }
}
