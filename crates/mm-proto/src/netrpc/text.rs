//! Values as texts, in the form of Go's `%+v`: that is how Go's plugins send what they log.

use std::fmt::Write as _;

use crate::plugin::v1::Value;
use crate::plugin::v1::value::Kind;

/// Every value as the text it is logged as.
pub(super) fn texts(values: Vec<Value>) -> Vec<Value> {
    values.into_iter().map(|value| Value { kind: Some(Kind::StringValue(text(value))) }).collect()
}

fn text(value: Value) -> String {
    if let Some(Kind::StringValue(text)) = value.kind {
        return text;
    }
    let mut out = String::new();
    write(&value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    let Some(kind) = &value.kind else {
        out.push_str("<nil>");
        return;
    };
    // Writing to a `String` never fails.
    let _ = match kind {
        Kind::NullValue(_) => write!(out, "<nil>"),
        Kind::BoolValue(it) => write!(out, "{it}"),
        Kind::IntValue(it) => write!(out, "{it}"),
        Kind::UintValue(it) => write!(out, "{it}"),
        Kind::DoubleValue(it) => write!(out, "{}", float(*it)),
        Kind::StringValue(it) => write!(out, "{it}"),
        Kind::BytesValue(it) => {
            list(it, out, |byte, out| {
                let _ = write!(out, "{byte}");
            });
            Ok(())
        }
        Kind::ListValue(it) => {
            list(&it.values, out, write);
            Ok(())
        }
        Kind::MapValue(it) => {
            out.push_str("map");
            list(&it.values, out, |(name, value), out| {
                let _ = write!(out, "{name}:");
                write(value, out);
            });
            Ok(())
        }
        Kind::ErrorValue(it) => write!(out, "{}", crate::ApiError::Plain((**it).clone())),
        // Go would print where they are in memory.
        Kind::MessageAttachments(it) => write!(out, "{:?}", it.values),
        Kind::AutocompleteDynamicListArg(it) => write!(out, "{it:?}"),
        Kind::AutocompleteStaticListArg(it) => write!(out, "{it:?}"),
        Kind::AutocompleteTextArg(it) => write!(out, "{it:?}"),
        Kind::PreviewPost(it) => write!(out, "{it:?}"),
        Kind::PropertyOptions(it) => write!(out, "{:?}", it.values),
    };
}

/// `[a b c]`
fn list<T>(items: impl IntoIterator<Item = T>, out: &mut String, mut write: impl FnMut(T, &mut String)) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        write(item, out);
    }
    out.push(']');
}

/// The shortest digits that give the number back; an exponent of at least two digits from 1e21 on and below 1e-4.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 || (1e-4..1e21).contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |it| ('-', it));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plugin::v1::{ErrorValue, ValueList, ValueMap};

    fn of(kind: Kind) -> String {
        text(Value { kind: Some(kind) })
    }

    #[test]
    fn texts_are_those_of_go() {
        let value = |kind| Value { kind: Some(kind) };
        assert_eq!(text(Value::default()), "<nil>");
        assert_eq!(of(Kind::NullValue(0)), "<nil>");
        assert_eq!(of(Kind::BoolValue(true)), "true");
        assert_eq!(of(Kind::IntValue(-7)), "-7");
        assert_eq!(of(Kind::UintValue(u64::MAX)), "18446744073709551615");
        assert_eq!(of(Kind::StringValue("a b".into())), "a b");
        assert_eq!(of(Kind::BytesValue(vec![1, 255].into())), "[1 255]");
        let error = ErrorValue { message: "gone".into(), ..ErrorValue::default() };
        assert_eq!(of(Kind::ErrorValue(Box::new(error))), "gone");
        let items = vec![value(Kind::StringValue("x".into())), Value::default(), value(Kind::DoubleValue(1.5))];
        let inner = value(Kind::ListValue(ValueList { values: items }));
        let pairs = BTreeMap::from([("b".to_owned(), inner), ("a".to_owned(), value(Kind::IntValue(1)))]);
        assert_eq!(of(Kind::MapValue(ValueMap { values: pairs })), "map[a:1 b:[x <nil> 1.5]]");
        assert_eq!(of(Kind::ListValue(ValueList::default())), "[]");
    }

    #[test]
    fn floats_are_those_of_go() {
        for (value, text) in [
            (0.0, "0"),
            (3.0, "3"),
            (0.1, "0.1"),
            (-2.5e-3, "-0.0025"),
            (1e-5, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
