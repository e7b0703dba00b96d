//! What is watched of merchants, and from where on somebody should look (policy 10).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::DAY;
use super::section::Section;
use crate::status::{Status as _, named};

/// Most merchants that are listed by their own name.
const MOST_MERCHANTS: u32 = 10_000;

/// A part of something, in hundredths of a percent; above 10,000 where more than all is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// So many percent.
    pub const fn percent(percent: u32) -> Self {
        Self(percent * 100)
    }

    /// As a number: 1 for all.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

/// As it is written in the file.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        let text = format!("{whole}.{rest:02}");
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Reads `1.5%`, with at most two decimals.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (whole, rest) =
                text.strip_suffix('%')?.split_once('.').unwrap_or((text.strip_suffix('%')?, "0"));
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            let fits = (1..=2).contains(&rest.len()) && digits(rest) && digits(whole);
            let rest: u32 = fits.then(|| format!("{rest:0<2}").parse().ok())??;
            let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 100)?;
            Some(Self(whole * 100 + rest)).filter(|share| share.0 <= 10_000)
        };
        read()
            .ok_or_else(|| format!("must be a share such as \"1.5%\", up to 100%, not \"{text}\""))
    }
}

named! {
    /// What is compared with a threshold of a merchant's.
    pub enum Measure {
        /// Orders that expired unpaid, of those that ended.
        Unpaid = "unpaid",
        /// Payments that came after the end of their order.
        LatePayments = "late_payments",
        /// Paid orders with a refund.
        Refunds = "refunds",
        /// Disputes and their part of the payments, both.
        Disputes = "disputes",
        /// Disputes and the part of the money that they are about, both.
        DisputedAmount = "disputed_amount",
        /// Disputes that nobody answered in time, of those that were to be answered.
        Unanswered = "unanswered",
        /// Money lost to a refund and to a dispute as well.
        DoubleLosses = "double_losses",
    }
}

/// What is known of a merchant's orders in one currency, of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MerchantFigures {
    /// Orders placed.
    pub orders: i64,
    /// Of these, those that do not wait for payment any more.
    pub ended: i64,
    /// Of these, those that expired.
    pub unpaid: i64,
    /// Orders placed and paid.
    pub paid: i64,
    /// Orders with a refund that a customer wanted.
    pub refunded: i64,
    /// Payments, and their minor units.
    pub payments: i64,
    /// What they brought.
    pub captured_minor: i64,
    /// Of these, those that came late.
    pub late_payments: i64,
    /// Disputes that take money.
    pub disputes: i64,
    /// What they are about.
    pub disputed_minor: i64,
    /// Disputes that were answered.
    pub answered: i64,
    /// Disputes that nobody answered in time.
    pub unanswered: i64,
    /// Disputes over money that was refunded.
    pub double_losses: i64,
}

impl MerchantFigures {
    /// The part of ended orders that expired unpaid.
    pub fn unpaid_ratio(&self) -> Option<f64> {
        part(self.unpaid, self.ended)
    }

    /// The part of paid orders that had a refund.
    pub fn refund_ratio(&self) -> Option<f64> {
        part(self.refunded, self.paid)
    }

    /// The part of payments that is disputed.
    pub fn dispute_ratio(&self) -> Option<f64> {
        part(self.disputes, self.payments)
    }

    /// The part of the money that is disputed.
    pub fn disputed_amount_ratio(&self) -> Option<f64> {
        part(self.disputed_minor, self.captured_minor)
    }

    /// The part of disputes that were answered, of those whose time for it is over.
    pub fn response_ratio(&self) -> Option<f64> {
        part(self.answered, self.answered + self.unanswered)
    }
}

