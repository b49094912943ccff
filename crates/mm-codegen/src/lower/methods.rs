//! API methods and hooks.

use mm_surface::{Method as GoMethod, Param};

use super::permissions;
use super::types::Types;
use crate::Diagnostic;
use crate::ir::{Field, Method, MethodDoc, Name, Outcome, Presence, Replaces, Stream, StreamParam, Ty};
use crate::names;
use crate::overrides::{self, Kind, MethodOverride};

/// All methods that are not excluded, sorted by name.
pub(super) fn lower(methods: &[GoMethod], kind: Kind, types: &mut Types<'_>) -> Vec<Method> {
    let mut lowered: Vec<Method> = methods.iter().filter_map(|it| method(it, kind, types)).collect();
    lowered.sort_by(|a, b| a.name.go.cmp(&b.name.go));
    lowered
}

fn method(go: &GoMethod, kind: Kind, types: &mut Types<'_>) -> Option<Method> {
    let default = MethodOverride::default();
    let override_ = types.overrides.method(kind, &go.name).unwrap_or(&default);
    if override_.exclude {
        return None;
    }
    let (params, results) = match &override_.signature {
        Some(signature) => (&signature.params, &signature.results),
        None => (&go.params, &go.results),
    };
    let stream = override_.stream.unwrap_or(Stream::None);
    let (results, fails) = split_error(results);
    let (stream_params, params) = split_params(params, stream, types);
    let outcome = outcome(go, kind, override_, fails, results, types)?;
    let mut params = lower_params(go, &params, types);
    let mut results = lower_results(go, results, outcome, override_, stream, types);
    let subject = format!("{}.{}", kind.key(), go.name);
    mark_nullable(&override_.nullable, &subject, &mut params, &mut results, types);
    check_dismissible(override_, outcome, &subject, types);
    let allow_returns = allow_returns(override_, outcome, &subject, &params, &results, types);
    check_text_result(override_, &subject, &results, types);
    check_refuses(override_, outcome, kind, &subject, types);
    let replaces = replaces(override_, kind, &params, &results, &subject, types);
    let group = group(go, kind, override_, types);
    let access = (kind == Kind::Api).then(|| permissions::access(go, &group, types));
    Some(Method {
        name: names::name(&go.name),
        tags: go.tags.clone(),
        group,
        access,
        since: plain_version(override_.since.as_ref().unwrap_or(&go.since)),
        hook_id: go.id,
        request: format!("{}Request", go.name),
        response: format!("{}Response", go.name),
        params,
        stream_params,
        results,
        variadic: go.variadic && override_.signature.is_none(),
        outcome,
        dismissible: override_.dismissible,
        allow_returns,
        text_result: override_.text_result.clone(),
        replaces,
        refuses: override_.refuses,
        stream,
        doc: MethodDoc::default(),
    })
}

/// The results without a trailing error, and which error it is.
fn split_error(results: &[String]) -> (&[String], Option<Outcome>) {
    match results.split_last() {
        Some((last, rest)) if last == "*model.AppError" => (rest, Some(Outcome::ValueOrAppError)),
        Some((last, rest)) if last == "error" => (rest, Some(Outcome::ValueOrError)),
        _ => (results, None),
    }
}

fn outcome(
    go: &GoMethod,
    kind: Kind,
    override_: &MethodOverride,
    fails: Option<Outcome>,
    results: &[String],
    types: &mut Types<'_>,
) -> Option<Outcome> {
    let subject = format!("{}.{}", kind.key(), go.name);
    let fits = |outcome| match outcome {
        Outcome::Verdict => fails.is_none() && results.len() == 2 && results[1] == "string",
        Outcome::Rejection => fails.is_none() && results == ["string"],
        Outcome::Value => fails.is_none(),
        Outcome::ValueOrAppError | Outcome::ValueOrError => fails == Some(outcome),
    };
    if let Some(outcome) = override_.outcome {
        if !fits(outcome) {
            types.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                subject,
                format!("the outcome {outcome:?} does not fit the results ({})", go.results.join(", ")),
                "correct `outcome`, or remove it where Go's results say it all",
            ));
            return None;
        }
        return Some(outcome);
    }
    // A hook's trailing string may be a value or the reason of a rejection: only a person can tell.
    if kind == Kind::Hook && fails.is_none() && results.last().is_some_and(|it| it == "string") {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            subject,
            format!("the results ({}) end in a string whose meaning the types do not tell", go.results.join(", ")),
            "add `outcome = \"verdict\"`, \"rejection\" or \"value\" with a reason",
        ));
        return None;
    }
    Some(fails.unwrap_or(Outcome::Value))
}

