//! The environment of the plugin's process: an allow-list, because the server's own environment holds the database password.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What is passed on when it is set: where programs, the home and temporary folders are, language, time zone, certificates, proxies.
const ALLOWED: [&str; 24] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "USER",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Names that begin so are passed on: the locale's parts, and what an administrator means for plugins.
const ALLOWED_PREFIXES: [&str; 2] = ["LC_", "PLUGIN_"];

/// Those variables of `all` that a plugin may see.
pub(crate) fn allowed(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<OsString, OsString> {
    all.filter(|(name, _)| is_allowed(name)).collect()
}

fn is_allowed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    ALLOWED.contains(&name) || ALLOWED_PREFIXES.iter().any(|it| name.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list_passes() {
        let all = [
            "PATH",
            "LC_ALL",
            "PLUGIN_MODE",
            "MM_SQLSETTINGS_DATASOURCE",
            "AWS_SECRET_ACCESS_KEY",
            "PYTHONPATH",
            "https_proxy",
        ];
        let passed = allowed(all.iter().map(|it| (OsString::from(it), OsString::from("x"))));
        assert_eq!(passed.keys().collect::<Vec<_>>(), ["LC_ALL", "PATH", "PLUGIN_MODE", "https_proxy"]);
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(ALLOWED.is_sorted());
    }
}
