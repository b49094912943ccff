//! The front page, the table of everything Go plugins have, and the simulator's page.

use mm_codegen::ir::{Method, Stream};

use super::api::title;
use super::coverage::Coverage;
use super::nodes::{ParityPage, ParityRow, Readme, SimulatorGroup, SimulatorPage};
use super::text::code_link;
use crate::context::Context;
use crate::lower::api;
use crate::lower::hooks::handled;
use crate::names;

pub(super) fn readme(context: &Context<'_>, coverage: &Coverage, header: &str) -> Readme {
    Readme {
        header: header.to_owned(),
        version: context.ir.upstream_version.clone(),
        n_methods: context.ir.api.len(),
        n_hooks: handled(context).count(),
        n_types: context.module_of.len(),
        n_permissions: context.ir.permissions.len(),
        has_simulator: coverage.is_known(),
    }
}

pub(super) fn page(context: &Context<'_>, coverage: &Coverage, header: &str) -> ParityPage {
    let api = context.ir.api.iter().map(|it| {
        let target = format!("api/{}.md#{}", names::module(&it.group), it.name.python);
        row(it, &it.name.python, &target, if coverage.has(&it.name.go) { "yes" } else { "no" })
    });
    let hooks = handled(context)
        .map(|it| row(it, &it.name.python, &hook_target(it), if coverage.calls(&it.name.go) { "yes" } else { "no" }));
    let api: Vec<ParityRow> = api.collect();
    let hooks: Vec<ParityRow> = hooks.collect();
    ParityPage {
        header: header.to_owned(),
        version: context.ir.upstream_version.clone(),
        has_simulator: coverage.is_known(),
        n_simulated: api.iter().filter(|it| it.simulator == "yes").count(),
        n_called: hooks.iter().filter(|it| it.simulator == "yes").count(),
        api,
        hooks,
    }
}

fn hook_target(hook: &Method) -> String {
    format!("hooks/index.md#{}", hook.name.go.to_lowercase())
}

fn row(method: &Method, python: &str, target: &str, simulator: &'static str) -> ParityRow {
    ParityRow {
        go: method.name.go.clone(),
        python: code_link(python, target),
        since: method.since.clone(),
        stream: stream(method.stream),
        simulator,
    }
}

fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::None => "no",
        Stream::HttpExchange | Stream::HttpCall => "HTTP, both ways",
        Stream::FileExchange => "file, both ways",
        Stream::Upload => "bytes in",
    }
}

pub(super) fn simulator(context: &Context<'_>, coverage: &Coverage, header: &str) -> SimulatorPage {
    let groups = api::groups(context).into_iter().map(|(group, methods)| {
        let links = |simulated: bool| {
            let chosen = methods.iter().filter(move |it| coverage.has(&it.name.go) == simulated);
            chosen.map(|it| code_link(&it.name.python, &format!("api/{group}.md#{}", it.name.python))).collect()
        };
        SimulatorGroup { title: title(&group), simulated: links(true), missing: links(false) }
    });
    let n_simulated = context.ir.api.iter().filter(|it| coverage.has(&it.name.go)).count();
    let never_called = handled(context).filter(|it| !coverage.calls(&it.name.go));
    let never_called: Vec<String> = never_called.map(|it| code_link(&it.name.python, &hook_target(it))).collect();
    let n_hooks = handled(context).count();
    SimulatorPage {
        header: header.to_owned(),
        n_methods: context.ir.api.len(),
        n_simulated,
        groups: groups.collect(),
        n_hooks,
        n_called: n_hooks - never_called.len(),
        never_called,
    }
}
