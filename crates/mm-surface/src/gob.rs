//! gob's registry: which types may stand in an interface value, and under which name.

use std::rc::Rc;

use crate::ChanDir;
use crate::GoType;
use crate::consts::Value;
use crate::names::Scope;
use crate::reach::{Context, Mode, Reach};
use crate::read::Reader;
use crate::surface::GobType;
use crate::syntax::ast::{Expr, GobCall, TypeExpr};

/// Every registration in the package `plugin`, sorted by name.
pub(crate) fn registered(reader: &mut Reader<'_, '_>) -> Vec<GobType> {
    let plugin = Rc::clone(&reader.plugin);
    let mut all: Vec<(GobType, Context, u32)> = Vec::new();
    for (file, calls) in plugin.files.iter().enumerate().map(|(index, it)| (index, &it.gob)) {
        for call in calls {
            let context = Context::new(Scope { package: Rc::clone(&plugin), file }, "gob", call.line);
            if let Some(registered) = register(reader.reach, &context, call) {
                all.push((registered, context, call.line));
            }
        }
    }
    all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    for pair in all.windows(2).filter(|it| it[0].0.name == it[1].0.name) {
        let (second, context, line) = &pair[1];
        let message = format!("`{}` is registered with gob twice, the other time in line {}", second.name, pair[0].2);
        reader.reach.report(
            &context.pos(*line),
            message,
            "check that the tree compiles and starts: gob panics on this",
        );
    }
    all.into_iter().map(|(it, ..)| it).collect()
}

fn register(reach: &mut Reach<'_>, context: &Context, call: &GobCall) -> Option<GobType> {
    let help = "teach the expression to crates/mm-surface/src/gob.rs";
    let Some(ty) = type_of(reach, context, &call.value) else {
        reach.report(&context.pos(call.line), "cannot tell the type that is registered with gob", help);
        return None;
    };
    let name = match &call.name {
        None => wire_name(reach, &ty),
        Some(expr) => match reach.consts.evaluate(&mut reach.names, &context.scope, expr, 0).value {
            Ok(Value::String(name)) => name,
            _ => {
                reach.report(&context.pos(call.line), "cannot tell the name that is registered with gob", help);
                return None;
            }
        },
    };
    Some(GobType { name, ty: ty.to_string() })
}

/// The type of a registered value: `T{}`, `&T{}`, `new(T)`, `T(x)`, `(*T)(nil)`.
fn type_of(reach: &mut Reach<'_>, context: &Context, value: &Expr) -> Option<GoType> {
    match value {
        Expr::Composite(ty) | Expr::Convert(ty, _) => Some(reach.resolve(context, ty, Mode::Reach)),
        Expr::Unary(operator, inner) if operator == "&" => {
            Some(GoType::Pointer(Box::new(type_of(reach, context, inner)?)))
        }
        Expr::Call(function, args) => match (function.as_ref(), args.as_slice()) {
            (Expr::Name { package: None, name }, [Expr::Type(ty)]) if name == "new" => {
                Some(GoType::Pointer(Box::new(reach.resolve(context, ty, Mode::Reach))))
            }
            (Expr::Name { package, name }, [_]) => {
                let ty = TypeExpr::Name {
                    package: package.clone(),
                    name: name.clone(),
                    args: Vec::new(),
                    line: context.line,
                };
                Some(reach.resolve(context, &ty, Mode::Reach))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The name that `gob.Register` makes up: of named types with the import path, of all others as `reflect` prints them.
fn wire_name(reach: &Reach<'_>, ty: &GoType) -> String {
    match ty {
        GoType::Named { package: Some(package), name, args } => {
            format!("{}.{name}{}", path(reach, package), type_args(reach, args))
        }
        _ => reflected(reach, ty),
    }
}

fn path<'r>(reach: &'r Reach<'_>, package: &'r str) -> &'r str {
    reach.package_path(package).unwrap_or(package)
}

/// In the brackets of a generic type, `reflect` writes import paths.
fn type_args(reach: &Reach<'_>, args: &[GoType]) -> String {
    if args.is_empty() {
        return String::new();
    }
    let args: Vec<String> = args.iter().map(|it| print(it, &|it| wire_name(reach, it))).collect();
    format!("[{}]", args.join(","))
}

/// `reflect.Type.String()`: named types with their package's name.
fn reflected(reach: &Reach<'_>, ty: &GoType) -> String {
    print(ty, &|it| match it {
        GoType::Named { package: Some(package), name, args } => format!("{package}.{name}{}", type_args(reach, args)),
        other => other.to_string(),
    })
}

/// Prints a type as `reflect` does, with named types as `named` writes them.
fn print(ty: &GoType, named: &dyn Fn(&GoType) -> String) -> String {
    match ty {
        GoType::Named { package: None, name, .. } => match name.as_str() {
            "byte" => "uint8".to_owned(),
            "rune" => "int32".to_owned(),
            _ => name.clone(),
        },
        GoType::Named { .. } => named(ty),
        GoType::Any => "interface {}".to_owned(),
        GoType::EmptyStruct => "struct {}".to_owned(),
        GoType::Pointer(inner) => format!("*{}", print(inner, named)),
        GoType::Slice(inner) => format!("[]{}", print(inner, named)),
        GoType::Array(length, inner) => format!("[{length}]{}", print(inner, named)),
        GoType::Map(key, value) => format!("map[{}]{}", print(key, named), print(value, named)),
        GoType::Chan(ChanDir::Both, inner) => format!("chan {}", print(inner, named)),
        // gob refuses these anyway.
        GoType::Chan(..) | GoType::Func { .. } => ty.to_string(),
    }
}
