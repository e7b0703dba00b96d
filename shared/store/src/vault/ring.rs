//! The master keys of a process, read from its key file.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::cipher::{Cipher, KEY_BYTES, NoRandomness, NotOurs, context};

/// Longest name of a master key.
const NAME_BYTES: usize = 64;

/// The keys that wrap the keys of subjects; the first one wraps new ones.
///
/// None of them is ever shown.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Arc<[MasterKey]>,
    read_only: bool,
}

/// One of them.
pub(crate) struct MasterKey {
    name: String,
    cipher: Cipher,
    proof: [u8; 32],
}

/// Why a key file cannot be used; does not repeat any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// A line is not a name and a key.
    #[error("line {line} must be a name, a space, and 32 bytes in base64: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no key in it.
    #[error("it holds no key")]
    Empty,
}

impl KeyRing {
    /// The keys of a file: a name and 32 bytes in base64 per line, the current key first.
    ///
    /// Empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// Names the first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (line, content) in (1..).zip(text.lines().map(str::trim)) {
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let wrong = |reason| InvalidKeys::Line { line, reason };
            let key = MasterKey::parse(content).map_err(wrong)?;
            if keys.iter().any(|known| known.name == key.name) {
                return Err(wrong("its name is taken by an earlier line"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(InvalidKeys::Empty);
        }
        Ok(Self { keys: keys.into(), read_only: false })
    }

    /// The same keys for opening what is stored; new content is stored in clear.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// The name of the key that wraps new keys; `None` when new content is stored in clear.
    pub fn current_name(&self) -> Option<&str> {
        self.current().map(MasterKey::name)
    }

    /// The key that wraps new keys.
    pub(crate) fn current(&self) -> Option<&MasterKey> {
        self.keys.first().filter(|_| !self.read_only)
    }

    /// A key by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl MasterKey {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let (name, key) = line.split_once(char::is_whitespace).ok_or("the key is missing")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.len() > NAME_BYTES || !name.bytes().all(plain) {
            return Err("the name must be at most 64 letters, digits, `-`, `_` and `.`");
        }
        let key = STANDARD.decode(key.trim()).or(Err("the key is not base64"))?;
        let key: [u8; KEY_BYTES] = key.try_into().or(Err("the key has another length"))?;
        let proof = Sha256::new().chain_update("orderflow master key").chain_update(key);
        Ok(Self {
            name: name.to_owned(),
            cipher: Cipher::new(&key),
            proof: proof.finalize().into(),
        })
    }

    /// Its name, stored with everything that it wraps.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Tells two keys of one name apart, without telling the key.
    pub(crate) fn proof(&self) -> &[u8; 32] {
        &self.proof
    }

    /// Wraps the key of a subject, which is known by its id.
    pub(crate) fn wrap(&self, id: Uuid, key: &[u8; KEY_BYTES]) -> Result<Vec<u8>, NoRandomness> {
        self.cipher.seal(&of_key(id), key)
    }

    /// The key of a subject.
    pub(crate) fn unwrap_key(&self, id: Uuid, wrapped: &[u8]) -> Result<[u8; KEY_BYTES], NotOurs> {
        self.cipher.open(&of_key(id), wrapped)?.try_into().or(Err(NotOurs))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.name)
    }
}

fn of_key(id: Uuid) -> Vec<u8> {
    context(&[b"subject key", id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn the_first_key_wraps_and_every_key_unwraps() {
        let id = Uuid::from_u128(1);
        let old = KeyRing::parse(&format!("old {ONE}")).unwrap();
        let wrapped = old.current().unwrap().wrap(id, &[9; KEY_BYTES]).unwrap();
        let ring = KeyRing::parse(&format!("# two of them\n\nnew {TWO}\nold {ONE}\n")).unwrap();
        assert_eq!(ring.current_name(), Some("new"));
        assert_eq!(ring.named("old").unwrap().unwrap_key(id, &wrapped), Ok([9; KEY_BYTES]));
        assert_eq!(ring.named("new").unwrap().unwrap_key(id, &wrapped), Err(NotOurs));
        let other = Uuid::from_u128(2);
        assert_eq!(ring.named("old").unwrap().unwrap_key(other, &wrapped), Err(NotOurs));
        assert_eq!(ring.read_only().current_name(), None);
    }

    #[test]
    fn a_bad_file_is_refused_by_its_line_and_no_key_is_shown() {
        for (text, line) in [
            ("lonely", 1),
            ("k not-base64!", 1),
            ("k AQEB", 1),
            (&format!("a {ONE}\na {TWO}"), 2),
            (&format!("# so\nb/d {ONE}"), 2),
        ] {
            let error = KeyRing::parse(text).unwrap_err();
            let InvalidKeys::Line { line: found, .. } = error else { panic!("{error}") };
            assert_eq!(found, line, "{text}");
            assert!(!error.to_string().contains("AQEB"), "{error}");
        }
        assert_eq!(KeyRing::parse("# none\n").unwrap_err(), InvalidKeys::Empty);
        assert!(!format!("{:?}", KeyRing::parse(&format!("k {ONE}")).unwrap()).contains("1, 1"));
    }
}
