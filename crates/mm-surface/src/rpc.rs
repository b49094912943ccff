//! Upstream's net/rpc services: the structs that go over the wire, and which method takes which.

use std::rc::Rc;

use crate::GoType;
use crate::names::Scope;
use crate::packages::Package;
use crate::reach::{Context, Mode, Reach};
use crate::read::Reader;
use crate::shapes::is_exported;
use crate::surface::{RpcMethod, Struct};
use crate::syntax::ast::{MethodDecl, TypeExpr};

/// Upstream's prefix of argument and result structs.
const PREFIX: &str = "Z_";
/// Upstream's suffix of types that serve net/rpc.
const SERVER: &str = "RPCServer";

/// Names of the argument and result structs, sorted.
pub(crate) fn structs(plugin: &Package) -> Vec<String> {
    let decls =
        plugin.type_decls().filter(|(_, it)| it.name.starts_with(PREFIX) && matches!(it.ty, TypeExpr::Struct(_)));
    decls.map(|(_, it)| it.name.clone()).collect()
}

/// The fields of one of them.
pub(crate) fn describe(reader: &mut Reader<'_, '_>, name: &str) -> Struct {
    let plugin = Rc::clone(&reader.plugin);
    let (file, decl) = plugin.type_decl(name).expect("listed by structs");
    let context = Context::new(Scope { package: Rc::clone(&plugin), file }, name, decl.line);
    let fields = match &decl.ty {
        TypeExpr::Struct(fields) => reader.reach.fields(&context, fields),
        _ => Vec::new(),
    };
    Struct { name: format!("{}.{name}", plugin.name), fields }
}

/// What net/rpc offers by its own rule: exported, one argument, a pointer to the reply, an error.
pub(crate) fn methods(reader: &mut Reader<'_, '_>) -> Vec<RpcMethod> {
    let plugin = Rc::clone(&reader.plugin);
    let mut all = Vec::new();
    for (file, method) in plugin.methods().filter(|(_, it)| it.receiver.ends_with(SERVER)) {
        let context =
            Context::new(Scope { package: Rc::clone(&plugin), file }, &method.receiver, method.signature.line);
        all.extend(describe_method(reader.reach, &context, method));
    }
    all.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    all
}

fn describe_method(reach: &mut Reach<'_>, context: &Context, method: &MethodDecl) -> Option<RpcMethod> {
    let signature = &method.signature;
    let ([args, reply], [TypeExpr::Name { package: None, name: error, .. }]) =
        (signature.params.as_slice(), signature.results.as_slice())
    else {
        return None;
    };
    let TypeExpr::Pointer(reply) = &reply.ty else { return None };
    if !is_exported(&signature.name) || error != "error" {
        return None;
    }
    let context = context.inside(&signature.name, signature.line);
    // gob sends what a pointer points to.
    let args = match reach.resolve(&context, &args.ty, Mode::Reach) {
        GoType::Pointer(inner) => *inner,
        other => other,
    };
    let reply = reach.resolve(&context, reply, Mode::Reach);
    Some(RpcMethod {
        service: format!("{}.{}", context.scope.package.name, method.receiver),
        name: signature.name.clone(),
        args: args.to_string(),
        reply: reply.to_string(),
    })
}
