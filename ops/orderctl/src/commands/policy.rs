//! `orderctl policy`: the shops' choices, without any service.

use std::path::Path;
use std::time::Duration;

use domain::policy::{Overrides, Policies, PolicyFile, TEMPLATE};
use domain::{PolicyBook, Status as _, policy};
use guidance::Templates;
use serde::Serialize;

use crate::cli::{PolicyCommand, PolicyShowArgs};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};

/// Runs one of the commands on choices.
pub(crate) fn run(command: PolicyCommand, console: Console) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Check(args) => {
            let texts = args.templates.as_deref().map_or(Ok(()), check_texts);
            let book = match (read(&args.file), texts) {
                (Ok(book), Ok(())) => book,
                (Err(file), Err(texts)) => {
                    let why = texts.why.unwrap_or_default();
                    let both =
                        format!("{}\n{}: {why}", file.why.clone().unwrap_or_default(), texts.what);
                    return Err(file.because(both));
                }
                (Err(problem), Ok(())) | (Ok(_), Err(problem)) => return Err(problem),
            };
            console.show(&Checked { version: book.version().to_string() })?;
        }
        PolicyCommand::Show(args) => console.show(&chosen(&args)?)?,
        PolicyCommand::Template => console.show(&Template { text: TEMPLATE })?,
    }
    Ok(Exit::Done)
}

/// Reads a file of choices, or says what in it cannot be used.
pub(crate) fn read(file: &Path) -> Result<PolicyBook, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let what = format!("failed to read {}", file.display());
        Failure::new(Exit::Failed, what, "name a file that is there").because(error.to_string())
    })?;
    let read = PolicyFile { text, overrides: Overrides::default() }.read();
    read.map_err(|error| {
        let what = format!("{} cannot be used", file.display());
        let next = "mend it; `orderctl policy template` explains every setting";
        Failure::new(Exit::Failed, what, next).because(error.to_string())
    })
}

/// Says what in a folder of texts cannot be used.
fn check_texts(folder: &Path) -> Result<(), Failure> {
    Templates::load(folder).map(drop).map_err(|problems| {
        let what = format!("the texts in {} cannot be used", folder.display());
        let next = "mend them; ops/docs/notifications.md lists every template with its parameters";
        let listed: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        let why = format!("{} problem(s):{}", problems.len(), listed.concat());
        Failure::new(Exit::Failed, what, next).because(why)
    })
}

fn chosen(args: &PolicyShowArgs) -> Result<Chosen, Failure> {
    let book = args.file.as_deref().map_or_else(|| Ok(PolicyBook::default()), read)?;
    let anybody = "-".parse().expect("it is a short token");
    let policies = book.of(args.merchant.as_ref().unwrap_or(&anybody), args.method);
    Ok(Chosen { version: book.version().to_string(), settings: settings(policies) })
}

/// A file that can be used.
#[derive(Serialize)]
struct Checked {
    version: String,
}

impl View for Checked {
    fn text(&self, style: Style) -> String {
        style.tint(Tone::Good, &format!("every setting can be used; version {}", self.version))
    }
}

/// The documented file.
#[derive(Serialize)]
struct Template {
    text: &'static str,
}

impl View for Template {
    fn text(&self, _style: Style) -> String {
        self.text.trim_end().to_owned()
    }
}

/// What holds for some orders.
#[derive(Serialize)]
struct Chosen {
    version: String,
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: String,
}

impl View for Chosen {
    fn text(&self, style: Style) -> String {
        let rows = self.settings.iter().map(|it| [it.key.to_owned(), it.value.clone()]);
        let table = style.table(["SETTING", "VALUE"], rows.collect::<Vec<_>>());
        format!("version {}\n\n{table}", self.version)
    }
}

