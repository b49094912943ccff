//! Constants and Go's arithmetic on them.
//!
//! Evaluates on demand: only constants of reachable types have to be understood.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::names::{Named, Names, Scope};
use crate::surface::ConstValue;
use crate::syntax::ast::{Expr, TypeExpr};

/// Import path and name; the path is empty for Go's own types.
pub(crate) type TypeKey = (String, String);

/// A constant expression: its type, `None` while untyped, and its value, or why that is not known.
#[derive(Debug, Clone)]
pub(crate) struct Constant {
    pub(crate) ty: Option<TypeKey>,
    pub(crate) value: Result<Value, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i128),
    Float(f64),
    String(String),
}

impl Value {
    /// As `surface.json` holds it.
    pub(crate) fn to_const(&self) -> Result<ConstValue, String> {
        Ok(match self {
            Value::Bool(it) => ConstValue::Bool(*it),
            Value::Float(it) => ConstValue::Float(*it),
            Value::String(it) => ConstValue::String(it.clone()),
            Value::Int(it) => match (i64::try_from(*it), u64::try_from(*it)) {
                (Ok(it), _) => ConstValue::Int(it),
                (_, Ok(it)) => ConstValue::UInt(it),
                _ => return Err(format!("{it} does not fit into 64 bits")),
            },
        })
    }
}

/// Evaluated constants, each once.
#[derive(Debug, Default)]
pub(crate) struct Consts {
    /// By import path and name; `None` while being evaluated.
    known: BTreeMap<TypeKey, Option<Constant>>,
}

impl Consts {
    /// The constant of this name in the scope's package.
    pub(crate) fn named(&mut self, names: &mut Names<'_>, scope: &Scope, name: &str) -> Constant {
        let key = (scope.package.path.clone(), name.to_owned());
        match self.known.get(&key) {
            Some(Some(known)) => return known.clone(),
            Some(None) => return unknown(None, format!("`{name}` is defined by itself")),
            None => {}
        }
        let package = Rc::clone(&scope.package);
        let Some((file, decl)) = package.const_decl(name) else {
            return unknown(None, format!("`{name}` is no constant of package {}", package.name));
        };
        self.known.insert(key.clone(), None);
        let scope = Scope { package: Rc::clone(&package), file };
        let mut constant = match &decl.value {
            Some(value) => self.evaluate(names, &scope, value, decl.iota),
            None => unknown(None, format!("`{name}` has no value")),
        };
        if let Some(ty) = &decl.ty {
            let ty = type_of(names, &scope, ty);
            constant = convert(names, constant, ty);
        }
        self.known.insert(key, Some(constant.clone()));
        constant
    }

    /// The value of an expression; `iota` is the number of the constant in its group.
    pub(crate) fn evaluate(&mut self, names: &mut Names<'_>, scope: &Scope, expr: &Expr, iota: i128) -> Constant {
        match expr {
            Expr::Int(it) => untyped(Value::Int(*it)),
            Expr::Float(it) => untyped(Value::Float(*it)),
            Expr::String(it) => untyped(Value::String(it.clone())),
            Expr::Char(it) => untyped(Value::Int(i128::from(u32::from(*it)))),
            Expr::Name { package: None, name } => self.plain(names, scope, name, iota),
            Expr::Name { package: Some(package), name } => self.qualified(names, scope, package, name),
            Expr::Unary(operator, operand) => {
                let operand = self.evaluate(names, scope, operand, iota);
                let basic = operand.ty.as_ref().and_then(|it| underlying(names, it));
                let value = operand.value.and_then(|it| unary(operator, it, basic.as_deref()));
                Constant { ty: operand.ty, value }
            }
            Expr::Binary(left, operator, right) => {
                let left = self.evaluate(names, scope, left, iota);
                let right = self.evaluate(names, scope, right, iota);
                binary(left, operator, right)
            }
            Expr::Call(function, args) => self.call(names, scope, function, args, iota),
            Expr::Convert(ty, operand) => {
                let operand = self.evaluate(names, scope, operand, iota);
                let ty = type_of(names, scope, ty);
                convert(names, operand, ty)
            }
            Expr::Composite(_) | Expr::Type(_) => unknown(None, "it is no constant".to_owned()),
            Expr::Other(text) => unknown(None, format!("`{text}` is beyond what this reader computes")),
        }
    }

    fn plain(&mut self, names: &mut Names<'_>, scope: &Scope, name: &str, iota: i128) -> Constant {
        if scope.package.const_decl(name).is_some() {
            return self.named(names, scope, name);
        }
        match name {
            "iota" => untyped(Value::Int(iota)),
            "true" => untyped(Value::Bool(true)),
            "false" => untyped(Value::Bool(false)),
            _ => unknown(None, format!("`{name}` is no constant of package {}", scope.package.name)),
        }
    }

