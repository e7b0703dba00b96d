//! The templates of every locale: read, checked and filled.

mod catalogue;
mod check;
mod problem;
mod source;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use self::catalogue::Catalogue;
pub use self::problem::{Defect, Part, Problem};
use self::source::Source;
use crate::format::Zone;
use crate::locale::{DEFAULT_LOCALE, lookup};
use crate::notification::{Audience, Notification, Purpose};

/// The templates of every locale, read and checked once.
pub struct Templates {
    /// One per locale; never empty.
    catalogues: Vec<Catalogue>,
}

/// A notification in its reader's language, whatever channel it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// Which template, such as `order-paid`.
    pub template_id: &'static str,
    /// The locale of the template, which may be more general than the one asked for.
    pub locale: String,
    /// Who reads it.
    pub audience: Audience,
    /// What it is for.
    pub purpose: Purpose,
    /// A line for a subject or a heading.
    pub title: String,
    /// The whole of it, in paragraphs of plain text.
    pub text: String,
    /// The whole of it in one line, for channels that show no more, and to be read aloud.
    pub text_alternative: String,
    /// What the template was filled with, as data: for channels with templates of their own.
    pub params: Notification,
}

impl Templates {
    /// The templates that are part of the program.
    pub fn built_in() -> Self {
        let built = Self::build(source::built_in());
        built.unwrap_or_else(|problems| panic!("a test keeps the built-in templates: {problems:?}"))
    }

    /// The templates of a folder, which take the place of all that are built in.
    ///
    /// It has a folder per locale, with one or more `.ftl` files; `en` must be among them.
    ///
    /// # Errors
    /// Everything that is wrong with them, so that one look at the list mends it all.
    pub fn load(folder: &Path) -> Result<Self, Vec<Problem>> {
        Self::build(source::read(folder)?)
    }

    fn build(sources: Vec<Source>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if !sources.iter().any(|source| source.locale == DEFAULT_LOCALE) {
            problems.push(Problem::at(DEFAULT_LOCALE.to_owned(), Defect::DefaultMissing));
        }
        let mut catalogues = Vec::new();
        for source in sources {
            match Catalogue::of(source) {
                Ok(catalogue) => catalogues.push(catalogue),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self { catalogues }) } else { Err(problems) }
    }

    /// The locales there are.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.catalogues.iter().map(AsRef::as_ref)
    }

    /// A notification in the order's locale, with times in the reader's zone.
    pub fn render(
        &self,
        notification: &Notification,
        locale: Option<&str>,
        zone: &Zone,
    ) -> Rendered {
        let catalogue = lookup(locale, &self.catalogues);
        let catalogue = catalogue.expect("no templates are made without the default locale");
        let (parts, errors) = catalogue.fill(notification, zone);
        // Every template was filled once when it was loaded.
        debug_assert!(errors.is_empty(), "{errors:?}");
        Rendered {
            template_id: notification.template_id(),
            locale: catalogue.as_ref().to_owned(),
            audience: notification.audience(),
            purpose: notification.purpose(),
            title: parts.title,
            text: parts.text,
            text_alternative: parts.alternative,
            params: notification.clone(),
        }
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locales()).finish()
    }
}

#[cfg(test)]
mod tests;
