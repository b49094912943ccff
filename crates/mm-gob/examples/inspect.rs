//! Prints what is in a gob stream, without knowing its types:
//!
//! ```sh
//! cargo run --example inspect < some.gob
//! ```

use mm_gob::dynamic::Value;
use mm_gob::{ReadError, Reader};

fn main() -> Result<(), ReadError> {
    let mut reader = Reader::new(std::io::stdin().lock());
    while let Some(typed) = reader.decode_dynamic()? {
        let name = typed.ty.definition().map(|definition| definition.name().to_string()).unwrap_or_default();
        println!("{name}{}", show(&typed.value));
    }
    Ok(())
}

/// A value on one line, somewhat like Go prints it.
fn show(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Complex(real, imaginary) => format!("({real}+{imaginary}i)"),
        Value::String(text) => format!("{text:?}"),
        Value::RawString(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Value::Bytes(bytes) | Value::Marshaled(bytes) => format!("{bytes:02x?}"),
        Value::List(values) => format!("[{}]", list(values.iter().map(show).collect())),
        Value::Map(pairs) => {
            format!("[{}]", list(pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value))).collect()))
        }
        Value::Struct(fields) => {
            format!("{{{}}}", list(fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect()))
        }
        Value::Interface(None) => "nil".to_owned(),
        Value::Interface(Some(content)) => format!("{}({})", content.name, show(&content.value)),
    }
}
