//! Which pointers may be nil. Go's types do not say it, so each case is listed with its reason.
//!
//! Everything that is not here is a model that is there: parameters must be given, results are never `None` (a call that
//! has no result raises).

/// A pointer that may be nil: (method or hook, parameter or result as Go or the IR names it, why).
type Case = (&'static str, &'static str, &'static str);

/// Parameters of API methods that may be `None`, and then need not be given when they are last.
const API_PARAMETERS: [Case; 1] =
    [("GetGroups", "viewRestrictions", "nil means that the caller may see everything, which is the usual case")];

/// Results of API methods that may be `None` although the call succeeded.
const API_RESULTS: [Case; 2] = [
    ("GetLicense", "license", "a server without a licence has none"),
    ("ExecuteSlashCommand", "command_response", "a command may answer nothing"),
];

/// Parameters of hooks that may be `None`.
const HOOK_PARAMETERS: [Case; 4] = [
    ("UserHasJoinedChannel", "actor", "nil when the user joined alone"),
    ("UserHasLeftChannel", "actor", "nil when the user left alone"),
    ("UserHasJoinedTeam", "actor", "nil when the user joined alone"),
    ("UserHasLeftTeam", "actor", "nil when the user left alone"),
];

pub(crate) fn api_parameter(method: &str, parameter: &str) -> bool {
    holds(&API_PARAMETERS, method, parameter)
}

pub(crate) fn api_result(method: &str, result: &str) -> bool {
    holds(&API_RESULTS, method, result)
}

pub(crate) fn hook_parameter(hook: &str, parameter: &str) -> bool {
    holds(&HOOK_PARAMETERS, hook, parameter)
}

fn holds(cases: &[Case], method: &str, name: &str) -> bool {
    cases.iter().any(|(it, parameter, _)| *it == method && *parameter == name)
}

/// All cases as (method or hook, parameter or result), for the test that none is stale.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    API_PARAMETERS.iter().chain(&API_RESULTS).chain(&HOOK_PARAMETERS).map(|(method, name, _)| (*method, *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_in_the_surface() {
        let read = |name: &str| {
            let path = format!("{}/../../surface/{name}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let inputs = mm_codegen::Inputs {
            surface: read("surface.json"),
            overrides: read("overrides.toml"),
            docs: read("docs.toml"),
            wire_lock: read("wire.lock"),
            allow_missing_docs: true,
        };
        let ir = mm_codegen::load(&inputs).expect("the surface loads");
        for (method, name) in all() {
            let methods = ir.api.iter().chain(&ir.hooks).filter(|it| it.name.go == method);
            let fields = methods.flat_map(|it| it.params.iter().chain(&it.results));
            let found = fields.into_iter().any(|it| it.name.go == name || it.name.snake == name);
            assert!(found, "{method} has no parameter or result {name}: remove the case");
        }
    }
}
