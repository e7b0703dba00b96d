//! What can be wrong with templates, and what to do about it.

use std::fmt;

/// A part of a template; all three say the same, for channels of different size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A line for a subject or a heading.
    Title,
    /// The whole of it, in paragraphs.
    Text,
    /// The whole of it in one line.
    Alternative,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 3] = [Self::Title, Self::Text, Self::Alternative];

    /// Its attribute in a template file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Text => "text",
            Self::Alternative => "alternative",
        }
    }

    /// The most characters it may have with the longest values filled in.
    pub fn limit(self) -> usize {
        match self {
            // What RFC 5322 recommends for a line, so that no mail program cuts a subject.
            Self::Title => 78,
            // A screen of a telephone, or two.
            Self::Text => 1_000,
            // Two parts of a long SMS in Latin letters.
            Self::Alternative => 306,
        }
    }

    /// Whether it may have paragraphs.
    pub fn has_lines(self) -> bool {
        match self {
            Self::Text => true,
            Self::Title | Self::Alternative => false,
        }
    }
}

/// Something that is wrong with templates, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a file with its line, or a locale with the template and its part.
    pub place: String,
    /// What.
    pub defect: Defect,
}

impl Problem {
    pub(super) fn at(place: String, defect: Defect) -> Self {
        Self { place, defect }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.defect)
    }
}

impl std::error::Error for Problem {}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// A file or folder could not be read.
    #[error("cannot be read ({0}): check that it exists, is UTF-8, and may be read")]
    Unreadable(String),
    /// The locale that everybody else falls back to is not there.
    #[error("the default locale is missing: add its folder")]
    DefaultMissing,
    /// A folder is not named after a locale.
    #[error("not a locale: name the folder by a BCP 47 tag in its usual case, such as zh-Hans")]
    NotALocale,
    /// A file breaks the syntax of Fluent.
    #[error("not valid Fluent: {0}")]
    Syntax(String),
    /// Two messages have one name.
    #[error("defined twice: remove one of them")]
    Duplicate,
    /// A template that we send is not there.
    #[error("missing: add this template, with `.title`, `.text` and `.alternative`")]
    Missing,
    /// A part is not there.
    #[error("missing: add this part")]
    MissingPart,
    /// A message is no template that we send.
    #[error("no such template: remove it, or correct its name")]
    UnknownTemplate,
    /// A template has something that is never shown.
    #[error("no such part: only `.title`, `.text` and `.alternative` are shown")]
    UnknownPart,
    /// A template shows what it is not filled with.
    #[error("${0} is not a parameter of this template; it has {1}")]
    UnknownParameter(String, String),
    /// A part leaves out what the reader must know.
    #[error("${0} is not used: the part must say everything by itself")]
    UnusedParameter(&'static str),
    /// A term is used that no file of the locale defines.
    #[error("-{0} is not defined: add `-{0} = ..` to a file of this locale")]
    UnknownTerm(String),
    /// A template calls a function or another message.
    #[error("refers to {0}: only parameters, plurals and terms (such as -shop) are offered")]
    NotOffered(String),
    /// A template cannot be filled.
    #[error("cannot be filled: {0}")]
    Unresolvable(String),
    /// A part is too long for its channel.
    #[error("{length} characters with the longest values, at most {limit}: shorten it")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A part of one line has several.
    #[error("has a line break: write it in one line")]
    LineBreak,
    /// A part is not plain text.
    #[error("has `{0}`, which is shown as it is: write plain text without markup")]
    Markup(char),
    /// A part has a character that cannot be seen.
    #[error("has the character U+{:04X}, which cannot be seen: remove it", u32::from(*.0))]
    Invisible(char),
}
