//! Amounts: digits by ICU, the place of the currency and its symbol by CLDR 48.

use contracts::{Currency, Money};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;

/// Keeps an amount and its currency on one line.
const NO_BREAK_SPACE: char = '\u{a0}';

/// Where a language puts the currency, and the symbols its readers know.
///
/// ICU4X has no stable formatter of currencies yet, so this is stated here: the standard pattern
/// and every symbol that differs from the code, of the currencies that we know.
struct Convention {
    language: &'static str,
    symbol_first: bool,
    symbols: &'static [(&'static str, &'static str)],
}

const CONVENTIONS: [Convention; 3] = [
    Convention {
        language: "en",
        symbol_first: true,
        symbols: &[
            ("AUD", "A$"),
            ("BRL", "R$"),
            ("CAD", "CA$"),
            ("CNY", "CN¥"),
            ("EUR", "€"),
            ("GBP", "£"),
            ("HKD", "HK$"),
            ("ILS", "₪"),
            ("INR", "₹"),
            ("JPY", "¥"),
            ("KRW", "₩"),
            ("MXN", "MX$"),
            ("NZD", "NZ$"),
            ("PHP", "₱"),
            ("TWD", "NT$"),
            ("USD", "$"),
            ("VND", "₫"),
            ("XAF", "FCFA"),
            ("XCD", "EC$"),
            ("XCG", "Cg."),
            ("XOF", "F\u{a0}CFA"),
            ("XPF", "CFPF"),
        ],
    },
    Convention {
        language: "es",
        symbol_first: false,
        symbols: &[
            ("EUR", "€"),
            ("THB", "฿"),
            ("USD", "US$"),
            ("VND", "₫"),
            ("XCG", "Cg."),
            ("XPF", "CFPF"),
        ],
    },
    Convention {
        language: "zh",
        symbol_first: true,
        symbols: &[
            ("AUD", "AU$"),
            ("BRL", "R$"),
            ("CAD", "CA$"),
            ("CNY", "¥"),
            ("EUR", "€"),
            ("GBP", "£"),
            ("HKD", "HK$"),
            ("ILS", "₪"),
            ("INR", "₹"),
            ("JPY", "JP¥"),
            ("KRW", "₩"),
            ("MXN", "MX$"),
            ("NZD", "NZ$"),
            ("TWD", "NT$"),
            ("USD", "US$"),
            ("VND", "₫"),
            ("XAF", "FCFA"),
            ("XCD", "EC$"),
            ("XCG", "Cg."),
            ("XOF", "F\u{a0}CFA"),
            ("XPF", "CFPF"),
        ],
    },
];

/// For a language that is not stated above: the code first, as in CLDR's root.
const ELSEWHERE: Convention = Convention { language: "und", symbol_first: true, symbols: &[] };

impl Convention {
    fn of(language: &str) -> &'static Self {
        CONVENTIONS.iter().find(|it| it.language == language).unwrap_or(&ELSEWHERE)
    }

    fn symbol(&self, currency: Currency) -> &'static str {
        let known = self.symbols.iter().find(|(code, _)| *code == currency.code());
        known.map_or(currency.code(), |(_, symbol)| symbol)
    }
}

/// How a locale writes amounts.
#[derive(Debug)]
pub(super) struct MoneyFormat {
    digits: DecimalFormatter,
    convention: &'static Convention,
}

impl std::fmt::Debug for Convention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.language)
    }
}

impl MoneyFormat {
    pub(super) fn of(locale: &Locale) -> Self {
        let digits = DecimalFormatter::try_new(locale.into(), DecimalFormatterOptions::default())
            .expect("the data of every locale is part of the program, and falls back to the root");
        Self { digits, convention: Convention::of(locale.id.language.as_str()) }
    }

    /// The amount with its currency's own number of decimals (cases 52 and 53).
    pub(super) fn text(&self, money: Money) -> String {
        let mut number = Decimal::from(money.minor());
        number.multiply_pow10(-i16::from(money.currency().exponent()));
        let digits = self.digits.format(&number);
        let symbol = self.convention.symbol(money.currency());
        if !self.convention.symbol_first {
            return format!("{digits}{NO_BREAK_SPACE}{symbol}");
        }
        // A letter would read as part of the number; a sign such as `$` does not.
        let is_word = symbol.ends_with(|last: char| last.is_alphanumeric() || last == '.');
        if is_word {
            format!("{symbol}{NO_BREAK_SPACE}{digits}")
        } else {
            format!("{symbol}{digits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(locale: &str, code: &str, minor: i64) -> String {
        let format = MoneyFormat::of(&locale.parse().unwrap());
        format.text(Money::new(minor, code.parse().unwrap()).unwrap()).replace('\u{a0}', "~")
    }

    /// The expected texts are those of ICU 78 (CLDR 48).
    #[test]
    fn case_052_and_053_amounts_are_written_as_cldr_does() {
        for (code, minor, en, es, zh) in [
            ("EUR", 123_450, "€1,234.50", "1234,50~€", "€1,234.50"),
            ("EUR", 1_234_500, "€12,345.00", "12.345,00~€", "€12,345.00"),
            ("EUR", 5, "€0.05", "0,05~€", "€0.05"),
            ("JPY", 1_234, "¥1,234", "1234~JPY", "JP¥1,234"),
            ("JPY", 12_345, "¥12,345", "12.345~JPY", "JP¥12,345"),
            ("KWD", 1_234_567_891, "KWD~1,234,567.891", "1.234.567,891~KWD", "KWD~1,234,567.891"),
            ("KWD", 1, "KWD~0.001", "0,001~KWD", "KWD~0.001"),
            ("CLF", 12_345, "CLF~1.2345", "1,2345~CLF", "CLF~1.2345"),
            ("CHF", 5_800, "CHF~58.00", "58,00~CHF", "CHF~58.00"),
            ("USD", 0, "$0.00", "0,00~US$", "US$0.00"),
            (
                "USD",
                Money::MAX_MINOR,
                "$9,999,999,999.99",
                "9.999.999.999,99~US$",
                "US$9,999,999,999.99",
            ),
            ("CNY", 100, "CN¥1.00", "1,00~CNY", "¥1.00"),
            ("XOF", 100, "F~CFA~100", "100~XOF", "F~CFA~100"),
            ("XCG", 100, "Cg.~1.00", "1,00~Cg.", "Cg.~1.00"),
        ] {
            let texts = ["en", "es", "zh-Hans"].map(|locale| written(locale, code, minor));
            assert_eq!(texts, [en, es, zh], "{code} {minor}");
        }
    }

    #[test]
    fn every_currency_is_written_with_its_own_decimals_in_every_locale() {
        for currency in Currency::all() {
            for locale in ["en", "es", "zh-Hans", "fr"] {
                let text = written(locale, currency.code(), Money::MAX_MINOR);
                let decimal_point = if matches!(locale, "es" | "fr") { ',' } else { '.' };
                let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
                let decimals = text.rsplit_once(decimal_point).map_or(0, |(_, it)| digits(it));
                let expected = (12, usize::from(currency.exponent()));
                assert_eq!((digits(&text), decimals), expected, "{text}");
            }
        }
    }

    #[test]
    fn symbols_are_those_of_currencies_we_know() {
        for convention in CONVENTIONS {
            for (code, symbol) in convention.symbols {
                assert!(code.parse::<Currency>().is_ok() && *code != *symbol, "{code}");
            }
        }
    }

    #[test]
    fn a_language_without_a_convention_shows_the_code() {
        assert_eq!(written("de", "EUR", 123_450), "EUR~1.234,50");
    }
}
