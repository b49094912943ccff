//! `server.python.limits` and `server.python.sandbox`: what the plugin's process may use of the machine.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::named::one_of;

/// Less does not start a Python with the SDK.
const LEAST_MEMORY: u64 = 32 << 20;

/// Fewer are needed for sockets, pipes and imports.
const LEAST_FILES: u64 = 32;

/// Fewer are needed for the SDK's own threads.
const LEAST_PROCESSES: u64 = 8;

/// `server.python.limits`. What is left out is not limited.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessLimits {
    /// Memory of the plugin's process and what it starts: `"512M"`, `"1G"`, or a number of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// How many files, sockets and pipes may be open at the same time in each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// How many processes and threads there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// How many processors' time may be used: 0.5 is half of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
}

/// `server.python.sandbox`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxLevel {
    /// The process may do what its user may.
    #[default]
    Off,
    /// It may change no file but those in a temporary folder of its own.
    Files,
}

impl SandboxLevel {
    /// Whether there is none.
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

impl<'de> Deserialize<'de> for SandboxLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_of(deserializer, &[("off", Self::Off), ("files", Self::Files)], "\"off\" or \"files\"")
    }
}

impl ProcessLimits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first limit that no plugin could run under: its key and what is wrong.
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        let least = |key, value: Option<u64>, least: u64| {
            let value = value.filter(|it| *it < least)?;
            Some((key, format!("{value} is too little for Python and the SDK: write {least} or more")))
        };
        if let Some(memory) = self.memory.filter(|it| it.0 < LEAST_MEMORY) {
            return Some((
                "memory",
                format!("{memory} is too little for Python and the SDK: write {} or more", Bytes(LEAST_MEMORY)),
            ));
        }
        if let Some(cpu) = self.cpu.filter(|it| !it.is_finite() || *it < 0.01) {
            return Some(("cpu", format!("{cpu} is no share of a processor: write 0.5 for half of one, 2 for two")));
        }
        least("open_files", self.open_files, LEAST_FILES)
            .or_else(|| least("processes", self.processes, LEAST_PROCESSES))
    }
}

/// A number of bytes, written as people do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bytes(pub u64);

impl Bytes {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic() || it == ' ');
        let shift = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
            "" | "B" => 0,
            "K" | "KB" | "KIB" => 10,
            "M" | "MB" | "MIB" => 20,
            "G" | "GB" | "GIB" => 30,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(1 << shift).map(Self)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            it if it >= 1 << 30 && it.is_multiple_of(1 << 30) => write!(f, "{}G", it >> 30),
            it if it >= 1 << 20 && it.is_multiple_of(1 << 20) => write!(f, "{}M", it >> 20),
            it => write!(f, "{it}"),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of memory such as \"512M\" or \"1G\"")
            }

            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
                Bytes::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: &str) -> Result<ProcessLimits, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, bytes) in
            [("\"512M\"", 512 << 20), ("\"1 GiB\"", 1 << 30), ("\"64mb\"", 64 << 20), ("1048576", 1 << 20)]
        {
            assert_eq!(limits(&format!("{{\"memory\": {text}}}")).unwrap().memory, Some(Bytes(bytes)), "{text}");
        }
        for text in ["\"much\"", "\"-1M\"", "\"99999999999G\"", "\"1T\"", "1.5"] {
            let error = limits(&format!("{{\"memory\": {text}}}")).unwrap_err();
            assert!(error.contains("an amount of memory such as"), "{text}: {error}");
        }
        assert_eq!(Bytes(512 << 20).to_string(), "512M");
        assert_eq!(serde_json::to_string(&Bytes(1 << 30)).unwrap(), "\"1G\"");
    }

    #[test]
    fn a_misspelled_limit_is_a_mistake() {
        assert!(limits(r#"{"memroy": "1G"}"#).unwrap_err().contains("unknown field `memroy`"));
    }

    #[test]
    fn limits_that_nothing_could_run_under_are_named() {
        let problem = |json: &str| limits(json).unwrap().problem().map(|(key, _)| key);
        assert_eq!(problem("{}"), None);
        assert_eq!(problem(r#"{"memory": "64M", "open_files": 64, "processes": 16, "cpu": 0.5}"#), None);
        assert_eq!(problem(r#"{"memory": "1M"}"#), Some("memory"));
        assert_eq!(problem(r#"{"open_files": 3}"#), Some("open_files"));
        assert_eq!(problem(r#"{"processes": 1}"#), Some("processes"));
        assert_eq!(problem(r#"{"cpu": 0}"#), Some("cpu"));
    }
}