/// The page that holds the method: an override, else the first tag; hooks have one page.
fn group(go: &GoMethod, kind: Kind, override_: &MethodOverride, types: &mut Types<'_>) -> String {
    if let Some(group) = &override_.group {
        return group.clone();
    }
    if kind == Kind::Hook {
        return "hooks".to_owned();
    }
    let Some(tag) = go.tags.first() else {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            format!("api.{}", go.name),
            "the method has no @tag upstream, so it belongs to no group",
            "add an entry with `group` and a reason",
        ));
        return "other".to_owned();
    };
    let group = names::snake(tag);
    types.overrides.group(&group).map_or(group.clone(), ToOwned::to_owned)
}

/// The parameters that the stream carries, and the others.
fn split_params<'a>(params: &'a [Param], stream: Stream, types: &Types<'_>) -> (Vec<StreamParam>, Vec<&'a Param>) {
    let mut streamed = Vec::new();
    let mut others = Vec::new();
    for (position, param) in params.iter().enumerate() {
        if stream == Stream::None || types.stream_builtin(&param.ty).is_none() {
            others.push(param);
            continue;
        }
        streamed.push(StreamParam {
            name: names::renamed(&param.name, types.overrides.param(&param.name)),
            go_type: param.ty.clone(),
            position,
            doc: String::new(),
        });
    }
    (streamed, others)
}

fn lower_params(go: &GoMethod, params: &[&Param], types: &mut Types<'_>) -> Vec<Field> {
    let mut lowered = Vec::new();
    for param in params {
        let subject = format!("{}({})", go.name, param.name);
        if param.name.is_empty() || param.name == "_" {
            types.report(
                &subject,
                "the parameter has no name",
                "give the method a `signature` in surface/overrides.toml",
            );
            continue;
        }
        let spelling = types.overrides.param(&param.name);
        let reported = types.diagnostics.len();
        if let Some(field) = types.field(&param.name, spelling, &param.ty, &subject) {
            lowered.push(field);
        } else if types.diagnostics.len() == reported {
            types.report(
                &subject,
                format!("a `{}` cannot travel", param.ty),
                "give the method a `signature` in surface/overrides.toml",
            );
        }
    }
    lowered
}

fn lower_results(
    go: &GoMethod,
    results: &[String],
    outcome: Outcome,
    override_: &MethodOverride,
    stream: Stream,
    types: &mut Types<'_>,
) -> Vec<Field> {
    let results: Vec<&String> =
        results.iter().filter(|it| stream == Stream::None || types.stream_builtin(it).is_none()).collect();
    if let Some(names) = &override_.results
        && names.len() != results.len()
    {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            go.name.clone(),
            format!("`results` names {} results, and there are {}", names.len(), results.len()),
            "name every result but the error, in Go's order",
        ));
        return Vec::new();
    }
    let mut lowered = Vec::new();
    for (index, go_type) in results.iter().enumerate() {
        let subject = format!("{} result {}", go.name, index + 1);
        let Some(mut field) = types.field("", "result", go_type, &subject) else { continue };
        let is_reason = matches!(outcome, Outcome::Verdict | Outcome::Rejection) && index + 1 == results.len();
        let name = match &override_.results {
            Some(names) => names[index].clone(),
            None if is_reason => "reason".to_owned(),
            None => result_name(&field.ty),
        };
        field.name = names::renamed("", &name);
        lowered.push(field);
    }
    lowered
}

/// Marks what may be nil: parameters by Go's name, results by ours, as Go has none for them.
fn mark_nullable(names: &[String], subject: &str, params: &mut [Field], results: &mut [Field], types: &mut Types<'_>) {
    for name in names {
        let param = params.iter_mut().find(|it| it.name.go == *name);
        let Some(field) = param.or_else(|| results.iter_mut().find(|it| it.name.snake == *name)) else {
            types.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                subject,
                format!("`nullable` names {name}, which is no parameter and no result"),
                "remove the name, or correct it: a parameter's in Go, a result's as the proto has it",
            ));
            continue;
        };
        if !matches!(field.ty, Ty::Message(_)) || field.presence != Presence::Optional {
            types.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                subject,
                format!(
                    "`nullable` names {name} of the type `{}`; only of a pointer to a struct it must be said",
                    field.go_type
                ),
                "remove the name: the type says whether it may be nil",
            ));
            continue;
        }
        field.nullable = true;
    }
}

