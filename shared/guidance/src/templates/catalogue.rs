//! The templates of one locale.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use icu_locale_core::Locale;
use unic_langid::{CharacterDirection, LanguageIdentifier};

use super::check::{self, Report};
use super::problem::{Defect, Part, Problem};
use super::source::Source;
use crate::format::{Formats, Zone};
use crate::notification::Notification;

/// The templates of one locale, with its conventions.
pub(super) struct Catalogue {
    locale: String,
    bundle: FluentBundle<FluentResource>,
    formats: Formats,
}

impl AsRef<str> for Catalogue {
    fn as_ref(&self) -> &str {
        &self.locale
    }
}

/// The parts of a template with its values filled in.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) alternative: String,
}

impl Parts {
    pub(super) fn get(&self, part: Part) -> &str {
        match part {
            Part::Title => &self.title,
            Part::Text => &self.text,
            Part::Alternative => &self.alternative,
        }
    }
}

impl Catalogue {
    /// The templates of a locale.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn of(source: Source) -> Result<Self, Vec<Problem>> {
        let Some((language, formats)) = conventions(&source.locale) else {
            return Err(vec![Problem::at(source.locale, Defect::NotALocale)]);
        };
        let mut report = Report::on(&source.locale);
        let mut bundle = FluentBundle::new_concurrent(vec![language.clone()]);
        // Values are written from left to right, as is the text around them in most languages:
        // there, marks would only show up as boxes in channels that do not know them.
        bundle.set_use_isolating(language.character_direction() == CharacterDirection::RTL);
        for (file, text) in source.files {
            let resource = parsed(&file, text, &mut report);
            report.entries(&resource);
            for error in bundle.add_resource(resource).err().into_iter().flatten() {
                report.not_added(&error);
            }
        }
        report.missing();
        let catalogue = Self { locale: source.locale.clone(), bundle, formats };
        // What is missing cannot be measured.
        if report.is_empty() {
            check::lengths(&catalogue, &mut report);
        }
        report.finish().map(|()| catalogue)
    }

    /// The parts of a notification, and why some of it could not be filled.
    pub(super) fn fill(
        &self,
        notification: &Notification,
        zone: &Zone,
    ) -> (Parts, Vec<FluentError>) {
        let values = notification.values().into_iter();
        let values: FluentArgs<'_> =
            values.map(|(name, shown)| (name, self.formats.value(shown, zone))).collect();
        let mut errors = Vec::new();
        let mut part = |part: Part| {
            let message = self.bundle.get_message(notification.template_id())?;
            let pattern = message.get_attribute(part.name())?.value();
            Some(self.bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned())
        };
        let parts = Parts {
            title: part(Part::Title).unwrap_or_default(),
            text: part(Part::Text).unwrap_or_default(),
            alternative: part(Part::Alternative).unwrap_or_default(),
        };
        (parts, errors)
    }
}

#[cfg(test)]
impl Catalogue {
    /// A value as the templates show it.
    pub(super) fn value(&self, shown: crate::format::Shown, zone: &Zone) -> String {
        match self.formats.value(shown, zone) {
            fluent_bundle::FluentValue::String(text) => text.into_owned(),
            fluent_bundle::FluentValue::Number(number) => number.as_string().into_owned(),
            other => panic!("no template shows {other:?}"),
        }
    }
}

/// What a locale is to Fluent, and its formats; `None` when the name is not one in its usual case.
fn conventions(name: &str) -> Option<(LanguageIdentifier, Formats)> {
    let locale: Locale = name.parse().ok()?;
    let language: LanguageIdentifier = name.parse().ok()?;
    (locale.to_string() == name).then(|| (language, Formats::of(&locale)))
}

fn parsed(file: &str, text: String, report: &mut Report<'_>) -> FluentResource {
    FluentResource::try_new(text).unwrap_or_else(|(resource, errors)| {
        for error in errors {
            let line = resource.source()[..error.pos.start].matches('\n').count() + 1;
            report.add(format!("{file}:{line}"), Defect::Syntax(error.kind.to_string()));
        }
        resource
    })
}
