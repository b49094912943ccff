//! API methods: one node per method, from which the sync and the async client are both made.

use std::collections::BTreeMap;

use mm_codegen::header;
use mm_codegen::ir::{Field, Method, Outcome, Stream, Ty};

use super::{models, streams};
use crate::context::Context;
use crate::docstring::Docstring;
use crate::error::Error;
use crate::imports::{Block, imports};
use crate::layout::{Expr, signature};
use crate::names;
use crate::nodes::{ApiMethod, ApiModule, ApiPackage, SinceModule};
use crate::types::{self, Annotation, Position, annotation};

/// Which of the two clients is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    Sync,
    Async,
}

impl Flavor {
    /// The folder of its modules.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Sync => "api_sync",
            Self::Async => "api_async",
        }
    }

    fn base(self) -> &'static str {
        match self {
            Self::Sync => "ApiBase",
            Self::Async => "AsyncApiBase",
        }
    }

    fn class(self, name: &str) -> String {
        match self {
            Self::Sync => name.to_owned(),
            Self::Async => format!("Async{name}"),
        }
    }

    fn def(self, name: &str) -> String {
        match self {
            Self::Sync => format!("def {name}"),
            Self::Async => format!("async def {name}"),
        }
    }
}

/// The API methods by group.
pub(crate) fn groups<'a>(context: &Context<'a>) -> BTreeMap<String, Vec<&'a Method>> {
    let mut groups: BTreeMap<String, Vec<&Method>> = BTreeMap::new();
    for method in &context.ir.api {
        groups.entry(names::module(&method.group)).or_default().push(method);
    }
    groups
}

/// `api_sync/__init__.py` or `api_async/__init__.py`.
pub(crate) fn package(context: &Context<'_>, flavor: Flavor) -> ApiPackage {
    let mut block = Block::default();
    let mut mixins = Vec::new();
    for group in groups(context).keys() {
        let mixin = flavor.class(&names::mixin(group));
        block.add(&format!("mattermost_plugin._generated.{}.{group}", flavor.folder()), &mixin);
        mixins.push(mixin);
    }
    let about = match flavor {
        Flavor::Sync => "All API methods, each of which waits for its answer.",
        Flavor::Async => "All API methods, each of which is awaited.",
    };
    ApiPackage {
        header: header("#", &context.ir.upstream_version),
        docstring: Docstring::of(about).lines(0),
        imports: block.lines(0),
        class: flavor.class("ApiMethods"),
        mixins,
    }
}

/// `since.py`; methods of which nobody knows are left out.
pub(crate) fn since(context: &Context<'_>) -> SinceModule {
    let known = context.ir.api.iter().filter(|it| !it.since.is_empty());
    let methods = known.map(|it| Expr::entry(&it.name.snake, Expr::string(&it.since)).item(4)).collect();
    SinceModule { header: header("#", &context.ir.upstream_version), methods }
}

/// The mixin of one group.
pub(crate) fn module(
    context: &Context<'_>,
    flavor: Flavor,
    group: &str,
    methods: &[&Method],
) -> Result<ApiModule, Error> {
    let mut needs = Needs::default();
    needs.runtime.add("mattermost_plugin._runtime.api_base", flavor.base());
    let methods = methods.iter().map(|it| Lowering { context, method: it }.lower(flavor, &mut needs));
    let methods = methods.collect::<Result<Vec<_>, Error>>()?;
    if !needs.checking.is_empty() {
        needs.runtime.add("typing", "TYPE_CHECKING");
    }
    if methods.iter().any(|it| it.body.contains("cast(")) {
        needs.runtime.add("typing", "cast");
    }
    if methods.iter().any(|it| !it.overloads.is_empty()) {
        needs.runtime.add("typing", "overload");
    }
    let about = format!("API methods of the group `{}`.", names::words(group));
    Ok(ApiModule {
        header: header("#", &context.ir.upstream_version),
        docstring: Docstring::of(&about).lines(0),
        imports: imports(&needs.runtime, &needs.checking, &Block::default()),
        class: flavor.class(&names::mixin(group)),
        base: flavor.base(),
        class_docstring: Docstring::of(&about).lines(4),
        methods,
    })
}

/// Whether a method takes nothing but a model, whose fields may then be given as keywords.
pub(crate) fn keyword_model(method: &Method) -> Option<&str> {
    match method.params.as_slice() {
        [Field { ty: Ty::Message(name), .. }] if method.stream == Stream::None => Some(name),
        _ => None,
    }
}

#[derive(Debug, Default)]
struct Needs {
    runtime: Block,
    checking: Block,
}

