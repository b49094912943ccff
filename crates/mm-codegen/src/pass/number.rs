//! After this pass every field has its number from the ledger, and the ledger knows every field; what the ledger alone
//! knows is reserved.

use std::collections::BTreeSet;

use super::Context;
use crate::ir::{Field, Ir, Stream};
use crate::proto::field_type;
use crate::wire_lock::WireLock;

/// `ErrorValue.code` and `.message` come first and are fixed.
const FIRST_ERROR_VARIANT: u32 = 3;
/// The plain kinds of `Value` come first and are fixed; some room is left for more.
const FIRST_VALUE_VARIANT: u32 = 16;

pub(super) fn run(ir: &mut Ir, context: &mut Context) {
    let mut used: BTreeSet<(String, u32)> = BTreeSet::new();
    let lock = &mut context.lock;
    let mut number = |message: &str, fields: &mut [Field], first| {
        for field in fields {
            field.number = lock.number(message, &field.name.snake, &field_type(&field.ty), first);
            used.insert((message.to_owned(), field.number));
        }
    };
    number("Value", &mut ir.value_variants, FIRST_VALUE_VARIANT);
    number("ErrorValue", &mut ir.error_variants, FIRST_ERROR_VARIANT);
    for (name, message) in &mut ir.messages {
        number(name, &mut message.fields, 1);
    }
    for (name, message) in &mut ir.stream_messages {
        number(name, &mut message.message.fields, 1);
    }
    for method in ir.api.iter_mut().chain(&mut ir.hooks) {
        // A streaming method's parameters are the fields of its `Start`, its results those of its `Result`, which have
        // their numbers already; the ledger gives the same ones again.
        let (request, response) = argument_messages(&method.name.go, method.stream);
        number(&request, &mut method.params, 1);
        number(&response, &mut method.results, 1);
    }
    retire(lock, &used);
    ir.reserved = messages(&used).into_iter().map(|it| (it.to_owned(), lock.reserved(it))).collect();
    ir.reserved.retain(|_, reserved| !reserved.is_empty());
}

fn argument_messages(go: &str, stream: Stream) -> (String, String) {
    let (request, response) = match stream {
        Stream::None => ("Request", "Response"),
        Stream::HttpExchange | Stream::HttpCall | Stream::Upload => ("Start", "Response"),
        Stream::FileExchange => ("Start", "Result"),
    };
    (format!("{go}{request}"), format!("{go}{response}"))
}

fn retire(lock: &mut WireLock, used: &BTreeSet<(String, u32)>) {
    lock.retire(|message, number| used.contains(&(message.to_owned(), number)));
}

fn messages(used: &BTreeSet<(String, u32)>) -> BTreeSet<&str> {
    used.iter().map(|(message, _)| message.as_str()).collect()
}
