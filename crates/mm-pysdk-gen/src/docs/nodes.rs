//! What the pages consist of.

use serde::Serialize;

/// A row of a table: a name, its type (maybe linked) and its meaning.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) doc: String,
}

/// An entry of a list: linked name and a sentence.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    pub(super) link: String,
    pub(super) text: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ApiIndex {
    pub(super) header: String,
    pub(super) n_methods: usize,
    pub(super) groups: Vec<ApiIndexGroup>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ApiIndexGroup {
    pub(super) title: String,
    pub(super) slug: String,
    pub(super) methods: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ApiPage {
    pub(super) header: String,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) methods: Vec<MethodSection>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MethodSection {
    pub(super) name: String,
    pub(super) definition: Vec<String>,
    pub(super) doc: Vec<String>,
    pub(super) parameters: Vec<Row>,
    /// Empty when the method returns nothing.
    pub(super) returns: String,
    pub(super) raises: Vec<Entry>,
    /// Go's signature.
    pub(super) go: String,
    pub(super) since: String,
    /// The permission that it needs, linked; empty when every plugin may call it.
    pub(super) permission: String,
    /// What else has to be known, such as streams.
    pub(super) note: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct HooksPage {
    pub(super) header: String,
    pub(super) overview: Vec<HookRow>,
    pub(super) hooks: Vec<HookSection>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct HookRow {
    pub(super) link: String,
    pub(super) kind: &'static str,
    pub(super) since: String,
    pub(super) doc: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct HookSection {
    pub(super) name: String,
    /// Lines of code per form.
    pub(super) forms: Vec<Vec<String>>,
    pub(super) doc: Vec<String>,
    pub(super) parameters: Vec<Row>,
    pub(super) returns: Vec<String>,
    pub(super) go: String,
    pub(super) since: String,
    /// Upstream's number, "" for none.
    pub(super) id: String,
    /// What an exception means.
    pub(super) raising: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TypesIndex {
    pub(super) header: String,
    pub(super) mapping: Vec<MappingRow>,
    pub(super) types: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MappingRow {
    pub(super) go: String,
    pub(super) proto: String,
    pub(super) rust: String,
    pub(super) python: String,
    pub(super) note: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TypesPage {
    pub(super) header: String,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) types: Vec<TypeSection>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TypeSection {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    pub(super) go: String,
    pub(super) proto: String,
    pub(super) rust: String,
    pub(super) python: String,
    /// Of a struct.
    pub(super) fields: Vec<FieldRow>,
    /// Of an enum.
    pub(super) members: Vec<MemberRow>,
    pub(super) is_enum: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct FieldRow {
    pub(super) python: String,
    pub(super) go: String,
    pub(super) proto: String,
    pub(super) rust: String,
    pub(super) doc: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MemberRow {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) go: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Readme {
    pub(super) header: String,
    pub(super) version: String,
    pub(super) n_methods: usize,
    pub(super) n_hooks: usize,
    pub(super) n_types: usize,
    pub(super) n_permissions: usize,
    pub(super) has_simulator: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct PermissionsPage {
    pub(super) header: String,
    pub(super) n_methods: usize,
    pub(super) permissions: Vec<PermissionSection>,
    pub(super) always: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct PermissionSection {
    pub(super) name: String,
    pub(super) doc: String,
    /// Linked names of methods.
    pub(super) methods: Vec<String>,
    /// Names of services besides the API.
    pub(super) services: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ParityPage {
    pub(super) header: String,
    pub(super) version: String,
    pub(super) has_simulator: bool,
    pub(super) n_simulated: usize,
    pub(super) n_called: usize,
    pub(super) api: Vec<ParityRow>,
    pub(super) hooks: Vec<ParityRow>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ParityRow {
    pub(super) go: String,
    pub(super) python: String,
    pub(super) since: String,
    pub(super) stream: &'static str,
    pub(super) simulator: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SimulatorPage {
    pub(super) header: String,
    pub(super) n_methods: usize,
    pub(super) n_simulated: usize,
    pub(super) groups: Vec<SimulatorGroup>,
    pub(super) n_hooks: usize,
    pub(super) n_called: usize,
    pub(super) never_called: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SimulatorGroup {
    pub(super) title: String,
    pub(super) simulated: Vec<String>,
    pub(super) missing: Vec<String>,
}
