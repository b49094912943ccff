//! Values of a manifest that are one of a few words.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Reads one of these words; anything else is answered with `expecting`. A derived reader would take `true` for a mistake in the JSON.
pub(super) fn one_of<'de, D, T>(
    deserializer: D,
    words: &'static [(&'static str, T)],
    expecting: &'static str,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Copy,
{
    deserializer.deserialize_str(OneOf { words, expecting })
}

struct OneOf<T: 'static> {
    words: &'static [(&'static str, T)],
    expecting: &'static str,
}

impl<T: Copy> Visitor<'_> for OneOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let word = self.words.iter().find(|(it, _)| *it == text);
        word.map(|(_, value)| *value).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
