//! JSON values as the API's `Value`, and back for people to read.

use mm_proto::plugin::v1::value::Kind;
use mm_proto::plugin::v1::{Value, ValueList, ValueMap};
use serde_json::Number;

/// A JSON value as a `Value`. Whole numbers stay whole.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(it) => Kind::BoolValue(*it),
        serde_json::Value::Number(it) => number(it),
        serde_json::Value::String(it) => Kind::StringValue(it.clone()),
        serde_json::Value::Array(items) => Kind::ListValue(ValueList { values: items.iter().map(from_json).collect() }),
        serde_json::Value::Object(fields) => {
            let values = fields.iter().map(|(name, it)| (name.clone(), from_json(it))).collect();
            Kind::MapValue(ValueMap { values })
        }
    };
    Value { kind: Some(kind) }
}

fn number(it: &Number) -> Kind {
    match (it.as_i64(), it.as_u64()) {
        (Some(it), _) => Kind::IntValue(it),
        (None, Some(it)) => Kind::UintValue(it),
        (None, None) => Kind::DoubleValue(it.as_f64().unwrap_or_default()),
    }
}

/// A `Value` as JSON, for people: what JSON has no form for becomes a text that names its kind.
#[cfg(feature = "dev")]
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    let Some(kind) = &value.kind else { return serde_json::Value::Null };
    match kind {
        Kind::NullValue(_) => serde_json::Value::Null,
        Kind::BoolValue(it) => (*it).into(),
        Kind::IntValue(it) => (*it).into(),
        Kind::UintValue(it) => (*it).into(),
        Kind::DoubleValue(it) => (*it).into(),
        Kind::StringValue(it) => it.clone().into(),
        Kind::BytesValue(it) => format!("<{} bytes>", it.len()).into(),
        Kind::ListValue(it) => it.values.iter().map(to_json).collect::<Vec<_>>().into(),
        Kind::MapValue(it) => {
            let sorted: std::collections::BTreeMap<_, _> = it.values.iter().collect();
            let fields: serde_json::Map<String, serde_json::Value> =
                sorted.into_iter().map(|(name, it)| (name.clone(), to_json(it))).collect();
            fields.into()
        }
        Kind::ErrorValue(it) => format!("<error: {}>", it.message).into(),
        Kind::MessageAttachments(it) => format!("<{} attachments>", it.values.len()).into(),
        Kind::AutocompleteDynamicListArg(_) | Kind::AutocompleteStaticListArg(_) | Kind::AutocompleteTextArg(_) => {
            "<argument>".into()
        }
        Kind::PreviewPost(_) => "<post>".into(),
        Kind::PropertyOptions(it) => format!("<{} options>", it.values.len()).into(),
    }
}

#[cfg(all(test, feature = "dev"))]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back_as_it_was() {
        let json = serde_json::json!({"a": [null, true, 3, -3, 2.5, u64::MAX, "x"], "b": {"c": {}}});
        assert_eq!(to_json(&from_json(&json)), json);
        assert_eq!(
            from_json(&serde_json::json!(9_007_199_254_740_993_i64)).kind,
            Some(Kind::IntValue(9_007_199_254_740_993))
        );
    }
}
