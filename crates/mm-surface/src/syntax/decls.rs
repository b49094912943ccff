//! Top-level declarations of a file.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::ast::{ConstDecl, Expr, File, GobCall, Import, MethodDecl, TypeDecl};
use super::{Source, children, exprs, fields, types};
use crate::diagnostic::Diagnostic;

type Read<T> = Result<T, Diagnostic>;

const GOB: &str = "encoding/gob";

pub(super) fn file(source: &Source<'_>, root: Node<'_>) -> Read<File> {
    let mut file = File {
        path: source.path.to_owned(),
        package: String::new(),
        imports: Vec::new(),
        types: Vec::new(),
        consts: Vec::new(),
        methods: Vec::new(),
        gob: Vec::new(),
        lists: BTreeMap::new(),
    };
    for node in children(root) {
        match node.kind() {
            "package_clause" => {
                file.package = children(node).first().map(|it| source.text(*it).to_owned()).unwrap_or_default()
            }
            "import_declaration" => imports(source, node, &mut file.imports)?,
            "type_declaration" => type_declaration(source, node, &mut file.types)?,
            "const_declaration" => const_declaration(source, node, &mut file.consts)?,
            "var_declaration" => lists(source, node, &mut file.lists)?,
            "function_declaration" if file.package == "main" => short_lists(source, node, &mut file.lists)?,
            "method_declaration" => file.methods.extend(method(source, node)?),
            _ => {}
        }
    }
    if let Some(gob) = file.imports.iter().find(|it| it.path == GOB) {
        let name = gob.alias.clone().unwrap_or_else(|| "gob".to_owned());
        gob_calls(source, root, &name, &mut file.gob)?;
    }
    Ok(file)
}

fn imports(source: &Source<'_>, node: Node<'_>, into: &mut Vec<Import>) -> Read<()> {
    for child in children(node) {
        if child.kind() == "import_spec_list" {
            imports(source, child, into)?;
        } else if let Some(path) = child.child_by_field_name("path") {
            let alias = child.child_by_field_name("name").map(|it| source.text(it).to_owned());
            into.push(Import { alias, path: exprs::string(source, path)? });
        }
    }
    Ok(())
}

fn type_declaration(source: &Source<'_>, node: Node<'_>, into: &mut Vec<TypeDecl>) -> Read<()> {
    for spec in children(node) {
        let Some(name) = spec.child_by_field_name("name") else { continue };
        let params = spec.child_by_field_name("type_parameters").map(children).unwrap_or_default();
        let params =
            params.into_iter().flat_map(|it| fields(it, "name")).map(|it| source.text(it).to_owned()).collect();
        into.push(TypeDecl {
            name: source.text(name).to_owned(),
            params,
            alias: spec.kind() == "type_alias",
            ty: types::in_field(source, spec, "type")?,
            line: source.line(name),
        });
    }
    Ok(())
}

/// A group of constants: `iota` counts the specs, and a spec without expressions repeats those before it.
fn const_declaration(source: &Source<'_>, node: Node<'_>, into: &mut Vec<ConstDecl>) -> Read<()> {
    let mut before: Option<Node<'_>> = None;
    for (iota, spec) in (0..).zip(children(node)) {
        let written = if spec.child_by_field_name("value").is_some() { Some(spec) } else { before };
        before = written;
        let values = written.and_then(|it| it.child_by_field_name("value")).map(children).unwrap_or_default();
        let ty = match written.and_then(|it| it.child_by_field_name("type")) {
            Some(ty) => Some(types::read(source, ty)?),
            None => None,
        };
        for (index, name) in fields(spec, "name").into_iter().enumerate() {
            let value = match values.get(index) {
                Some(value) => Some(exprs::read(source, *value)?),
                None => None,
            };
            let (name, line) = (source.text(name).to_owned(), source.line(name));
            into.push(ConstDecl { name, ty: ty.clone(), value, iota, line });
        }
    }
    Ok(())
}

