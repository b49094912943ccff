//! `hook_typing.py`: what type checkers know of `@hook`, so that they reject a handler that does not fit its hook.

use mm_codegen::header;
use mm_codegen::ir::Method;
use mm_codegen::policy::{self, Kind};

use super::hooks::{Handler, handled, handlers};
use crate::context::Context;
use crate::imports::{Block, imports};
use crate::layout::{Expr, signature};
use crate::nodes::{HookTyping, HookTypingModule};

/// `hook_typing.py`.
pub(crate) fn module(context: &Context<'_>) -> HookTypingModule {
    let mut checking = Block::default();
    for name in ["Allow", "Dismiss", "Reject", "Replace"] {
        checking.add("mattermost_plugin.verdicts", name);
    }
    checking.add("collections.abc", "Awaitable");
    checking.add("typing", "TypeAlias");
    checking.add("collections.abc", "Callable");
    let hooks = handled(context).map(|hook| typing(context, hook, &mut checking)).collect();
    let mut runtime = Block::default();
    for name in ["Any", "Literal", "Protocol", "TypeVar", "overload", "TYPE_CHECKING"] {
        runtime.add("typing", name);
    }
    checking.add("mattermost_plugin._generated.hooks", "HookName");
    HookTypingModule {
        header: header("#", &context.ir.upstream_version),
        imports: imports(&runtime, &checking, &Block::default()),
        hooks,
    }
}

fn typing(context: &Context<'_>, hook: &Method, checking: &mut Block) -> HookTyping {
    let handlers = handlers(context, hook);
    for handler in &handlers {
        for annotation in handler.parameters.iter().map(|(_, it)| it).chain([&handler.result]) {
            checking.add_annotation(annotation, |_| false);
        }
    }
    let go = &hook.name.go;
    let variable = format!("_{go}");
    let callables = handlers.iter().map(|it| {
        let callable = callable(it);
        if hook.dismissible { callable.replace("Verdict[", "PostVerdict[") } else { callable }
    });
    let bound = Expr::Keyword("bound".to_owned(), callables.collect());
    let definition = Expr::call("TypeVar", vec![Expr::string(&variable), bound]);
    let names = vec![Expr::atom(format!("HookName.{go}")), Expr::string(go), Expr::string(&hook.name.snake)];
    // Where the signature is too long for a line, this parameter has one of its own, indented by eight.
    let name = Expr::Subscript("Literal".to_owned(), names).fit(8, "name: ".len(), 1);
    let mut parameters = vec!["self".to_owned(), format!("name: {name}"), "/".to_owned(), "*".to_owned()];
    parameters.extend(options(context, hook).iter().map(|it| (*it).to_owned()));
    let result = format!("Callable[[{variable}], {variable}]");
    HookTyping {
        variable: definition.statement(&format!("{variable} = "), 4),
        overload: signature("def __call__", &parameters, &result, ": ...", 4),
    }
}

/// What else `@hook` takes, by what the hook can do with it.
fn options(context: &Context<'_>, hook: &Method) -> Vec<&'static str> {
    let mut options = vec!["deadline: float | None = None"];
    if policy::refusal(context.ir, hook).is_some() {
        options.extend(["on_error: OnError = \"allow\"", "rejection: str = \"\""]);
    }
    if policy::kind(hook) == Kind::Tells {
        options.push("idempotent: bool = False");
    }
    options
}

/// `Callable[[Any, Context, Post], Result[Verdict[Post]]]`
fn callable(handler: &Handler) -> String {
    let own = handler.parameters.iter().map(|(_, annotation)| annotation.text.clone());
    let parameters: Vec<String> = std::iter::once("Any".to_owned()).chain(own).collect();
    format!("Callable[[{}], Result[{}]]", parameters.join(", "), handler.result.text)
}
