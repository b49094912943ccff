//! Type expressions, struct fields, method signatures.

use tree_sitter::Node;

use super::ast::{FieldExpr, ParamExpr, Signature, TypeExpr};
use super::{Source, children, docs, exprs, fields};
use crate::ChanDir;
use crate::diagnostic::Diagnostic;

type Read<T> = Result<T, Diagnostic>;

/// The type that stands in a field of the node, such as `element`.
pub(super) fn in_field(source: &Source<'_>, node: Node<'_>, field: &str) -> Read<TypeExpr> {
    match node.child_by_field_name(field) {
        Some(ty) => read(source, ty),
        None => Err(source.unsupported(node, "this type")),
    }
}

pub(super) fn read(source: &Source<'_>, node: Node<'_>) -> Read<TypeExpr> {
    let boxed = |field| in_field(source, node, field).map(Box::new);
    Ok(match node.kind() {
        "type_identifier" | "identifier" => name(source, node, None, node, Vec::new()),
        "qualified_type" => qualified(source, node, Vec::new()),
        "generic_type" => generic(source, node)?,
        "parenthesized_type" | "type_elem" | "type_constraint" => match children(node).as_slice() {
            [inner] => read(source, *inner)?,
            _ => TypeExpr::Constraint,
        },
        "negated_type" => TypeExpr::Constraint,
        "pointer_type" => TypeExpr::Pointer(Box::new(only_child(source, node)?)),
        "slice_type" => TypeExpr::Slice(boxed("element")?),
        "array_type" => {
            let length = node.child_by_field_name("length").ok_or_else(|| source.unsupported(node, "this array"))?;
            TypeExpr::Array(Box::new(exprs::read(source, length)?), boxed("element")?)
        }
        "map_type" => TypeExpr::Map(boxed("key")?, boxed("value")?),
        "channel_type" => TypeExpr::Chan(direction(source, node), boxed("value")?),
        "function_type" => {
            let signature = signature(source, node, String::new())?;
            let params = signature.params.into_iter().map(|it| it.ty).collect();
            TypeExpr::Func { params, variadic: signature.variadic, results: signature.results }
        }
        "struct_type" => struct_type(source, node)?,
        "interface_type" => interface(source, node)?,
        _ => return Err(source.unsupported(node, "this type")),
    })
}

fn only_child(source: &Source<'_>, node: Node<'_>) -> Read<TypeExpr> {
    match children(node).as_slice() {
        [inner] => read(source, *inner),
        _ => Err(source.unsupported(node, "this type")),
    }
}

fn name(source: &Source<'_>, at: Node<'_>, package: Option<Node<'_>>, name: Node<'_>, args: Vec<TypeExpr>) -> TypeExpr {
    TypeExpr::Name {
        package: package.map(|it| source.text(it).to_owned()),
        name: source.text(name).to_owned(),
        args,
        line: source.line(at),
    }
}

fn qualified(source: &Source<'_>, node: Node<'_>, args: Vec<TypeExpr>) -> TypeExpr {
    let (package, ty) = (node.child_by_field_name("package"), node.child_by_field_name("name"));
    name(source, node, package, ty.unwrap_or(node), args)
}

fn generic(source: &Source<'_>, node: Node<'_>) -> Read<TypeExpr> {
    let args = node.child_by_field_name("type_arguments").map(children).unwrap_or_default();
    let args = args.into_iter().map(|it| read(source, it)).collect::<Read<Vec<_>>>()?;
    let ty = node.child_by_field_name("type").ok_or_else(|| source.unsupported(node, "this generic type"))?;
    Ok(match ty.kind() {
        "qualified_type" => qualified(source, ty, args),
        _ => name(source, node, None, ty, args),
    })
}

fn direction(source: &Source<'_>, node: Node<'_>) -> ChanDir {
    let text = source.text(node);
    if text.starts_with("<-") {
        ChanDir::Receive
    } else if text["chan".len()..].trim_start().starts_with("<-") {
        ChanDir::Send
    } else {
        ChanDir::Both
    }
}

fn struct_type(source: &Source<'_>, node: Node<'_>) -> Read<TypeExpr> {
    let mut all = Vec::new();
    for list in children(node) {
        for declaration in children(list) {
            field(source, declaration, &mut all)?;
        }
    }
    Ok(TypeExpr::Struct(all))
}

/// One declaration: `A, B string` is two fields.
fn field(source: &Source<'_>, node: Node<'_>, into: &mut Vec<FieldExpr>) -> Read<()> {
    let tag = match node.child_by_field_name("tag") {
        Some(tag) => exprs::string(source, tag)?,
        None => String::new(),
    };
    let ty = in_field(source, node, "type")?;
    let names = fields(node, "name");
    if names.is_empty() {
        let name = embedded_name(&ty).ok_or_else(|| source.unsupported(node, "this embedded field"))?;
        let pointer = node.child(0).is_some_and(|it| it.kind() == "*");
        let ty = if pointer { TypeExpr::Pointer(Box::new(ty)) } else { ty };
        into.push(FieldExpr { name, ty, tag, embedded: true, line: source.line(node) });
        return Ok(());
    }
    for name in names {
        let (line, name) = (source.line(name), source.text(name).to_owned());
        into.push(FieldExpr { name, ty: ty.clone(), tag: tag.clone(), embedded: false, line });
    }
    Ok(())
}

fn embedded_name(ty: &TypeExpr) -> Option<String> {
    match ty {
        TypeExpr::Name { name, .. } => Some(name.clone()),
        TypeExpr::Pointer(inner) => embedded_name(inner),
        _ => None,
    }
}

fn interface(source: &Source<'_>, node: Node<'_>) -> Read<TypeExpr> {
    let (mut methods, mut embedded) = (Vec::new(), Vec::new());
    for element in children(node) {
        if element.kind() == "method_elem" {
            let name = element.child_by_field_name("name").map(|it| source.text(it).to_owned()).unwrap_or_default();
            methods.push(signature(source, element, name)?);
        } else {
            embedded.push(read(source, element)?);
        }
    }
    Ok(TypeExpr::Interface { methods, embedded })
}

/// Parameters, results and documented facts of a method, function or function type.
pub(super) fn signature(source: &Source<'_>, node: Node<'_>, name: String) -> Read<Signature> {
    let facts = docs::facts(source, node);
    let (params, variadic) = match node.child_by_field_name("parameters") {
        Some(list) => parameters(source, list)?,
        None => (Vec::new(), false),
    };
    let results = match node.child_by_field_name("result") {
        Some(list) if list.kind() == "parameter_list" => {
            parameters(source, list)?.0.into_iter().map(|it| it.ty).collect()
        }
        Some(one) => vec![read(source, one)?],
        None => Vec::new(),
    };
    Ok(Signature { name, params, variadic, results, since: facts.since, tags: facts.tags, line: source.line(node) })
}

/// The parameters, one per name, and whether the last is `...T`.
fn parameters(source: &Source<'_>, list: Node<'_>) -> Read<(Vec<ParamExpr>, bool)> {
    let (mut params, mut variadic) = (Vec::new(), false);
    for declaration in children(list) {
        let ty = in_field(source, declaration, "type")?;
        let names = fields(declaration, "name");
        variadic = declaration.kind() == "variadic_parameter_declaration";
        if names.is_empty() {
            params.push(ParamExpr { name: String::new(), ty });
        } else {
            params.extend(names.iter().map(|it| ParamExpr { name: source.text(*it).to_owned(), ty: ty.clone() }));
        }
    }
    Ok((params, variadic))
}
