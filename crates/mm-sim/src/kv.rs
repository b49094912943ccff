//! The key-value store of one plugin: expiry, compare-and-set, listing, and Mattermost's limits.

use std::collections::BTreeMap;

use mm_proto::plugin::v1;
use prost::bytes::Bytes;

use crate::errors::{self, BAD_REQUEST, Result};

/// Keys longer than this many characters are refused.
const MAX_KEY: usize = 150;
/// Plugin ids longer than this many characters are refused.
const MAX_PLUGIN_ID: usize = 190;
/// What a list call gives when it asks for no number of keys.
const DEFAULT_PAGE: i64 = 10;

/// Keys and values of one plugin, ordered by key.
#[derive(Default)]
pub(crate) struct KvStore {
    entries: BTreeMap<String, KvEntry>,
}

struct KvEntry {
    value: Bytes,
    /// Milliseconds since the Unix epoch; 0 = never.
    expires_at: i64,
}

impl KvEntry {
    fn alive(&self, now: i64) -> bool {
        self.expires_at == 0 || self.expires_at > now
    }
}

impl KvStore {
    pub(crate) fn get(&self, key: &str, now: i64) -> Option<&Bytes> {
        self.entries.get(key).filter(|entry| entry.alive(now)).map(|entry| &entry.value)
    }

    /// Stores, or deletes when the value is empty: Go's nil and an empty value cannot be told apart on the wire.
    /// Says whether something was stored, which only an atomic call can deny.
    pub(crate) fn set(
        &mut self,
        plugin_id: &str,
        key: &str,
        value: Bytes,
        options: &v1::PluginKvSetOptions,
        now: i64,
    ) -> Result<bool> {
        if !options.atomic && !options.old_value.is_empty() {
            return Err(errors::app(
                "PluginKVSetOptions.IsValid",
                "model.plugin_kvset_options.is_valid.old_value.app_error",
                BAD_REQUEST,
                "An old value is compared in atomic calls only: set atomic, or leave the old value out.",
            ));
        }
        check(plugin_id, key)?;
        if options.atomic {
            if value.is_empty() {
                return self.compare_and_delete(plugin_id, key, &options.old_value, now);
            }
            let current = self.get(key, now);
            let matches =
                if options.old_value.is_empty() { current.is_none() } else { current == Some(&options.old_value) };
            if !matches {
                return Ok(false);
            }
        } else if value.is_empty() {
            self.entries.remove(key);
            return Ok(true);
        }
        let expires_at = match options.expire_in_seconds {
            0 => 0,
            seconds => now.saturating_add(seconds.saturating_mul(1000)),
        };
        self.entries.insert(key.to_owned(), KvEntry { value, expires_at });
        Ok(true)
    }

    pub(crate) fn compare_and_delete(&mut self, plugin_id: &str, key: &str, old: &[u8], now: i64) -> Result<bool> {
        check(plugin_id, key)?;
        if old.is_empty() || self.get(key, now).is_none_or(|value| value != old) {
            return Ok(false);
        }
        Ok(self.entries.remove(key).is_some())
    }

    pub(crate) fn delete(&mut self, key: &str) {
        self.entries.remove(key);
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// One page of the keys, in order.
    pub(crate) fn list(&self, page: i64, per_page: i64, now: i64) -> Vec<String> {
        let limit = if per_page <= 0 { DEFAULT_PAGE } else { per_page };
        let offset = page.saturating_mul(per_page).max(0);
        let alive = self.entries.iter().filter(|(_, entry)| entry.alive(now)).map(|(key, _)| key.clone());
        alive.skip(offset as usize).take(limit as usize).collect()
    }
}

fn check(plugin_id: &str, key: &str) -> Result<()> {
    let refuse = |field: &str, max: usize| {
        Err(errors::app_with(
            "PluginKeyValue.IsValid",
            &format!("model.plugin_key_value.is_valid.{field}.app_error"),
            BAD_REQUEST,
            format!("It must be 1 to {max} characters long."),
            format!("key={key}"),
        ))
    };
    if plugin_id.is_empty() || plugin_id.chars().count() > MAX_PLUGIN_ID {
        return refuse("plugin_id", MAX_PLUGIN_ID);
    }
    if key.is_empty() || key.chars().count() > MAX_KEY {
        return refuse("key", MAX_KEY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atomic(old: &[u8]) -> v1::PluginKvSetOptions {
        v1::PluginKvSetOptions { atomic: true, old_value: Bytes::copy_from_slice(old), ..Default::default() }
    }

    #[test]
    fn compare_and_set_needs_the_old_value() {
        let mut kv = KvStore::default();
        assert!(kv.set("p", "k", Bytes::from_static(b"1"), &atomic(b""), 0).unwrap());
        assert!(!kv.set("p", "k", Bytes::from_static(b"2"), &atomic(b""), 0).unwrap());
        assert!(!kv.set("p", "k", Bytes::from_static(b"2"), &atomic(b"9"), 0).unwrap());
        assert!(kv.set("p", "k", Bytes::from_static(b"2"), &atomic(b"1"), 0).unwrap());
        assert_eq!(kv.get("k", 0), Some(&Bytes::from_static(b"2")));
        assert!(!kv.compare_and_delete("p", "k", b"1", 0).unwrap());
        assert!(kv.compare_and_delete("p", "k", b"2", 0).unwrap());
        assert_eq!(kv.get("k", 0), None);
    }

    #[test]
    fn expired_keys_are_as_if_never_set() {
        let mut kv = KvStore::default();
        let second = v1::PluginKvSetOptions { expire_in_seconds: 1, ..Default::default() };
        kv.set("p", "k", Bytes::from_static(b"1"), &second, 0).unwrap();
        assert_eq!((kv.get("k", 999).is_some(), kv.get("k", 1000)), (true, None));
        assert!(kv.list(0, 10, 1000).is_empty());
        assert!(kv.set("p", "k", Bytes::from_static(b"2"), &atomic(b""), 1000).unwrap());
    }

    #[test]
    fn lists_are_sorted_and_paged() {
        let mut kv = KvStore::default();
        for key in ["c", "a", "b"] {
            kv.set("p", key, Bytes::from_static(b"1"), &Default::default(), 0).unwrap();
        }
        assert_eq!(kv.list(0, 2, 0), ["a", "b"]);
        assert_eq!(kv.list(1, 2, 0), ["c"]);
        assert_eq!(kv.list(0, 0, 0).len(), 3);
    }

    #[test]
    fn limits_are_those_of_mattermost() {
        let mut kv = KvStore::default();
        let long = "ü".repeat(150);
        assert!(kv.set("p", &long, Bytes::from_static(b"1"), &Default::default(), 0).is_ok());
        assert!(kv.set("p", &(long + "x"), Bytes::from_static(b"1"), &Default::default(), 0).is_err());
        assert!(kv.set("p", "", Bytes::from_static(b"1"), &Default::default(), 0).is_err());
    }
}
