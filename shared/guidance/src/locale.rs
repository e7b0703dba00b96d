//! Which templates a reader gets: RFC 4647 lookup over what there is.

/// The locale of whoever asks for none, or for none that there is.
pub const DEFAULT_LOCALE: &str = "en";

/// Regions and names of Chinese that say its script, which plain truncation would lose.
const SCRIPTS_OF_CHINESE: [(&[&str], &str); 2] = [
    (&["TW", "HK", "MO"], "zh-Hant"),
    // `zh` alone and every other region read simplified characters.
    (&[], "zh-Hans"),
];

/// Which of the available locales a language range such as `zh-Hant-TW` means; `None` of none.
///
/// The range is shortened from its end until a locale of that name is available, as RFC 4647,
/// section 3.4, describes; if none is, the default is used. Before that, Chinese without a script
/// gets one: a reader in Taiwan would otherwise end at `zh`, and from there at the characters of
/// the mainland. Letters may be of either case, and `_` may stand for `-`.
pub fn lookup<'a, L: AsRef<str>>(range: Option<&str>, available: &'a [L]) -> Option<&'a L> {
    let named = |name: &str| available.iter().find(|it| it.as_ref().eq_ignore_ascii_case(name));
    let range = range.map(|range| with_script(&range.replace('_', "-")));
    let found = range.as_deref().and_then(|range| shortened(range).find_map(named));
    found.or_else(|| named(DEFAULT_LOCALE)).or(available.first())
}

/// The range, and what is left of it as subtags are cut off its end.
fn shortened(range: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(range), |longer| {
        let (rest, _) = longer.rsplit_once('-')?;
        // A single letter introduces what was cut off, and goes with it.
        let single = rest.rsplit_once('-').filter(|(_, last)| last.len() == 1);
        Some(single.map_or(rest, |(rest, _)| rest))
    })
}

/// The range with the script of its region where it is Chinese and names none.
fn with_script(range: &str) -> String {
    let mut subtags = range.split('-');
    let language = subtags.next().unwrap_or_default();
    if !language.eq_ignore_ascii_case("zh") {
        return range.to_owned();
    }
    let rest: Vec<_> = subtags.collect();
    let is_script = |subtag: &&str| subtag.len() == 4 && !subtag.starts_with(char::is_numeric);
    if rest.first().is_some_and(is_script) {
        return range.to_owned();
    }
    let is_of = |regions: &[&str]| {
        let mut before_extensions = rest.iter().take_while(|subtag| subtag.len() > 1);
        let region = before_extensions.find(|subtag| subtag.len() == 2);
        region.is_some_and(|region| regions.iter().any(|it| it.eq_ignore_ascii_case(region)))
    };
    let (_, tag) = SCRIPTS_OF_CHINESE
        .iter()
        .find(|(regions, _)| regions.is_empty() || is_of(regions))
        .expect("the last line of the table has no condition");
    [&[*tag], &*rest].concat().join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUILT_IN: [&str; 3] = ["en", "es", "zh-Hans"];

    fn locale_of(range: &str) -> &'static str {
        lookup(Some(range), &BUILT_IN).unwrap()
    }

    #[test]
    fn a_range_ends_at_the_longest_part_of_it_that_is_available() {
        for (range, locale) in [
            ("en", "en"),
            ("EN", "en"),
            ("en-GB", "en"),
            ("en-GB-oxendict", "en"),
            ("es", "es"),
            ("es-MX", "es"),
            ("es_MX", "es"),
            ("es-419", "es"),
            ("es-u-nu-latn", "es"),
            ("es-x-a-b", "es"),
            ("zh-Hans", "zh-Hans"),
            ("zh-hans-cn", "zh-Hans"),
            ("zh-Hans-HK", "zh-Hans"),
            ("fr", "en"),
            ("esp", "en"),
            ("e", "en"),
            ("*", "en"),
            ("x-es", "en"),
            ("-es", "en"),
            ("es--MX", "es"),
            ("español", "en"),
            ("", "en"),
        ] {
            assert_eq!(locale_of(range), locale, "{range}");
        }
        assert_eq!(lookup(None, &BUILT_IN), Some(&"en"));
    }

    #[test]
    fn chinese_without_a_script_gets_the_script_of_its_region() {
        for range in ["zh", "zh-CN", "zh_CN", "zh-SG", "ZH-cn", "zh-MY", "zh-u-tw-x"] {
            assert_eq!(locale_of(range), "zh-Hans", "{range}");
        }
        for range in ["zh-TW", "zh-HK", "zh-MO", "zh-tw", "zh-Hant", "zh-Hant-TW", "zh-yue-HK"] {
            assert_eq!(locale_of(range), "en", "{range}");
            let with_traditional = ["en", "es", "zh-Hans", "zh-Hant"];
            assert_eq!(lookup(Some(range), &with_traditional), Some(&"zh-Hant"), "{range}");
        }
    }

    #[test]
    fn what_is_cut_off_takes_the_letter_before_it_along() {
        let parts: Vec<_> = shortened("zh-Hant-CN-x-private1-private2").collect();
        let expected =
            ["zh-Hant-CN-x-private1-private2", "zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant"];
        assert_eq!(parts[..4], expected);
        assert_eq!(parts[4..], ["zh"]);
    }

    #[test]
    fn without_the_default_any_locale_is_better_than_none() {
        assert_eq!(lookup(Some("fr"), &["es", "zh-Hans"]), Some(&"es"));
        assert_eq!(lookup::<&str>(Some("fr"), &[]), None);
    }

    proptest! {
        #[test]
        fn every_text_ends_at_a_locale_that_is_available(range in ".{0,40}") {
            prop_assert!(BUILT_IN.contains(&locale_of(&range)));
        }

        #[test]
        fn every_range_ends_at_a_locale_that_is_available(
            range in "(zh|es|en|[a-z]{1,8})([-_][A-Za-z0-9]{0,8}){0,6}",
        ) {
            prop_assert!(BUILT_IN.contains(&locale_of(&range)));
        }
    }
}
