//! AES-256-GCM over small pieces: a random nonce in front, the tag behind.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The random generator of the system gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRandomness;

/// What was sealed with another key, sealed for another place, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOurs;

/// A key that seals and opens; it is never shown.
#[derive(Clone, Debug)]
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    /// The cipher of a key.
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the algorithm's length");
        Self(LessSafeKey::new(key))
    }

    /// Seals what can be opened with the same context only.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed,
            )
            .expect("a message is far below the algorithm's limit of 64 GiB");
        sealed.splice(..0, nonce);
        Ok(sealed)
    }

    /// What was sealed with this key in this context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(NotOurs)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut opened = sealed.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(context), &mut opened);
        let length = plain.map(|plain| plain.len()).or(Err(NotOurs))?;
        opened.truncate(length);
        Ok(opened)
    }
}

/// Random bytes, fit for keys.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).or(Err(NoRandomness))?;
    Ok(bytes)
}

/// One context of several parts; other parts never make the same.
pub(crate) fn context(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Vec::new();
    for part in parts {
        let length = u64::try_from(part.len()).expect("a length fits 64 bits");
        context.extend(length.to_be_bytes());
        context.extend_from_slice(part);
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_own_context_only() {
        let cipher = Cipher::new(&[7; KEY_BYTES]);
        let sealed = cipher.seal(b"here", b"a body").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"a body"));
        assert_eq!(cipher.open(b"here", &sealed).unwrap(), b"a body");
        assert_eq!(cipher.open(b"there", &sealed), Err(NotOurs));
        assert_eq!(Cipher::new(&[8; KEY_BYTES]).open(b"here", &sealed), Err(NotOurs));
        assert_eq!(cipher.open(b"here", b"short"), Err(NotOurs));
    }

    #[test]
    fn a_changed_bit_is_noticed_and_no_two_seals_are_alike() {
        let cipher = Cipher::new(&[7; KEY_BYTES]);
        let sealed = cipher.seal(b"", b"a body").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(cipher.open(b"", &changed), Err(NotOurs), "byte {place}");
        }
        assert_ne!(cipher.seal(b"", b"a body").unwrap(), sealed);
    }

    #[test]
    fn parts_that_run_together_differ() {
        assert_ne!(context(&[b"ab", b"c"]), context(&[b"a", b"bc"]));
    }
}