impl Needs {
    fn annotation(&mut self, annotation: &Annotation) {
        self.checking.add_annotation(annotation, |_| false);
    }
}

/// A parameter as Python has it.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// `user_id: str`
    pub(crate) text: String,
    /// With its stars, as docstrings name it.
    pub(crate) name: String,
    pub(crate) annotation: Annotation,
    pub(crate) doc: String,
}

/// A method as readers of the reference see it: one signature, without the keywords that a model's fields may be.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: Annotation,
}

/// The method as the reference shows it.
pub(crate) fn shown(context: &Context<'_>, method: &Method) -> Shown {
    Shown { parameters: Lowering { context, method }.parameters(), result: result(context, method) }
}

struct Lowering<'a> {
    context: &'a Context<'a>,
    method: &'a Method,
}

impl Lowering<'_> {
    fn lower(&self, flavor: Flavor, needs: &mut Needs) -> Result<ApiMethod, Error> {
        let result = result(self.context, self.method);
        needs.annotation(&result);
        let shape = match keyword_model(self.method) {
            Some(model) => self.with_keywords(model, needs)?,
            None => self.plain(needs),
        };
        let head = flavor.def(&self.method.name.python);
        Ok(ApiMethod {
            overloads: shape.overloads.iter().map(|it| signature(&head, it, &result.text, ": ...", 4)).collect(),
            signature: signature(&head, &shape.parameters, &result.text, ":", 4),
            docstring: self.docstring(&shape.documented).lines(8),
            body: self.body(flavor, shape.call, &result),
        })
    }

    /// Go's parameters in Go's order, streams among them.
    fn parameters(&self) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for (index, field) in self.method.params.iter().enumerate() {
            parameters.push(self.parameter_node(field, index, self.is_variadic(index)));
        }
        if self.is_log() {
            parameters.push(Parameter {
                text: "**fields: object".to_owned(),
                name: "**fields".to_owned(),
                annotation: Annotation::plain("object"),
                doc: "More pairs, as keywords.".to_owned(),
            });
        }
        for stream in &self.method.stream_params {
            let annotation = streams::annotation(self.method.stream);
            let name = stream.name.python.clone();
            let text = format!("{name}: {}", annotation.text);
            let at = stream.position.min(parameters.len());
            parameters.insert(at, Parameter { text, name, annotation, doc: stream.doc.clone() });
        }
        parameters
    }

    /// A method whose parameters are Go's.
    fn plain(&self, needs: &mut Needs) -> Shape {
        let parameters = self.parameters();
        parameters.iter().for_each(|it| needs.annotation(&it.annotation));
        let arguments = self.method.params.iter().enumerate().map(|(index, field)| {
            let name = names::parameter(&field.name.python);
            let is_pairs = self.is_log() && self.is_variadic(index);
            Expr::atom(if is_pairs { format!("self._pairs({name}, fields)") } else { name })
        });
        let mut call = vec![Expr::string(&self.method.name.snake), Expr::Tuple(arguments.collect())];
        call.extend(self.method.stream_params.iter().map(|it| Expr::atom(&it.name.python)));
        let documented = parameters.iter().map(|it| (it.name.clone(), it.doc.clone())).collect();
        let own = parameters.into_iter().map(|it| it.text);
        Shape { overloads: vec![], parameters: with_self(own), documented, call }
    }

    fn is_variadic(&self, index: usize) -> bool {
        self.method.variadic && index + 1 == self.method.params.len()
    }

    fn parameter_node(&self, field: &Field, index: usize, is_variadic: bool) -> Parameter {
        let annotation = self.parameter(field, is_variadic);
        let name = names::parameter(&field.name.python);
        let stars = if is_variadic { "*" } else { "" };
        let is_last = index + 1 == self.method.params.len();
        let default = if is_last && field.nullable { " = None" } else { "" };
        let text = format!("{stars}{name}: {}{default}", annotation.text);
        Parameter { text, name: format!("{stars}{name}"), annotation, doc: field.doc.clone() }
    }

    fn parameter(&self, field: &Field, is_variadic: bool) -> Annotation {
        match &field.ty {
            Ty::List(item) if is_variadic => types::of(self.context, item, Position::Parameter),
            _ => {
                let annotation = annotation(self.context, field, Position::Parameter);
                if field.nullable { annotation.or_none() } else { annotation }
            }
        }
    }

    /// Whether the method takes alternating keys and values, as Go's loggers do.
    fn is_log(&self) -> bool {
        let last = self.method.params.last().map(|it| &it.ty);
        self.method.variadic && matches!(last, Some(Ty::List(item)) if **item == Ty::Value)
    }

    /// A method of one model: the model, or its fields as keywords.
    fn with_keywords(&self, model: &str, needs: &mut Needs) -> Result<Shape, Error> {
        let field = &self.method.params[0];
        let name = &names::parameter(&field.name.python);
        let annotation = annotation(self.context, field, Position::Parameter);
        needs.annotation(&annotation);
        needs.checking.add("typing_extensions", "Unpack");
        needs.checking.add("mattermost_plugin._generated.keywords", &super::keywords::class(model));
        let Some(message) = self.context.ir.messages.get(model) else {
            return Err(Error::new(format!("{} takes {model}, which is no message of the IR", self.method.name.go)));
        };
        // A field of a parameter's name must reach the keywords, so parameters are positional then, and hidden.
        let attributes = models::attributes(self.context, message)?;
        let hides = attributes.iter().any(|it| it.name.python == *name || it.name.python == "self") || name == "fields";
        let own = |text: String| if hides { with_self([text, "/".to_owned()]) } else { with_self([text]) };
        let local = if hides { format!("_mm_{name}") } else { name.clone() };
        let mut parameters = own(format!("{local}: {} = None", annotation.clone().or_none().text));
        parameters.push("**fields: object".to_owned());
        let slash = hides.then(|| "/".to_owned()).into_iter();
        let keywords = format!("**fields: Unpack[{}]", super::keywords::class(model));
        let model_call = Expr::call("self._model", vec![Expr::string(model), Expr::atom(&local), Expr::atom("fields")]);
        let about_fields = if hides {
            format!("Fields of a `{model}`, in place of the positional `{name}`. {}", field.doc)
        } else {
            format!("Fields of a `{model}`, in place of one.")
        };
        let mut documented = vec![(name.clone(), field.doc.clone()), ("**fields".to_owned(), about_fields)];
        if hides {
            documented.remove(0);
        }
        Ok(Shape {
            overloads: vec![own(format!("{name}: {}", annotation.text)), with_self(slash.chain([keywords]))],
            parameters,
            documented,
            call: vec![Expr::string(&self.method.name.snake), Expr::Tuple(vec![model_call])],
        })
    }

    fn body(&self, flavor: Flavor, call: Vec<Expr>, result: &Annotation) -> String {
        let function = format!("self.{}", streams::caller(self.method.stream));
        let function = match flavor {
            Flavor::Sync => function,
            Flavor::Async => format!("await {function}"),
        };
        let call = Expr::call(function, call);
        if result.text == "None" {
            return call.statement("", 8);
        }
        // These are what the base class promises already.
        if self.method.stream == Stream::HttpCall || result.text == "Any" {
            return call.statement("return ", 8);
        }
        Expr::call("cast", vec![Expr::string(&result.text), call]).statement("return ", 8)
    }

    fn docstring(&self, documented: &[(String, String)]) -> Docstring {
        let method = self.method;
        let mut raises = method.doc.raises.clone();
        if matches!(method.outcome, Outcome::ValueOrAppError | Outcome::ValueOrError) {
            let text = if raises.is_empty() { "the server refused or failed" } else { "anything else went wrong" };
            raises.push(("PluginAPIError".to_owned(), text.to_owned()));
        }
        let since = if method.since.is_empty() { String::new() } else { format!("Since server {}.", method.since) };
        Docstring {
            text: method.doc.summary.clone(),
            sections: vec![("Args", documented.iter().filter(|(_, doc)| !doc.is_empty()).cloned().collect())],
            returns: method.doc.returns.clone(),
            raises,
            last: since,
        }
    }
}

/// What is particular to a method.
struct Shape {
    /// Parameters of each overload.
    overloads: Vec<Vec<String>>,
    parameters: Vec<String>,
    documented: Vec<(String, String)>,
    /// Arguments of the call in the base class.
    call: Vec<Expr>,
}

fn with_self(parameters: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once("self".to_owned()).chain(parameters).collect()
}

/// What a call returns: nothing, a value, or a tuple.
pub(crate) fn result(context: &Context<'_>, method: &Method) -> Annotation {
    if method.stream == Stream::HttpCall {
        return Annotation::imported("mattermost_plugin.http", "HttpResponse");
    }
    let results: Vec<Annotation> = method
        .results
        .iter()
        .map(|it| {
            let annotation = annotation(context, it, Position::Result);
            if it.nullable { annotation.or_none() } else { annotation }
        })
        .collect();
    match results.len() {
        0 => Annotation::plain("None"),
        1 => results.into_iter().next().unwrap_or_default(),
        _ => Annotation::generic(Annotation::plain("tuple"), results),
    }
}
