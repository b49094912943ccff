//! How each method goes over net/rpc: which of the hand-written functions of mm-proto's `netrpc` does it.

use serde::Serialize;

use super::nodes::BY_HAND;
use crate::ir::{Field, Ir, Method, Outcome, Replacement, Replaces, Stream, Ty};
use crate::names;

#[derive(Serialize)]
pub(super) struct Service<'a> {
    header: &'a str,
    /// `api`, `hooks`: the module of the structs, and the start of the files' names.
    pub file: &'static str,
    /// `PluginApi`
    name: &'static str,
    /// `ApiClient`
    client: &'static str,
    methods: Vec<Call>,
    /// The macros that the routes use.
    macros: Vec<&'static str>,
    /// Whether any method's result is read over the original.
    merges: bool,
}

#[derive(Serialize)]
struct Call {
    go: String,
    snake: String,
    camel: String,
    request: String,
    response: String,
    /// `unary`, `upload`, `exchange`
    shape: &'static str,
    /// By name in mm-proto what calls the method, and what serves it; "" where that is left to code by hand.
    calls: &'static str,
    serves: &'static str,
    /// The Rust type of the error behind the results, "" if there is none.
    error: &'static str,
    /// The parameter whose values are sent as texts.
    texts: Option<String>,
    /// The result that is a configuration, or the parameter.
    settings: Option<String>,
    replaces: Option<Replaced>,
}

#[derive(Serialize)]
struct Replaced {
    param: String,
    result: String,
    /// The result that says why there is no replacement, "" if there is none.
    reason: String,
    /// A member of `Replacement` in mm-proto.
    with: &'static str,
}

pub(super) fn services<'a>(ir: &Ir, header: &'a str) -> Result<[Service<'a>; 2], String> {
    let service = |file, name, client, methods: &[Method]| {
        let methods = methods.iter().map(|it| call(it, ir)).collect::<Result<Vec<_>, String>>()?;
        let mut macros: Vec<_> = methods.iter().map(|it| it.serves).filter(|it| !it.is_empty()).collect();
        macros.sort_unstable();
        macros.dedup();
        let merges = methods.iter().any(|it| it.calls == "merged");
        Ok::<_, String>(Service { header, file, name, client, methods, macros, merges })
    };
    Ok([service("api", "PluginApi", "ApiClient", &ir.api)?, service("hooks", "PluginHooks", "HooksClient", &ir.hooks)?])
}

fn call(method: &Method, ir: &Ir) -> Result<Call, String> {
    let go = method.name.go.as_str();
    let is_hook = method.hook_id.is_some();
    let error = match method.outcome {
        Outcome::ValueOrAppError => "v1::AppError",
        Outcome::ValueOrError => "v1::ErrorValue",
        Outcome::Value | Outcome::Verdict | Outcome::Rejection => "",
    };
    let plain = if error.is_empty() { "plain" } else { "fallible" };
    let by_hand = method.stream != Stream::None || BY_HAND.contains(&go);
    let settings = [&method.params, &method.results].map(|it| it.iter().find(|it| is_settings(it, ir)));
    let replaces = method.replaces.as_ref().filter(|_| !by_hand);
    let (calls, serves) = match (settings, replaces) {
        _ if by_hand => ("", ""),
        ([Some(_), Some(_)], Some(_)) if is_hook && method.refuses && plain == "fallible" => (plain, "settings"),
        ([Some(_), None], None) if !is_hook && plain == "fallible" => ("saves_settings", plain),
        ([None, Some(_)], None) if !is_hook && plain == "plain" => ("reads_settings", plain),
        ([None, None], Some(it)) if method.outcome == Outcome::Verdict => {
            (if it.with == Replacement::Merged { "merged" } else { plain }, "replacing")
        }
        ([None, None], None) if method.allow_returns.is_some() => (plain, "replacing"),
        ([None, None], None) => (plain, if method.refuses { "refusing" } else { plain }),
        _ => {
            return Err(format!("{go}: nothing by hand serves a method that is both what it is and a configuration's"));
        }
    };
    let replaced = match (replaces, &method.allow_returns) {
        (Some(Replaces { param, with: Replacement::Merged }), _) => Some((param, "Merged")),
        (Some(Replaces { param, with: Replacement::Whole }), _) => Some((param, "Whole")),
        (None, Some(param)) => Some((&param.rust, "Required")),
        (None, None) => None,
    };
    let replaced = replaced.map(|(param, with)| Replaced {
        param: param.clone(),
        result: method.results[0].name.rust.clone(),
        reason: method.results.get(1).map(|it| it.name.rust.clone()).unwrap_or_default(),
        with,
    });
    Ok(Call {
        go: go.to_owned(),
        snake: method.name.rust.clone(),
        camel: names::rust_type(go),
        request: names::rust_type(&method.request),
        response: names::rust_type(&method.response),
        shape: match method.stream {
            Stream::None => "unary",
            Stream::Upload => "upload",
            Stream::HttpExchange | Stream::HttpCall | Stream::FileExchange => "exchange",
        },
        calls,
        serves,
        error,
        texts: method.params.last().filter(|it| method.variadic && is_values(it)).map(|it| it.name.rust.clone()),
        settings: settings[1].or(settings[0]).map(|it| it.name.rust.clone()),
        replaces: replaced,
    })
}

/// What Go's plugins turn into texts before they send it: `...any`.
fn is_values(field: &Field) -> bool {
    matches!(&field.ty, Ty::List(element) if **element == Ty::Value)
}

fn is_settings(field: &Field, ir: &Ir) -> bool {
    matches!(&field.ty, Ty::Message(name) if ir.messages.get(name).is_some_and(|it| it.never_nil))
}