    fn qualified(&mut self, names: &mut Names<'_>, scope: &Scope, package: &str, name: &str) -> Constant {
        let Some(import) = names.import(scope, package) else {
            return unknown(None, format!("no import is called `{package}`"));
        };
        if let Some(package) = names.packages.get(&import) {
            return self.named(names, &Scope { package, file: 0 }, name);
        }
        match (import.as_str(), standard(&import, name)) {
            ("time", Some(value)) => {
                Constant { ty: Some(("time".to_owned(), "Duration".to_owned())), value: Ok(Value::Int(value)) }
            }
            (_, Some(value)) => untyped(Value::Int(value)),
            (_, None) => unknown(None, format!("`{package}.{name}` is a constant of another module")),
        }
    }

    fn call(&mut self, names: &mut Names<'_>, scope: &Scope, function: &Expr, args: &[Expr], iota: i128) -> Constant {
        let (Expr::Name { package, name }, [arg]) = (function, args) else {
            return unknown(None, "it calls a function".to_owned());
        };
        let arg = self.evaluate(names, scope, arg, iota);
        let ty = named_type(names, scope, package.as_deref(), name);
        if ty.is_some() {
            return convert(names, arg, ty);
        }
        match (package, name.as_str(), arg.value) {
            (None, "len", Ok(Value::String(text))) => {
                Constant { ty: Some((String::new(), "int".to_owned())), value: Ok(Value::Int(text.len() as i128)) }
            }
            _ => unknown(None, format!("it calls `{name}`")),
        }
    }
}

fn untyped(value: Value) -> Constant {
    Constant { ty: None, value: Ok(value) }
}

fn unknown(ty: Option<TypeKey>, why: String) -> Constant {
    Constant { ty, value: Err(why) }
}

fn type_of(names: &mut Names<'_>, scope: &Scope, ty: &TypeExpr) -> Option<TypeKey> {
    match ty {
        TypeExpr::Name { package, name, .. } => named_type(names, scope, package.as_deref(), name),
        _ => None,
    }
}

/// The type behind a name, through aliases.
fn named_type(names: &mut Names<'_>, scope: &Scope, package: Option<&str>, name: &str) -> Option<TypeKey> {
    let named = names.look_up(scope, package, name);
    if let Some((scope, decl)) = named.decl() {
        return if decl.alias {
            type_of(names, scope, &decl.ty)
        } else {
            Some((scope.package.path.clone(), decl.name.clone()))
        };
    }
    match named {
        Named::Basic(name) => Some((String::new(), name)),
        Named::Foreign { import, name, .. } => Some((import, name)),
        _ => None,
    }
}

/// Go's own type at the bottom of a type.
fn underlying(names: &mut Names<'_>, key: &TypeKey) -> Option<String> {
    let (path, name) = key;
    if path.is_empty() {
        return Some(name.clone());
    }
    if let ("time", "Duration") = (path.as_str(), name.as_str()) {
        return Some("int64".to_owned());
    }
    let package = names.packages.get(path)?;
    let (file, decl) = package.type_decl(name)?;
    let next = type_of(names, &Scope { package: Rc::clone(&package), file }, &decl.ty)?;
    underlying(names, &next)
}

fn convert(names: &mut Names<'_>, constant: Constant, ty: Option<TypeKey>) -> Constant {
    let Some(key) = ty else { return constant };
    let basic = underlying(names, &key);
    let value = constant.value.map(|value| match (basic.as_deref(), value) {
        (Some(basic), Value::Float(it)) if is_integer(basic) && it.fract() == 0.0 => Value::Int(it as i128),
        (Some("float32" | "float64"), Value::Int(it)) => Value::Float(it as f64),
        (Some("string"), Value::Int(it)) => {
            let code = u32::try_from(it).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            Value::String(code.to_string())
        }
        (_, value) => value,
    });
    Constant { ty: Some(key), value }
}

fn is_integer(basic: &str) -> bool {
    basic.starts_with("int") || basic.starts_with("uint") || matches!(basic, "byte" | "rune")
}