/// From where on somebody should look; `None` and 0 watch nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoringPolicy {
    /// How far back is looked; the same for everyone.
    pub within: Duration,
    /// How many merchants are listed by name; the same for everyone.
    pub most_merchants: u32,
    /// How many orders, or disputes, a merchant that is listed has; the same for everyone.
    pub min_orders: u32,
    /// At which parts of a threshold somebody is warned, the smallest first.
    pub warn_at: Vec<Share>,
    /// Of orders that ended, so many expired.
    pub unpaid: Option<Share>,
    /// So many late payments.
    pub late_payments: u32,
    /// Of paid orders, so many had a refund.
    pub refunds: Option<Share>,
    /// So many disputes, and at the same time ...
    pub dispute_cases: u32,
    /// ... such a part of the payments, or of the money (Visa's VAMP: 1,500 and 1.5 %).
    pub dispute_ratio: Option<Share>,
    /// Of disputes to be answered, so many were not.
    pub unanswered: Option<Share>,
    /// So many double losses.
    pub double_losses: u32,
}

impl Default for MonitoringPolicy {
    fn default() -> Self {
        Self {
            within: 30 * DAY,
            most_merchants: 50,
            min_orders: 100,
            warn_at: vec![Share::percent(50), Share::percent(75)],
            unpaid: Some(Share::percent(60)),
            late_payments: 100,
            refunds: Some(Share::percent(20)),
            dispute_cases: 1_500,
            dispute_ratio: Some(Share(150)),
            unanswered: Some(Share::percent(20)),
            double_losses: 1,
        }
    }
}

/// How a merchant stands to one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What is compared.
    pub measure: Measure,
    /// The part of the threshold that is used up; 1 and more has reached it.
    pub used: f64,
    /// The largest warning, or the threshold itself, that is reached.
    pub reached: Option<Share>,
}

impl MonitoringPolicy {
    /// How a merchant stands to each threshold that is set.
    pub fn standings(&self, figures: &MerchantFigures) -> Vec<Standing> {
        let count = |count: i64, most: u32| (most > 0).then(|| real(count) / f64::from(most));
        let share = |ratio: Option<f64>, most: Option<Share>| {
            most.map(|most| ratio.unwrap_or_default() / most.ratio())
        };
        let both = |ratio| {
            let (cases, part) =
                (count(figures.disputes, self.dispute_cases), share(ratio, self.dispute_ratio));
            cases.zip(part).map(|(cases, part)| cases.min(part))
        };
        let unanswered = figures.response_ratio().map(|answered| 1.0 - answered);
        let used = |measure: &Measure| match measure {
            Measure::Unpaid => share(figures.unpaid_ratio(), self.unpaid),
            Measure::LatePayments => count(figures.late_payments, self.late_payments),
            Measure::Refunds => share(figures.refund_ratio(), self.refunds),
            Measure::Disputes => both(figures.dispute_ratio()),
            Measure::DisputedAmount => both(figures.disputed_amount_ratio()),
            Measure::Unanswered => share(unanswered, self.unanswered),
            Measure::DoubleLosses => count(figures.double_losses, self.double_losses),
        };
        let measured = Measure::ALL.iter().filter_map(|it| used(it).map(|used| (*it, used)));
        measured.map(|(measure, used)| self.standing(measure, used)).collect()
    }

    fn standing(&self, measure: Measure, used: f64) -> Standing {
        let steps = self.warn_at.iter().copied().chain([Share::percent(100)]);
        // Ratios are divided twice, which may lose the last bit.
        let reached = steps.filter(|step| used + 1e-9 >= step.ratio()).max();
        Standing { measure, used, reached }
    }

    /// What is the same for everyone.
    pub(super) fn overlay_everyone(&mut self, section: &mut Section<'_>) {
        section.time("within", DAY..=366 * DAY, &mut self.within);
        section.count("most_merchants", 1..=MOST_MERCHANTS, &mut self.most_merchants);
        section.count("min_orders", 0..=1_000_000, &mut self.min_orders);
    }

    /// What may differ between merchants.
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("warn_at", |value| {
            let listed = value.as_array().ok_or("must be a list such as [\"50%\", \"75%\"]")?;
            let mut steps: Vec<_> = listed.iter().map(share).collect::<Result<_, _>>()?;
            steps.sort_unstable();
            self.warn_at = steps;
            Ok(())
        });
        section.value("unpaid", |value| limit(value, &mut self.unpaid));
        section.count("late_payments", 0..=u32::MAX, &mut self.late_payments);
        section.value("refunds", |value| limit(value, &mut self.refunds));
        section.count("dispute_cases", 0..=u32::MAX, &mut self.dispute_cases);
        section.value("dispute_ratio", |value| limit(value, &mut self.dispute_ratio));
        section.value("unanswered", |value| limit(value, &mut self.unanswered));
        section.count("double_losses", 0..=u32::MAX, &mut self.double_losses);
    }
}

