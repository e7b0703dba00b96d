//! What was found, in words that may be kept.

/// What kind of card data was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The number of a card.
    CardNumber,
    /// The code printed beside it (CVV, CVC, CID), or a PIN.
    SecurityCode,
    /// What the magnetic stripe or the chip holds.
    TrackData,
    /// An encrypted PIN.
    PinBlock,
}

impl Kind {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CardNumber => "card-number",
            Self::SecurityCode => "security-code",
            Self::TrackData => "track-data",
            Self::PinBlock => "pin-block",
        }
    }
}

/// Card data in a message: what it is and where, and no more of it than may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// JSON pointer to it, without what might give it away; empty if there is none.
    pub pointer: String,
    /// What may be shown of the card's number, where there is one.
    pub card: Option<Truncated>,
}

/// A card's number without its middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// Which network and bank issued it.
    pub first_six: String,
    /// What its holder knows it by.
    pub last_four: String,
    /// How many digits it has.
    pub digits: usize,
}

impl Truncated {
    /// Keeps the ends of a number of at least 13 digits, each a value from 0 to 9.
    pub(crate) fn of(digits: &[u8]) -> Self {
        let text = |digits: &[u8]| digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        Self {
            first_six: text(&digits[..6]),
            last_four: text(&digits[digits.len() - 4..]),
            digits: digits.len(),
        }
    }
}

/// What was found at which byte of the text that was looked at.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    pub(crate) card: Option<Truncated>,
}
