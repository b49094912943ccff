//! The types of dynamic values: a set of definitions that values share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use crate::types::{TypeId, WireField, WireType, predefined};

/// A set of type definitions that only grows; clones are the same set. A decoder has one for what its sender defines; to
/// make values of types of one's own, make a set with [`Types::new`].
#[derive(Clone, Debug)]
pub struct Types(Arc<Set>);

#[derive(Debug)]
struct Set {
    /// Tells sets apart, so that an encoder recognises types it has seen.
    token: u64,
    definitions: RwLock<Definitions>,
}

#[derive(Debug)]
struct Definitions {
    by_id: HashMap<TypeId, Arc<WireType>>,
    next: i32,
}

/// A type in a set of types.
#[derive(Clone, Debug)]
pub struct Type {
    types: Types,
    id: TypeId,
}

impl Default for Types {
    fn default() -> Self {
        Self::new()
    }
}

impl Types {
    /// An empty set. To be kept for all values of its types: an encoder sends the types of every set once.
    pub fn new() -> Self {
        static TOKENS: AtomicU64 = AtomicU64::new(0);
        let definitions = RwLock::new(Definitions { by_id: HashMap::new(), next: TypeId::FIRST_USER.0 });
        Self(Arc::new(Set { token: TOKENS.fetch_add(1, Ordering::Relaxed), definitions }))
    }

    pub(crate) fn with_predefined() -> Self {
        let types = Self::new();
        for (id, definition) in predefined() {
            types.insert(id, Arc::new(definition));
        }
        types
    }

    pub(crate) fn insert(&self, id: TypeId, definition: Arc<WireType>) {
        self.0.definitions.write().unwrap_or_else(PoisonError::into_inner).by_id.insert(id, definition);
    }

    /// The type `id` of this set: one that was added, or one that gob itself defines.
    pub fn get(&self, id: TypeId) -> Type {
        Type { types: self.clone(), id }
    }

    /// The definition of a type, unless gob itself defines it.
    pub fn definition(&self, id: TypeId) -> Option<Arc<WireType>> {
        self.0.definitions.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&id).cloned()
    }

    /// Adds a type.
    pub fn add(&self, definition: WireType) -> TypeId {
        let id = self.declare();
        self.define(id, definition);
        id
    }

    /// Sets an id aside for a type that is needed before it can be defined, because it contains itself.
    pub fn declare(&self) -> TypeId {
        let mut definitions = self.0.definitions.write().unwrap_or_else(PoisonError::into_inner);
        let id = TypeId(definitions.next);
        definitions.next += 1;
        id
    }

    /// Defines a declared type. A type once defined stays as it is.
    pub fn define(&self, id: TypeId, definition: WireType) {
        let mut definitions = self.0.definitions.write().unwrap_or_else(PoisonError::into_inner);
        definitions.by_id.entry(id).or_insert_with(|| Arc::new(definition));
    }

    /// Adds a struct.
    pub fn structure<'a>(&self, name: &str, fields: impl IntoIterator<Item = (&'a str, TypeId)>) -> TypeId {
        let fields = fields.into_iter().map(|(name, id)| WireField { name: name.into(), id }).collect();
        self.add(WireType::Struct { name: name.into(), fields })
    }

    /// Adds the type `[]elem`. For `[]byte` there is [`TypeId::BYTES`].
    pub fn slice_of(&self, elem: TypeId) -> TypeId {
        self.add(WireType::Slice { name: "".into(), elem })
    }

    /// Adds the type `map[key]elem`.
    pub fn map_of(&self, key: TypeId, elem: TypeId) -> TypeId {
        self.add(WireType::Map { name: "".into(), key, elem })
    }
}

impl Type {
    /// A type that gob itself defines.
    pub(super) fn basic(id: TypeId) -> Self {
        COMMON.types.get(id)
    }

    /// Its id in its set.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The set that it and all it is made of are in.
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// Its definition, unless gob itself defines it.
    pub fn definition(&self) -> Option<Arc<WireType>> {
        self.types.definition(self.id)
    }

    /// Where encoders remember it.
    pub(super) fn key(&self, id: TypeId) -> (u64, TypeId) {
        (self.types.0.token, id)
    }
}

/// The types that values made here have.
struct Common {
    types: Types,
    list_of_any: TypeId,
    map_of_any: TypeId,
}

static COMMON: LazyLock<Common> = LazyLock::new(|| {
    let types = Types::new();
    let list_of_any = types.slice_of(TypeId::INTERFACE);
    let map_of_any = types.map_of(TypeId::STRING, TypeId::INTERFACE);
    Common { types, list_of_any, map_of_any }
});

pub(super) fn list_of_any() -> Type {
    COMMON.types.get(COMMON.list_of_any)
}

pub(super) fn map_of_any() -> Type {
    COMMON.types.get(COMMON.map_of_any)
}