fn share(value: &toml::Value) -> Result<Share, String> {
    let text =
        value.as_str().ok_or_else(|| format!("must be a share such as \"1.5%\", not {value}"))?;
    text.parse()
}

/// Takes a share over; 0 % watches nothing.
fn limit(value: &toml::Value, into: &mut Option<Share>) -> Result<(), String> {
    *into = Some(share(value)?).filter(|share| share.0 > 0);
    Ok(())
}

fn part(of: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| real(of) / real(all))
}

/// Counts and amounts are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "what is added up here has less than 53 bits")]
fn real(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::super::PolicyFile;
    use super::*;

    fn of(figures: MerchantFigures, measure: Measure) -> Standing {
        let standings = MonitoringPolicy::default().standings(&figures);
        standings.into_iter().find(|it| it.measure == measure).unwrap()
    }

    fn disputes(disputes: i64, payments: i64) -> Standing {
        let figures = MerchantFigures { payments, disputes, ..MerchantFigures::default() };
        of(figures, Measure::Disputes)
    }

    #[test]
    fn disputes_reach_their_threshold_by_count_and_ratio_together() {
        assert_eq!(disputes(1_500, 100_000).reached, Some(Share::percent(100)));
        assert_eq!(disputes(1_499, 90_000).reached, Some(Share::percent(75)));
        assert_eq!(disputes(1_500, 200_000).reached, Some(Share::percent(50)));
        assert_eq!(disputes(1_500, 300_000).reached, None);
        assert_eq!(disputes(749, 1_000).reached, None);
        assert_eq!(disputes(750, 1_000).reached, Some(Share::percent(50)));
    }

    #[test]
    fn money_is_watched_beside_the_number() {
        let figures = MerchantFigures {
            disputes: 1_500,
            disputed_minor: 20_000,
            captured_minor: 1_000_000,
            payments: 1_000_000,
            ..MerchantFigures::default()
        };
        assert_eq!(of(figures, Measure::DisputedAmount).reached, Some(Share::percent(100)));
        assert_eq!(of(figures, Measure::Disputes).reached, None);
    }

    #[test]
    fn what_nobody_answered_counts_and_nothing_to_answer_does_not() {
        let figures = |answered, unanswered| MerchantFigures {
            answered,
            unanswered,
            ..MerchantFigures::default()
        };
        let reached = |it| of(it, Measure::Unanswered).reached;
        assert_eq!(reached(figures(0, 0)), None);
        assert_eq!(reached(figures(90, 10)), Some(Share::percent(50)));
        assert_eq!(reached(figures(80, 20)), Some(Share::percent(100)));
    }

    #[test]
    fn shares_are_read_as_they_are_written() {
        for text in ["1.5%", "0.01%", "100%", "75%", "0%"] {
            assert_eq!(text.parse::<Share>().map(|share| share.to_string()), Ok(text.to_owned()));
        }
        for text in ["1.5", "100.01%", "-1%", "1.555%", "%", "1.%", "+1%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn thresholds_differ_by_merchant_and_mistakes_are_named() {
        let file =
            |text: &str| PolicyFile { text: text.to_owned(), ..PolicyFile::default() }.read();
        let book = file("[merchant.big.thresholds]\ndispute_cases = 7\nunpaid = \"0%\"").unwrap();
        let big = &book.of(&"big".parse().unwrap(), None).monitoring;
        assert_eq!((big.dispute_cases, big.unpaid), (7, None));
        assert_eq!(book.everyone().monitoring, MonitoringPolicy::default());
        let wrong = "[monitoring]\nwithin = \"1h\"\n[thresholds]\nrefunds = 20\nwithin = \"30d\"";
        let problems = file(wrong).unwrap_err().to_string();
        for key in ["monitoring.within", "thresholds.refunds", "thresholds.within"] {
            assert!(problems.contains(key), "{problems}");
        }
    }
}