/// Every `var name = []string{…}` that holds nothing but literals.
fn lists(source: &Source<'_>, node: Node<'_>, into: &mut BTreeMap<String, Vec<String>>) -> Read<()> {
    for spec in children(node) {
        if spec.kind() == "var_spec_list" {
            lists(source, spec, into)?;
        }
        let name = spec.child_by_field_name("name").map(|it| source.text(it));
        let value = spec.child_by_field_name("value").and_then(|it| children(it).first().copied());
        if let (Some(name), Some(list)) = (name, value.map(|it| list(source, it)).transpose()?.flatten()) {
            into.insert(name.to_owned(), list);
        }
    }
    Ok(())
}

/// The same, of `name := []string{…}` anywhere in a function: a program may keep its lists there.
fn short_lists(source: &Source<'_>, node: Node<'_>, into: &mut BTreeMap<String, Vec<String>>) -> Read<()> {
    if node.kind() == "short_var_declaration" {
        let only = |field| node.child_by_field_name(field).map(children).filter(|it| it.len() == 1).map(|it| it[0]);
        if let (Some(name), Some(value)) = (only("left"), only("right"))
            && let Some(list) = list(source, value)?
        {
            into.insert(source.text(name).to_owned(), list);
        }
    }
    children(node).into_iter().try_for_each(|it| short_lists(source, it, into))
}

/// The texts of `[]string{…}`; `None` for any other expression.
fn list(source: &Source<'_>, value: Node<'_>) -> Read<Option<Vec<String>>> {
    let body = Some(value).filter(|it| it.kind() == "composite_literal").and_then(|it| it.child_by_field_name("body"));
    let Some(body) = body else { return Ok(None) };
    let elements: Vec<Node<'_>> = children(body).into_iter().filter_map(|it| children(it).first().copied()).collect();
    if elements.len() < children(body).len() || !elements.iter().all(|it| it.kind().ends_with("string_literal")) {
        return Ok(None);
    }
    elements.into_iter().map(|it| exprs::string(source, it)).collect::<Read<_>>().map(Some)
}

/// `None` for receivers that are no plain name, such as those of generic types: nothing asks for their methods.
fn method(source: &Source<'_>, node: Node<'_>) -> Read<Option<MethodDecl>> {
    let receiver = node.child_by_field_name("receiver").and_then(|it| children(it).first().copied());
    let Some(mut receiver) = receiver.and_then(|it| it.child_by_field_name("type")) else { return Ok(None) };
    if receiver.kind() == "pointer_type" {
        receiver = children(receiver)[0];
    }
    if receiver.kind() == "generic_type" {
        receiver = receiver.child_by_field_name("type").unwrap_or(receiver);
    }
    if receiver.kind() != "type_identifier" {
        return Ok(None);
    }
    let name = node.child_by_field_name("name").map(|it| source.text(it).to_owned()).unwrap_or_default();
    Ok(Some(MethodDecl {
        receiver: source.text(receiver).to_owned(),
        signature: types::signature(source, node, name)?,
    }))
}

/// Every call of `gob.Register` and `gob.RegisterName`, wherever it stands.
fn gob_calls(source: &Source<'_>, node: Node<'_>, gob: &str, into: &mut Vec<GobCall>) -> Read<()> {
    if node.kind() == "call_expression"
        && let Some(function) = node.child_by_field_name("function")
        && let Ok(Expr::Name { package: Some(package), name }) = exprs::read(source, function)
        && package == gob
        && name.starts_with("Register")
    {
        let (line, mut args) = (source.line(node), exprs::arguments(source, node)?.into_iter());
        match (name.as_str(), args.next(), args.next()) {
            ("Register", Some(value), None) => into.push(GobCall { name: None, value, line }),
            ("RegisterName", name @ Some(_), Some(value)) => into.push(GobCall { name, value, line }),
            _ => return Err(source.unsupported(node, "this gob registration")),
        }
    }
    for child in children(node) {
        gob_calls(source, child, gob, into)?;
    }
    Ok(())
}