fn check_dismissible(override_: &MethodOverride, outcome: Outcome, subject: &str, types: &mut Types<'_>) {
    if override_.dismissible && outcome != Outcome::Verdict {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            subject,
            format!("`dismissible` needs the outcome Verdict, and this one is {outcome:?}: there is no reason to give"),
            "remove `dismissible`, or correct `outcome`",
        ));
    }
}

/// The parameter that allowing gives back: it must be what the verdict may replace.
fn allow_returns(
    override_: &MethodOverride,
    outcome: Outcome,
    subject: &str,
    params: &[Field],
    results: &[Field],
    types: &mut Types<'_>,
) -> Option<Name> {
    let go = override_.allow_returns.as_ref()?;
    let replaced = results.first().filter(|_| outcome == Outcome::Verdict);
    let found = params.iter().find(|it| it.name.go == *go && replaced.is_some_and(|result| result.ty == it.ty));
    if found.is_none() {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            subject,
            format!("`allow_returns` names {go}, which is no parameter that the hook's verdict could replace"),
            "name a parameter, as Go spells it, of the type of the first result, and let `outcome` be \"verdict\"; or remove it",
        ));
    }
    found.map(|it| it.name.clone())
}

/// That the result is one model. Its fields are not lowered yet: `pass::check_names` looks for them.
fn check_text_result(override_: &MethodOverride, subject: &str, results: &[Field], types: &mut Types<'_>) {
    if override_.text_result.is_some() && !matches!(results, [Field { ty: Ty::Message(_), .. }]) {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            subject,
            "`text_result` needs one result that is a struct, and this method has another",
            "remove `text_result`",
        ));
    }
}

fn check_refuses(override_: &MethodOverride, outcome: Outcome, kind: Kind, subject: &str, types: &mut Types<'_>) {
    let fits = kind == Kind::Hook && matches!(outcome, Outcome::ValueOrError | Outcome::ValueOrAppError);
    if override_.refuses && !fits {
        types.diagnostics.push(Diagnostic::new(
            overrides::FILE,
            subject,
            "`refuses` is for hooks whose last result is an error, and this is none",
            "remove `refuses`",
        ));
    }
}

/// What the first result replaces: a parameter of the same type.
fn replaces(
    override_: &MethodOverride,
    kind: Kind,
    params: &[Field],
    results: &[Field],
    subject: &str,
    types: &mut Types<'_>,
) -> Option<Replaces> {
    let wanted = override_.replaces.as_ref()?;
    let result = results.first().map(|it| &it.ty);
    let param = params.iter().find(|it| it.name.go == wanted.param && Some(&it.ty) == result);
    match param {
        Some(param) if kind == Kind::Hook && matches!(param.ty, Ty::Message(_)) => {
            Some(Replaces { param: param.name.rust.clone(), with: wanted.with })
        }
        _ => {
            types.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                subject,
                format!(
                    "`replaces` names {}, which is no struct among a hook's parameters, or not of the first result's type",
                    wanted.param
                ),
                "name the parameter, as Go does, whose place the first result takes",
            ));
            None
        }
    }
}

/// `user` for a message, `users` for a list of them, else `result`.
fn result_name(ty: &Ty) -> String {
    match ty {
        Ty::Message(name) => names::snake(name),
        Ty::List(element) => match &**element {
            Ty::Message(name) => plural(&names::snake(name)),
            _ => "result".to_owned(),
        },
        _ => "result".to_owned(),
    }
}

/// English enough for the type names at hand.
pub(super) fn plural(word: &str) -> String {
    if let Some(stem) = word.strip_suffix('y') {
        return format!("{stem}ies");
    }
    let sibilant = ["us", "ss", "x", "ch", "sh"].iter().any(|end| word.ends_with(end));
    match word {
        _ if sibilant => format!("{word}es"),
        _ if word.ends_with('s') => word.to_owned(),
        _ => format!("{word}s"),
    }
}

/// A version without leading zeros: upstream writes `11.00` once.
fn plain_version(version: &str) -> String {
    let part = |it: &str| it.parse::<u32>().map_or_else(|_| it.to_owned(), |number| number.to_string());
    version.split('.').map(part).collect::<Vec<_>>().join(".")
}
