//! API keys: shown once, kept as hashes, and easy for a scanner to tell when one leaks.

use std::collections::HashMap;
use std::fmt;

use ring::digest;

use crate::config::{KeyHolder, KeySetting};
use crate::identity::{NoRandomness, random_bytes};

/// What every key begins with.
const KEY_MARK: &str = "telness_key_";

/// A new key, to be shown once. It does not print by accident.
pub struct KeyText(String);

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(secret)")
    }
}

impl KeyText {
    /// A key of 256 random bits.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn fresh() -> Result<Self, NoRandomness> {
        let bytes: [u8; 32] = random_bytes()?;
        let mut text = String::from(KEY_MARK);
        bytes.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
        Ok(Self(text))
    }

    /// The key itself, for showing it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// The keys of a node, by their hashes.
#[derive(Debug, Default)]
pub struct Keys(HashMap<[u8; 32], KeyHolder>);

impl Keys {
    /// The keys of the settings.
    #[must_use]
    pub fn new(settings: &[KeySetting]) -> Self {
        Self(settings.iter().map(|key| (key.sha256, key.holder.clone())).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whom a key proves. What is compared is a hash, so its timing tells nothing of the keys.
    #[must_use]
    pub fn holder_of(&self, key: &str) -> Option<&KeyHolder> {
        self.0.get(&sha256(key))
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}
