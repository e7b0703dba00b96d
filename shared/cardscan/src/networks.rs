//! Which numbers the card networks issue.

/// Fewest digits of a card number.
pub(crate) const MIN_DIGITS: usize = 13;
/// Most digits of a card number.
pub(crate) const MAX_DIGITS: usize = 19;
/// Digits that tell a network, and the most that may be shown of the beginning.
pub(crate) const PREFIX_DIGITS: usize = 6;

/// A set of lengths, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths(u32);

impl Lengths {
    const NONE: Self = Self::of(&[]);

    const fn of(lengths: &[u32]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < lengths.len() {
            bits |= 1 << lengths[index];
            index += 1;
        }
        Self(bits)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The lengths, shortest first.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (MIN_DIGITS..=MAX_DIGITS).filter(move |length| self.0 & (1 << length) != 0)
    }
}

/// A block of numbers that begin alike.
struct Block {
    /// The first six digits, from here ...
    first: u32,
    /// ... to here.
    last: u32,
    /// Lengths of cards that are in use.
    usual: Lengths,
    /// Lengths that are allowed, and are hardly or no longer issued.
    rare: Lengths,
}

const fn block(first: u32, last: u32, usual: &[u32], rare: &[u32]) -> Block {
    Block { first, last, usual: Lengths::of(usual), rare: Lengths::of(rare) }
}

/// Every block, by its first number.
///
/// UATP (1, of 15 digits) is left out: airlines bill it, shops do not take it, and every time in
/// milliseconds or microseconds begins with 1. Blocks that are too wide to tell anything, such as
/// all of 50 and 56 to 69 for Maestro, are narrowed to what its issuers use.
const BLOCKS: [Block; 30] = [
    block(220_000, 220_499, &[16], &[17, 18, 19]), // Mir
    block(222_100, 272_099, &[16], &[]),           // Mastercard
    block(300_000, 305_999, &[14], &[16, 17, 18, 19]), // Diners Club
    block(309_500, 309_599, &[14], &[16, 17, 18, 19]), // Diners Club
    block(340_000, 349_999, &[15], &[]),           // American Express
    block(352_800, 358_999, &[16], &[17, 18, 19]), // JCB
    block(360_000, 369_999, &[14], &[15, 16, 17, 18, 19]), // Diners Club
    block(370_000, 379_999, &[15], &[]),           // American Express
    block(380_000, 399_999, &[14], &[16, 17, 18, 19]), // Diners Club
    block(400_000, 499_999, &[16], &[13, 19]),     // Visa
    block(501_800, 501_899, &[16], &[13, 15, 18, 19]), // Maestro
    block(502_000, 502_099, &[16], &[13, 15, 18, 19]), // Maestro
    block(503_800, 503_899, &[16], &[13, 15, 18, 19]), // Maestro
    block(506_699, 506_778, &[16], &[]),           // Elo
    block(508_000, 508_999, &[16], &[]),           // RuPay
    block(509_000, 509_999, &[16], &[]),           // Elo
    block(510_000, 559_999, &[16], &[]),           // Mastercard
    block(589_300, 589_399, &[16], &[13, 15, 18, 19]), // Maestro
    block(600_000, 601_099, &[16], &[]),           // RuPay
    block(601_100, 601_199, &[16], &[17, 18, 19]), // Discover
    block(601_200, 609_999, &[16], &[]),           // RuPay
    block(620_000, 629_999, &[16, 17, 18, 19], &[]), // UnionPay
    block(630_400, 630_499, &[16], &[13, 15, 18, 19]), // Maestro
    block(636_297, 636_368, &[16], &[]),           // Elo
    block(639_000, 639_099, &[16], &[13, 15, 18, 19]), // Maestro
    block(644_000, 659_999, &[16], &[17, 18, 19]), // Discover
    block(670_000, 679_999, &[16], &[13, 15, 17, 18, 19]), // Maestro
    block(810_000, 817_199, &[16], &[17, 18, 19]), // UnionPay
    block(817_200, 829_999, &[], &[16]),           // RuPay
    block(979_200, 979_299, &[16], &[]),           // Troy
];

/// The lengths of cards whose number begins with these digits, rare ones only if asked for.
pub(crate) fn lengths(digits: &[u8], with_rare: bool) -> Lengths {
    let number = |number: u32, digit: &u8| number * 10 + u32::from(*digit);
    let prefix = digits[..PREFIX_DIGITS].iter().fold(0, number);
    let after = BLOCKS.partition_point(|block| block.first <= prefix);
    let block = BLOCKS[..after].last().filter(|block| prefix <= block.last);
    block.map_or(
        Lengths::NONE,
        |block| {
            if with_rare { block.usual.and(block.rare) } else { block.usual }
        },
    )
}

/// Whether the last digit checks the others, as on every card.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let weighed = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit }));
    weighed.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    fn of(prefix: &str, with_rare: bool) -> Vec<usize> {
        lengths(&digits(prefix), with_rare).iter().collect()
    }

    #[test]
    fn blocks_are_sorted_and_do_not_overlap() {
        assert!(BLOCKS.iter().all(|block| block.first <= block.last));
        assert!(BLOCKS.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn a_prefix_has_the_lengths_of_its_network() {
        assert_eq!(of("411111", false), [16]);
        assert_eq!(of("411111", true), [13, 16, 19]);
        assert_eq!(of("222100", true), [16]);
        assert_eq!(of("222099", true), [0; 0]);
        assert_eq!(of("272099", true), [16]);
        assert_eq!(of("272100", true), [0; 0]);
        assert_eq!(of("378282", true), [15]);
        assert_eq!(of("305693", false), [14]);
        assert_eq!(of("621234", false), [16, 17, 18, 19]);
        assert_eq!(of("177236", true), [0; 0]);
    }

    #[test]
    fn the_check_digit_is_checked() {
        assert!(luhn(&digits("4111111111111111")));
        assert!(luhn(&digits("378282246310005")));
        assert!(!luhn(&digits("4111111111111112")));
    }
}
