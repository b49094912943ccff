//! Codec tables and paths of requests and responses, and the table of `Value`.

use std::collections::BTreeMap;

use mm_codegen::header;
use mm_codegen::ir::Method;

use super::path;
use crate::codec;
use crate::context::Context;
use crate::docstring::Docstring;
use crate::imports::{Block, imports};
use crate::layout::Expr;
use crate::nodes::{CodecModule, ModelModule};

/// Both codec modules, by file.
pub(crate) fn modules(context: &Context<'_>) -> [(&'static str, CodecModule); 2] {
    [
        ("codec_api.py", module(context, "PluginApi", &context.ir.api, &["api"], "API methods")),
        ("codec_hooks.py", module(context, "PluginHooks", &context.ir.hooks, &["hooks", "http"], "hooks")),
    ]
}

fn module(
    context: &Context<'_>,
    service: &str,
    methods: &[Method],
    stream_groups: &[&str],
    about: &str,
) -> CodecModule {
    let paths = methods.iter().map(|it| {
        let parts = vec![Expr::string(&path(service, it)), Expr::string(&it.request), Expr::string(&it.response)];
        Expr::entry(&it.name.snake, Expr::Tuple(parts)).item(4)
    });
    let mut tables: BTreeMap<&str, Expr> = BTreeMap::new();
    for method in methods {
        tables.insert(&method.request, codec::table(context, None, &method.params));
        tables.insert(&method.response, codec::table(context, None, &method.results));
    }
    // Requests and responses of streams are parts, and what the parts hold are messages of their own.
    let streams = context.ir.stream_messages.iter();
    for (name, it) in streams.filter(|(_, it)| stream_groups.contains(&it.message.group.as_str())) {
        tables.insert(name, codec::table(context, None, &it.message.fields));
    }
    let nullable = methods.iter().filter(|it| matches!(it.results.as_slice(), [only] if only.nullable));
    let nullable = Expr::Tuple(nullable.map(|it| Expr::string(&it.name.snake)).collect());
    CodecModule {
        header: header("#", &context.ir.upstream_version),
        docstring: Docstring::of(format!("Paths, requests and responses of {about}, for the native codec.")).lines(0),
        methods: paths.collect(),
        nullable: nullable.statement("NULLABLE: tuple[str, ...] = ", 0),
        tables: tables.into_iter().map(|(name, table)| Expr::entry(name, table).item(4)).collect(),
    }
}

/// The module that holds the tables of messages that have no class and are no request or response.
pub(crate) const VALUE_MODULE: &str = "value";

/// What that module holds.
pub(crate) const VALUE_TABLES: [(&str, &str); 1] = [("Value", VALUE_MODULE)];

/// `models/value.py`.
pub(crate) fn value_module(context: &Context<'_>) -> ModelModule {
    let table = Expr::entry("Value", codec::value_table(context)).item(4);
    let mut runtime = Block::default();
    let mut checking = Block::default();
    runtime.add("typing", "TYPE_CHECKING");
    checking.add("mattermost_plugin._generated.index", "CodecTable");
    ModelModule {
        pragma: "",
        header: header("#", &context.ir.upstream_version),
        docstring: Docstring::of("The table of `Value`, which carries what Go calls `any`.").lines(0),
        imports: imports(&runtime, &checking, &Block::default()),
        enums: Vec::new(),
        classes: Vec::new(),
        tables: vec![table],
    }
}
