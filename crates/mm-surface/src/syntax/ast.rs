//! What is kept of a Go file. Owned data without tree-sitter in it; names are as written, not yet looked up.

use std::collections::BTreeMap;

/// A file of a package.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) package: String,
    pub(crate) imports: Vec<Import>,
    pub(crate) types: Vec<TypeDecl>,
    pub(crate) consts: Vec<ConstDecl>,
    pub(crate) methods: Vec<MethodDecl>,
    pub(crate) gob: Vec<GobCall>,
    /// Variables that are lists of texts, `var versions = []string{…}`, by name; of a program also those in functions.
    pub(crate) lists: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Import {
    /// The name given in the import; `.` and `_` included.
    pub(crate) alias: Option<String>,
    pub(crate) path: String,
}

#[derive(Debug)]
pub(crate) struct TypeDecl {
    pub(crate) name: String,
    /// Names of the type parameters.
    pub(crate) params: Vec<String>,
    /// `type X = Y`.
    pub(crate) alias: bool,
    pub(crate) ty: TypeExpr,
    pub(crate) line: u32,
}

/// One name of a constant declaration; where Go repeats the expression before it, so does this.
#[derive(Debug)]
pub(crate) struct ConstDecl {
    pub(crate) name: String,
    pub(crate) ty: Option<TypeExpr>,
    pub(crate) value: Option<Expr>,
    pub(crate) iota: i128,
    pub(crate) line: u32,
}

/// `func (x *Receiver) Name(params) results`.
#[derive(Debug)]
pub(crate) struct MethodDecl {
    pub(crate) receiver: String,
    pub(crate) signature: Signature,
}

/// A method, of an interface or of a type.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) params: Vec<ParamExpr>,
    pub(crate) variadic: bool,
    pub(crate) results: Vec<TypeExpr>,
    pub(crate) since: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) line: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct ParamExpr {
    pub(crate) name: String,
    pub(crate) ty: TypeExpr,
}

/// `gob.Register(value)` or `gob.RegisterName(name, value)`.
#[derive(Debug)]
pub(crate) struct GobCall {
    pub(crate) name: Option<Expr>,
    pub(crate) value: Expr,
    pub(crate) line: u32,
}

/// A type as written.
#[derive(Debug, Clone)]
pub(crate) enum TypeExpr {
    Name {
        package: Option<String>,
        name: String,
        args: Vec<TypeExpr>,
        line: u32,
    },
    Pointer(Box<TypeExpr>),
    Slice(Box<TypeExpr>),
    Array(Box<Expr>, Box<TypeExpr>),
    Map(Box<TypeExpr>, Box<TypeExpr>),
    Chan(crate::ChanDir, Box<TypeExpr>),
    Func {
        params: Vec<TypeExpr>,
        variadic: bool,
        results: Vec<TypeExpr>,
    },
    Struct(Vec<FieldExpr>),
    Interface {
        methods: Vec<Signature>,
        embedded: Vec<TypeExpr>,
    },
    /// `~T`, `A | B`: only in constraints, which no value has as its type.
    Constraint,
}

#[derive(Debug, Clone)]
pub(crate) struct FieldExpr {
    /// Of an embedded field the name of its type.
    pub(crate) name: String,
    pub(crate) ty: TypeExpr,
    /// The text between the quotes, with escapes resolved.
    pub(crate) tag: String,
    pub(crate) embedded: bool,
    pub(crate) line: u32,
}

/// An expression as written; only what constants and gob registrations are made of.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Int(i128),
    Float(f64),
    String(String),
    Char(char),
    Name {
        package: Option<String>,
        name: String,
    },
    Unary(String, Box<Expr>),
    Binary(Box<Expr>, String, Box<Expr>),
    /// `f(x)` or a conversion: what is called is a name.
    Call(Box<Expr>, Vec<Expr>),
    /// A conversion to a type that is no name, `(*T)(nil)`.
    Convert(TypeExpr, Box<Expr>),
    /// `T{…}`.
    Composite(TypeExpr),
    /// A type as an argument, `new(T)`.
    Type(TypeExpr),
    /// Anything else, as written: only an error if its value is asked for.
    Other(String),
}
