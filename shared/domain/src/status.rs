//! Statuses as closed enums with the names that the database uses.

use std::fmt;

/// A status that is stored by name and moves along legal edges only.
pub trait Status: Copy + Eq + fmt::Debug + Send + Sync + 'static {
    /// Every status of this kind.
    const ALL: &'static [Self];

    /// The stored name.
    fn name(self) -> &'static str;

    /// Reads a stored name.
    ///
    /// # Errors
    /// When no status has this name: the row was not written by us.
    fn parse(name: &str) -> Result<Self, UnknownStatus> {
        let known = Self::ALL.iter().copied().find(|status| status.name() == name);
        known.ok_or_else(|| UnknownStatus { name: name.to_owned() })
    }
}

/// A stored name that no status has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status `{name}`")]
pub struct UnknownStatus {
    /// The name found.
    pub name: String,
}

/// Declares a closed enum whose variants have stored names.
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::status::Status for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::status::Status::name(*self))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::status::Status::name(*self))
            }
        }
    };
}
pub(crate) use named;