fn settings(policies: &Policies) -> Vec<Setting> {
    let Policies { windows, refunds, disputes, flags, unpaid, .. } = policies;
    let remind: Vec<_> = disputes.remind_before_due.iter().copied().map(time).collect();
    [
        ("window.card", time(windows.card)),
        ("window.wallet", time(windows.wallet)),
        ("window.bank_transfer", time(windows.bank_transfer)),
        ("window.other", time(windows.other)),
        ("hold.longest", time(policies.max_hold)),
        ("hold.look_every", time(policies.hold_interval)),
        ("late_money.choice", policies.late_money.choice.name().to_owned()),
        ("late_money.reinstate_grace", time(policies.late_money.reinstate_grace)),
        ("late_money.reserve_answer_within", time(policies.late_money.reserve_answer_within)),
        ("late_money.auto_refund_delay", time(policies.late_money.auto_refund_delay)),
        ("late_money.tolerance", limits(&policies.late_money.tolerance)),
        ("cancellation.paid_orders", policies.cancellation.paid_orders.name().to_owned()),
        ("cancellation.on_full_refund", policies.cancellation.on_full_refund.to_string()),
        ("refunds.window", time(refunds.windows.other)),
        ("refunds.window_of", windows_of(&refunds.windows)),
        ("refunds.hard_age", time(refunds.hard_age)),
        ("refunds.auto_limit", limits(&refunds.auto_limit)),
        ("refunds.four_eyes_above", limits(&refunds.four_eyes_above)),
        ("refunds.review_sla", time(refunds.review_sla)),
        ("refunds.answer_within", time(refunds.patience.answer_within)),
        ("refunds.settle_within", time(refunds.patience.settle_within)),
        ("refunds.max_per_payment", refunds.max_per_payment.to_string()),
        ("refunds.max_per_customer", refunds.max_per_customer.to_string()),
        ("disputes.remind_before_due", remind.join(", ")),
        ("disputes.submit_before_due", time(disputes.submit_before_due)),
        ("disputes.mediation_sla", time(disputes.mediation_sla)),
        ("disputes.inquiry_due_after", time(disputes.inquiry_due_after)),
        ("disputes.accept_below", limits(&disputes.accept_below)),
        ("disputes.win_rate", win_rates(&disputes.win_rate)),
        ("customers.flags.refunds", count_limit(flags.refunds)),
        ("customers.flags.refund_ratio", ratio_limit(flags.refund_ratio)),
        ("customers.flags.disputes", count_limit(flags.disputes)),
        ("customers.flags.low_value_disputes", count_limit(flags.low_value_disputes)),
        ("customers.flags.low_value", limits(&flags.low_value)),
        ("customers.flags.expire_after", time(flags.expire_after)),
        ("customers.unpaid.within", time(unpaid.within)),
        ("customers.unpaid.warn_from", unpaid.warn_from.to_string()),
        ("customers.unpaid.limit_from", unpaid.limit_from.to_string()),
        ("customers.unpaid.prepaid_from", unpaid.prepaid_from.to_string()),
        ("customers.unpaid.decay", unpaid.decay.to_string()),
        ("customers.unpaid.max_open", unpaid.max_open.to_string()),
        ("customers.unpaid.limited_window", time(unpaid.limited_window)),
        ("customers.unpaid.prepaid_window", time(unpaid.prepaid_window)),
        ("customers.unpaid.restrict_for", time(unpaid.restrict_for)),
        ("customers.unpaid.incidents", unpaid.incidents.len().to_string()),
        ("notifications.send", listed(&policies.notifications.send)),
        ("notifications.channels", listed(&policies.notifications.channels)),
        ("events.wait_for_parent", time(policies.park_ttl)),
        ("events.wait_for_disputed_payment", time(policies.disputed_payment_wait)),
        ("events.clock_ahead", time(policies.max_skew)),
        ("events.drain_grace", time(policies.drain_grace)),
        ("unapplied_money.refund_after", time(policies.unapplied.refund_after)),
        ("unapplied_money.decide_within", time(policies.unapplied.sla)),
    ]
    .into_iter()
    .chain(reminded(&policies.reminders))
    .chain(watched(&policies.monitoring))
    .map(|(key, value)| Setting { key, value })
    .collect()
}

/// When and how buyers are reminded.
fn reminded(reminders: &policy::Reminders) -> Vec<(&'static str, String)> {
    let quiet = reminders.quiet.map_or_else(|| "none".to_owned(), |hours| hours.to_string());
    let others: Vec<_> = reminders.other_methods.iter().map(|method| method.name()).collect();
    vec![
        ("reminders.at", listed(&reminders.at)),
        ("reminders.min_gap", time(reminders.min_gap)),
        ("reminders.most", reminders.most.to_string()),
        ("reminders.quiet_hours", quiet),
        ("reminders.time_zone", reminders.zone.iana_name().unwrap_or("UTC").to_owned()),
        ("reminders.pay_link", reminders.pay_link.clone().unwrap_or_else(|| "none".to_owned())),
        ("reminders.other_methods", listed(&others)),
    ]
}

/// What is watched of merchants, and from where on somebody should look.
fn watched(watched: &policy::MonitoringPolicy) -> Vec<(&'static str, String)> {
    vec![
        ("monitoring.within", time(watched.within)),
        ("monitoring.most_merchants", watched.most_merchants.to_string()),
        ("monitoring.min_orders", watched.min_orders.to_string()),
        ("thresholds.warn_at", listed(&watched.warn_at)),
        ("thresholds.unpaid", share(watched.unpaid)),
        ("thresholds.late_payments", watched.late_payments.to_string()),
        ("thresholds.refunds", share(watched.refunds)),
        ("thresholds.dispute_cases", watched.dispute_cases.to_string()),
        ("thresholds.dispute_ratio", share(watched.dispute_ratio)),
        ("thresholds.unanswered", share(watched.unanswered)),
        ("thresholds.double_losses", watched.double_losses.to_string()),
    ]
}

fn listed(items: &[impl ToString]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn share(share: Option<policy::Share>) -> String {
    share.map_or_else(|| "0%".to_owned(), |share| share.to_string())
}

fn time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

fn count_limit(limit: policy::CountLimit) -> String {
    format!("{} within {}", limit.count, time(limit.within))
}

fn ratio_limit(limit: policy::RatioLimit) -> String {
    format!("{} percent of at least {} orders", limit.percent, limit.min_orders)
}

fn win_rates(rates: &policy::WinRates) -> String {
    let named = rates.by_reason.iter().map(|(reason, rate)| (reason.name(), *rate));
    let rates = named.chain(rates.other.map(|rate| ("other", rate)));
    let rates: Vec<_> = rates.map(|(name, rate)| format!("{name} {rate} percent")).collect();
    if rates.is_empty() { "none".to_owned() } else { rates.join(", ") }
}

fn windows_of(windows: &policy::RefundWindows) -> String {
    let named = windows.by_reason.iter();
    let named: Vec<_> =
        named.map(|(reason, window)| format!("{} {}", reason.name(), time(*window))).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

fn limits(limits: &policy::AmountLimits) -> String {
    let named = limits.by_currency.iter().map(|(currency, minor)| format!("{currency} {minor}"));
    let other = format!("other {}", limits.other);
    named.chain([other]).collect::<Vec<_>>().join(", ")
}
