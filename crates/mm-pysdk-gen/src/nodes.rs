//! The Python IR: what generated modules consist of, every text already computed. Templates only lay it out.

use serde::Serialize;

/// `__init__.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RootPackage {
    pub(crate) header: String,
    /// A literal.
    pub(crate) version: String,
}

/// One import block of a module, sorted as ruff sorts it.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Imports {
    /// Lines at the top, blank lines between sections included.
    pub(crate) runtime: Vec<String>,
    /// Lines under `if TYPE_CHECKING:`, indented.
    pub(crate) checking: Vec<String>,
    /// Lines under the `else:` of it, indented.
    pub(crate) otherwise: Vec<String>,
}

/// A module of models.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelModule {
    pub(crate) header: String,
    /// What type checkers shall not complain of, "" for nothing.
    pub(crate) pragma: &'static str,
    pub(crate) docstring: Vec<String>,
    pub(crate) imports: Imports,
    pub(crate) enums: Vec<EnumClass>,
    pub(crate) classes: Vec<ModelClass>,
    /// Entries of `TABLES`, indented.
    pub(crate) tables: Vec<String>,
}

/// An open enum.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EnumClass {
    pub(crate) name: String,
    pub(crate) base: &'static str,
    pub(crate) docstring: Vec<String>,
    /// `OPEN = "O"`.
    pub(crate) members: Vec<String>,
}

/// A dataclass.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelClass {
    pub(crate) name: String,
    pub(crate) docstring: Vec<String>,
    /// `id: str = ""`, indented.
    pub(crate) attributes: Vec<String>,
}

/// A name that a lazy package takes from one of its modules.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct IndexEntry {
    pub(crate) name: String,
    pub(crate) module: String,
}

/// `models/__init__.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelsPackage {
    pub(crate) header: String,
    pub(crate) checking: Vec<String>,
    pub(crate) names: Vec<String>,
}

/// `index.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct IndexModule {
    pub(crate) header: String,
    pub(crate) entries: Vec<IndexEntry>,
}

/// A class of `keywords.py`: the fields of a model as keywords of a method.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KeywordClass {
    pub(crate) name: String,
    pub(crate) model: String,
    /// `id: str`.
    pub(crate) fields: Vec<String>,
}

/// `keywords.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KeywordsModule {
    pub(crate) header: String,
    pub(crate) imports: Imports,
    pub(crate) classes: Vec<KeywordClass>,
}

/// A mixin with the API methods of one group, sync or async.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiModule {
    pub(crate) header: String,
    pub(crate) docstring: Vec<String>,
    pub(crate) imports: Imports,
    pub(crate) class: String,
    pub(crate) base: &'static str,
    pub(crate) class_docstring: Vec<String>,
    pub(crate) methods: Vec<ApiMethod>,
}

/// One typed method.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiMethod {
    /// Signatures of overloads, indented, `: ...` included.
    pub(crate) overloads: Vec<String>,
    /// Signature of the method, indented.
    pub(crate) signature: String,
    pub(crate) docstring: Vec<String>,
    /// The statement, indented.
    pub(crate) body: String,
}

/// `api_sync/__init__.py`, `api_async/__init__.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiPackage {
    pub(crate) header: String,
    pub(crate) docstring: Vec<String>,
    pub(crate) imports: Vec<String>,
    pub(crate) class: String,
    pub(crate) mixins: Vec<String>,
}

/// `codec_api.py`, `codec_hooks.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CodecModule {
    pub(crate) header: String,
    pub(crate) docstring: Vec<String>,
    /// Entries of `METHODS`, indented.
    pub(crate) methods: Vec<String>,
    /// The statement that makes `NULLABLE`: methods whose only result, a model, may be missing though nothing failed.
    pub(crate) nullable: String,
    /// Entries of `TABLES`, indented.
    pub(crate) tables: Vec<String>,
}

/// `since.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SinceModule {
    pub(crate) header: String,
    /// Entries of `SINCE`, indented.
    pub(crate) methods: Vec<String>,
}

/// `hooks.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HooksModule {
    pub(crate) header: String,
    /// Go names.
    pub(crate) names: Vec<String>,
    /// Entries of `HOOKS`, indented.
    pub(crate) specs: Vec<String>,
}

/// `hook_typing.py`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HookTypingModule {
    pub(crate) header: String,
    pub(crate) imports: Imports,
    pub(crate) hooks: Vec<HookTyping>,
}

/// What type checkers know of `@hook` for one hook.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HookTyping {
    /// Definition of the type variable that is bound to the handler's type, indented.
    pub(crate) variable: String,
    /// Signature of the overload, indented, `: ...` included.
    pub(crate) overload: String,
}
