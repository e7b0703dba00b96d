//! What to tell the customer next, and what support should know.

use contracts::OrderId;
use guidance::advice::advise;
use guidance::decline::{Category, CustomerMessage};
use guidance::{Rendered, Templates, Zone};
use serde::Serialize;
use store::timeline::{AttemptRow, Timeline};
use uuid::Uuid;

use super::labels::Labels;
use super::situation;
use crate::render::Style;

/// Width of the column that says whom a line is for, and what stands before it.
const MARGIN: usize = 13;

/// What to tell, and to whom.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    /// What the customer is told; nothing when the order is not known.
    customer: Option<Rendered>,
    /// What support should know beside it.
    support_hint: Option<&'static str>,
    /// What each declined attempt means.
    declines: Vec<Decline>,
}

/// What a declined attempt means.
#[derive(Clone, Debug, Serialize)]
struct Decline {
    attempt_id: Uuid,
    code: Option<String>,
    network_code: Option<String>,
    advice: Option<String>,
    category: Category,
    /// In how many seconds the same payment may be tried again; nothing when it never may.
    retry_after_s: Option<u64>,
    message: CustomerMessage,
    support_hint: &'static str,
}

impl Decline {
    fn of(attempt: &AttemptRow) -> Option<Self> {
        let guidance = situation::declined(attempt)?;
        Some(Self {
            attempt_id: attempt.id,
            code: attempt.decline_code.clone(),
            network_code: attempt.network_code.clone(),
            advice: attempt.decline_advice.clone(),
            category: guidance.category,
            retry_after_s: guidance.retry_after().map(|wait| wait.as_secs()),
            message: guidance.message,
            support_hint: guidance.support_hint,
        })
    }

    fn text(&self) -> String {
        let code = self.code.as_deref().unwrap_or("no code");
        let network = self.network_code.as_deref().map(|it| format!(", network code {it}"));
        let advice = self.advice.as_deref().map(|it| format!(", advice {it}"));
        let (network, advice) = (network.unwrap_or_default(), advice.unwrap_or_default());
        let (category, retry) = (category(self.category), retry(self.retry_after_s));
        format!("{code}{network}{advice}: {category}, {retry}. {}", self.support_hint)
    }
}

impl Told {
    pub(super) fn of(
        order_id: OrderId,
        timeline: &Timeline,
        locale: Option<&str>,
        zone: &Zone,
    ) -> Self {
        let advice = situation::of(order_id, timeline).map(|it| advise(&it));
        Self {
            customer: advice
                .as_ref()
                .map(|it| Templates::built_in().render(&it.notification, locale, zone)),
            support_hint: advice.map(|it| it.support_hint),
            declines: timeline.attempts.iter().filter_map(Decline::of).collect(),
        }
    }

    pub(super) fn text(&self, labels: &Labels, style: Style) -> String {
        let mut lines = Vec::new();
        if let Some(customer) = &self.customer {
            let Rendered { template_id, locale, title, .. } = customer;
            let told = format!("{title} ({template_id}, {locale})");
            lines.push(line(style, "customer", &told));
            let paragraphs = customer.text.lines().filter(|it| !it.is_empty());
            lines.extend(paragraphs.map(|it| style.paragraph(MARGIN, it)));
        }
        lines.extend(self.support_hint.map(|hint| line(style, "support", hint)));
        for decline in &self.declines {
            lines.push(line(style, labels.label(decline.attempt_id, "attempt"), &decline.text()));
        }
        lines.join("\n")
    }
}

fn line(style: Style, name: &str, words: &str) -> String {
    let words = style.paragraph(MARGIN, words);
    format!("  {name:<width$}{}", words.trim_start(), width = MARGIN - 2)
}

fn category(category: Category) -> &'static str {
    match category {
        Category::Hard => "hard",
        Category::Soft => "soft",
        Category::Authentication => "authentication",
        Category::Technical => "technical",
        Category::Fraud => "fraud",
    }
}

fn retry(after_s: Option<u64>) -> String {
    match after_s.map(|seconds| seconds.div_ceil(60)) {
        None => "not to be tried again".to_owned(),
        Some(0) => "may be tried again at once".to_owned(),
        Some(minutes @ 1..60) => format!("may be tried again after {minutes} minutes"),
        Some(minutes) => format!("may be tried again after {} h", minutes / 60),
    }
}
