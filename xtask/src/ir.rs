//! `cargo xtask ir`: shows the IR after a stage, whole or one node of it, or what a stage changed.

use std::collections::BTreeMap;

use anyhow::Context as _;
use mm_codegen::Stage;
use mm_codegen::ir::Ir;
use similar::TextDiff;

use crate::{output, regenerate};

/// Arguments of `cargo xtask ir`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Shows the IR after this stage: `lower` or a pass [default: the last one]
    #[arg(long, value_name = "PASS")]
    after: Option<String>,
    /// Shows only what has this name: a method, hook or type, by its Go or its proto name
    #[arg(long)]
    name: Option<String>,
    /// Shows what the stage changed
    #[arg(long)]
    diff: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let stages = mm_codegen::stages(&regenerate::inputs()?).map_err(|it| regenerate::complaint(&it))?;
    let index = match &args.after {
        Some(name) => stages.iter().position(|it| it.name == name).with_context(|| {
            let names: Vec<&str> = stages.iter().map(|it| it.name).collect();
            format!("there is no stage called {name}; there are: {}", names.join(", "))
        })?,
        None => stages.len() - 1,
    };
    let shown = show(&stages[index], args.name.as_deref())?;
    if args.diff {
        let before = match index.checked_sub(1) {
            Some(previous) => show(&stages[previous], args.name.as_deref())?,
            None => String::new(),
        };
        output::print(&TextDiff::from_lines(&before, &shown).unified_diff().context_radius(2).to_string())?;
    } else {
        output::print(&shown)?;
    }
    Ok(())
}

/// The nodes as JSON, each under its name.
fn show(stage: &Stage, name: Option<&str>) -> anyhow::Result<String> {
    let Some(name) = name else { return Ok(format!("{}\n", serde_json::to_string_pretty(&stage.ir)?)) };
    let nodes = nodes(&stage.ir);
    let found: BTreeMap<_, _> = nodes.into_iter().filter(|(key, _)| key.rsplit(' ').next() == Some(name)).collect();
    anyhow::ensure!(!found.is_empty(), "nothing in the IR is called {name}");
    Ok(format!("{}\n", serde_json::to_string_pretty(&found)?))
}

/// Every node that has a name, by what it is and that name.
fn nodes(ir: &Ir) -> BTreeMap<String, serde_json::Value> {
    let mut nodes = BTreeMap::new();
    let mut add = |kind: &str, name: &str, node: serde_json::Value| {
        nodes.insert(format!("{kind} {name}"), node);
    };
    for method in &ir.api {
        add("api", &method.name.go, serde_json::json!(method));
    }
    for hook in &ir.hooks {
        add("hook", &hook.name.go, serde_json::json!(hook));
    }
    for (name, message) in &ir.messages {
        add("message", name, serde_json::json!(message));
        add("message", &message.go_type, serde_json::json!(message));
    }
    for (name, it) in &ir.enums {
        add("enum", name, serde_json::json!(it));
    }
    for (name, wrapper) in &ir.wrappers {
        add("wrapper", name, serde_json::json!(wrapper));
    }
    for (name, message) in &ir.stream_messages {
        add("stream message", name, serde_json::json!(message));
    }
    nodes
}
