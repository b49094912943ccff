//! Words joined per language, and the one case change that is not ours: prost's.

use heck::ToUpperCamelCase as _;

/// `get_user`
pub(super) fn snake(words: &[String]) -> String {
    words.join("_")
}

/// `GET_USER`
pub(super) fn upper_snake(words: &[String]) -> String {
    snake(words).to_ascii_uppercase()
}

/// `GetUser`
pub(super) fn camel(words: &[String]) -> String {
    words.iter().map(|word| capitalised(word)).collect()
}

/// The Rust name that prost gives to a proto message: `ServeHTTPRequest` becomes `ServeHttpRequest`.
pub fn rust_type(proto: &str) -> String {
    let name = proto.to_upper_camel_case();
    // The only reserved word that looks like a type.
    if name == "Self" { "Self_".to_owned() } else { name }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