fn unary(operator: &str, value: Value, basic: Option<&str>) -> Result<Value, String> {
    match (operator, value) {
        ("+", value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
        ("-", Value::Int(it)) => Ok(Value::Int(-it)),
        ("-", Value::Float(it)) => Ok(Value::Float(-it)),
        ("!", Value::Bool(it)) => Ok(Value::Bool(!it)),
        // Of an unsigned type the complement stays within its bits.
        ("^", Value::Int(it)) => Ok(Value::Int(match basic {
            Some("uint8" | "byte") => !it & 0xFF,
            Some("uint16") => !it & 0xFFFF,
            Some("uint32") => !it & 0xFFFF_FFFF,
            Some("uint" | "uint64" | "uintptr") => !it & i128::from(u64::MAX),
            _ => !it,
        })),
        (operator, _) => Err(format!("`{operator}` does not fit its operand")),
    }
}

fn binary(left: Constant, operator: &str, right: Constant) -> Constant {
    let is_shift = matches!(operator, "<<" | ">>");
    let is_comparison = matches!(operator, "==" | "!=" | "<" | "<=" | ">" | ">=");
    let ty = match (is_comparison, is_shift) {
        (true, _) => None,
        (_, true) => left.ty,
        _ => left.ty.or(right.ty),
    };
    let value = match (left.value, right.value) {
        (Ok(left), Ok(right)) => operate(left, operator, right),
        (Err(why), _) | (_, Err(why)) => Err(why),
    };
    Constant { ty, value }
}

fn operate(left: Value, operator: &str, right: Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integers(left, operator, right),
        (Value::Float(left), Value::Float(right)) => floats(left, operator, right),
        (Value::Int(left), Value::Float(right)) => floats(left as f64, operator, right),
        (Value::Float(left), Value::Int(right)) => floats(left, operator, right as f64),
        (Value::String(left), Value::String(right)) if operator == "+" => Ok(Value::String(left + &right)),
        (Value::String(left), Value::String(right)) => compare(&left, operator, &right),
        (Value::Bool(left), Value::Bool(right)) => match operator {
            "&&" => Ok(Value::Bool(left && right)),
            "||" => Ok(Value::Bool(left || right)),
            _ => compare(&left, operator, &right),
        },
        _ => Err(format!("`{operator}` does not fit its operands")),
    }
}

fn integers(left: i128, operator: &str, right: i128) -> Result<Value, String> {
    let result = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        "%" => left.checked_rem(right),
        "&" => Some(left & right),
        "|" => Some(left | right),
        "^" => Some(left ^ right),
        "&^" => Some(left & !right),
        "<<" => u32::try_from(right).ok().and_then(|by| 1i128.checked_shl(by)).and_then(|by| left.checked_mul(by)),
        ">>" => u32::try_from(right).ok().map(|by| left >> by.min(127)),
        _ => return compare(&left, operator, &right),
    };
    result.map(Value::Int).ok_or_else(|| format!("`{left} {operator} {right}` has no value that fits"))
}

fn floats(left: f64, operator: &str, right: f64) -> Result<Value, String> {
    Ok(Value::Float(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right != 0.0 => left / right,
        _ => return compare(&left, operator, &right),
    }))
}

fn compare<T: PartialOrd>(left: &T, operator: &str, right: &T) -> Result<Value, String> {
    Ok(Value::Bool(match operator {
        "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => return Err(format!("`{operator}` does not fit its operands")),
    }))
}

/// The few constants of the standard library that typed constants are made of.
fn standard(import: &str, name: &str) -> Option<i128> {
    let seconds = |count: i128| Some(count * 1_000_000_000);
    match (import, name) {
        ("time", "Nanosecond") => Some(1),
        ("time", "Microsecond") => Some(1_000),
        ("time", "Millisecond") => Some(1_000_000),
        ("time", "Second") => seconds(1),
        ("time", "Minute") => seconds(60),
        ("time", "Hour") => seconds(3600),
        ("math", "MaxInt8") => Some(i128::from(i8::MAX)),
        ("math", "MaxInt16") => Some(i128::from(i16::MAX)),
        ("math", "MaxInt32") => Some(i128::from(i32::MAX)),
        ("math", "MaxInt" | "MaxInt64") => Some(i128::from(i64::MAX)),
        ("math", "MinInt8") => Some(i128::from(i8::MIN)),
        ("math", "MinInt16") => Some(i128::from(i16::MIN)),
        ("math", "MinInt32") => Some(i128::from(i32::MIN)),
        ("math", "MinInt" | "MinInt64") => Some(i128::from(i64::MIN)),
        ("math", "MaxUint8") => Some(i128::from(u8::MAX)),
        ("math", "MaxUint16") => Some(i128::from(u16::MAX)),
        ("math", "MaxUint32") => Some(i128::from(u32::MAX)),
        ("math", "MaxUint" | "MaxUint64") => Some(i128::from(u64::MAX)),
        _ => None,
    }
}
