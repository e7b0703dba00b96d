//! `orderctl merchants`: how merchants stand to the thresholds of the policies.

use std::path::Path;

use domain::PolicyBook;
use domain::policy::{MerchantFigures, Standing};
use store::Database;
use store::merchants::{Selection, figures};
use telemetry::catalogue::Metric;
use telemetry::{Exposition, catalogue};

use crate::cli::MerchantsArgs;
use crate::commands::policy;
use crate::exit::{Exit, Failure};
use crate::merchants_view::{MerchantView, MerchantsView, OTHER};
use crate::progress::Progress;
use crate::render::Console;
use crate::settings::Settings;
use crate::textfile;

/// Adds up what is watched, as of one moment of the database.
pub(crate) async fn run(
    args: MerchantsArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let book = args.policies.as_deref().map_or_else(|| Ok(PolicyBook::default()), policy::read)?;
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let moment = runtime::now();
    let watched = &book.everyone().monitoring;
    let selection = Selection {
        within: watched.within,
        most: watched.most_merchants,
        min_orders: watched.min_orders,
    };
    let mut progress = Progress::begin(1, console.is_quiet());
    let look = figures(&mut database, selection, args.limit);
    let rows = progress.step("merchants", look).await?;
    drop(progress);
    database.close().await?;
    let merchants: Vec<_> = rows.into_iter().map(|row| MerchantView::new(row, &book)).collect();
    if let Some(path) = &args.textfile {
        write_gauges(path, &merchants, moment)?;
    }
    let view = MerchantsView::new(book.version(), watched.within, merchants);
    console.show(&view)?;
    Ok(if view.any_reached() { Exit::Drift } else { Exit::Done })
}

fn write_gauges(
    path: &Path,
    merchants: &[MerchantView],
    moment: domain::Timestamp,
) -> Result<(), Failure> {
    let mut gauges = Exposition::default();
    for (metric, value) in GAUGES {
        let samples = merchants.iter().filter_map(|merchant| {
            value(merchant.figures()).map(|value| (labels(merchant), value))
        });
        gauges.add(*metric, samples.collect::<Vec<_>>());
    }
    let used = merchants.iter().flat_map(|merchant| {
        let [name, currency] = labels(merchant);
        merchant.standings().iter().map(move |Standing { measure, used, .. }| {
            ([name.clone(), currency.clone(), measure.to_string()], *used)
        })
    });
    gauges.add(catalogue::MERCHANT_THRESHOLD, used.collect::<Vec<_>>());
    let seconds = moment.since(domain::Timestamp::EPOCH).as_secs_f64();
    gauges.add(catalogue::MERCHANTS_TIMESTAMP, [([], seconds)]);
    textfile::replace(path, &gauges)
}

fn labels(merchant: &MerchantView) -> [String; 2] {
    let name = merchant.name().unwrap_or(OTHER);
    [name.to_owned(), merchant.currency().to_owned()]
}

/// A gauge, and its value where there is one: nothing is divided by nothing.
type Gauge = (Metric, fn(&MerchantFigures) -> Option<f64>);

const GAUGES: &[Gauge] = &[
    (catalogue::MERCHANT_ORDERS, |it| count(it.orders)),
    (catalogue::MERCHANT_UNPAID, MerchantFigures::unpaid_ratio),
    (catalogue::MERCHANT_LATE, |it| count(it.late_payments)),
    (catalogue::MERCHANT_REFUNDS, MerchantFigures::refund_ratio),
    (catalogue::MERCHANT_DISPUTES, |it| count(it.disputes)),
    (catalogue::MERCHANT_DISPUTE_RATIO, MerchantFigures::dispute_ratio),
    (catalogue::MERCHANT_DISPUTED_AMOUNT, MerchantFigures::disputed_amount_ratio),
    (catalogue::MERCHANT_RESPONSES, MerchantFigures::response_ratio),
    (catalogue::MERCHANT_DOUBLE_LOSSES, |it| count(it.double_losses)),
];

fn count(number: i64) -> Option<f64> {
    u32::try_from(number).ok().map(f64::from)
}
