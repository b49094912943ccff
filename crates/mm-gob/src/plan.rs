//! Plans: how a sender's type is read into a type of ours. Made once per pair of types, used for every value.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{DecodeError, DecodeErrorKind};
use crate::limits::Limits;
use crate::structure::GobStruct;
use crate::types::{Kind, Marshaler, TypeId, WireType, predefined};

/// How a sender's type is read by one codec. Means something only to the codec that made it, on the same stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan(u32);

impl Plan {
    /// The plan of a codec that has nothing to remember.
    pub const LEAF: Self = Self(u32::MAX);
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Struct { start: u32, length: u32 },
    Pair(Plan, Plan),
}

/// What is done with one of the sender's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldPlan {
    /// Position in our struct, or [`FieldPlan::SKIP`].
    pub(crate) ours: u32,
    pub(crate) plan: Plan,
    pub(crate) sender: TypeId,
}

impl FieldPlan {
    pub(crate) const SKIP: u32 = u32::MAX;
}

/// What one incoming stream has told so far, and what was made of it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) limits: Limits,
    definitions: HashMap<TypeId, Arc<WireType>>,
    /// The ids of `definitions` in the order of their arrival.
    arrived: Vec<TypeId>,
    /// The definitions as dynamic values keep them.
    shared: crate::dynamic::Types,
    /// How many of `arrived` are in `shared`; the rest follows when it is needed.
    shared_count: usize,
    nodes: Vec<Node>,
    fields: Vec<FieldPlan>,
    structs: HashMap<(std::any::TypeId, TypeId), Plan>,
    pairs: HashMap<(Plan, Plan), Plan>,
    /// Struct plans made since the outermost planning began, to forget them if it fails.
    fresh: Vec<(std::any::TypeId, TypeId)>,
    /// Plans of structs that have no field in common, and the name of ours.
    unmatched: HashMap<Plan, &'static str>,
    /// Plans of structs that pass over fields of the sender's: which, as `Struct.Field` with our struct's name.
    passed_over: HashMap<Plan, Vec<String>>,
}

impl Session {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            definitions: predefined().into_iter().map(|(id, definition)| (id, Arc::new(definition))).collect(),
            arrived: Vec::new(),
            shared: crate::dynamic::Types::with_predefined(),
            shared_count: 0,
            nodes: Vec::new(),
            fields: Vec::new(),
            structs: HashMap::new(),
            pairs: HashMap::new(),
            fresh: Vec::new(),
            unmatched: HashMap::new(),
            passed_over: HashMap::new(),
        }
    }

    pub(crate) fn define(&mut self, id: TypeId, definition: WireType) -> Result<(), DecodeError> {
        if id < TypeId::FIRST_USER || self.definitions.contains_key(&id) {
            return Err(DecodeError::new(DecodeErrorKind::DuplicateType(id)));
        }
        if self.arrived.len() >= self.limits.max_types {
            return Err(DecodeError::new(DecodeErrorKind::Limit("max_types", self.limits.max_types)));
        }
        self.definitions.insert(id, Arc::new(definition));
        self.arrived.push(id);
        Ok(())
    }

    pub(crate) fn defined(&self) -> usize {
        self.arrived.len()
    }

    /// Forgets the definitions after the first `count`: the value that brought them will be read again from its start.
    pub(crate) fn forget_definitions(&mut self, count: usize) {
        for id in self.arrived.drain(count..) {
            self.definitions.remove(&id);
        }
        self.shared_count = self.shared_count.min(count);
    }

    pub(crate) fn definition(&self, id: TypeId) -> Option<&Arc<WireType>> {
        self.definitions.get(&id)
    }

    pub(crate) fn kind(&self, id: TypeId) -> Result<Kind, DecodeError> {
        if let Some(kind) = id.basic_kind() {
            return Ok(kind);
        }
        match self.definitions.get(&id) {
            Some(definition) => Ok(definition.kind()),
            None => Err(DecodeError::new(DecodeErrorKind::UndefinedType(id))),
        }
    }

    #[inline]
    pub(crate) fn is_struct(&self, id: TypeId) -> bool {
        id.0 >= 16
            && self.definitions.get(&id).is_some_and(|definition| matches!(**definition, WireType::Struct { .. }))
    }

    /// The definitions as dynamic values keep them.
    pub(crate) fn shared_types(&mut self) -> &crate::dynamic::Types {
        for id in &self.arrived[self.shared_count..] {
            self.shared.insert(*id, self.definitions[id].clone());
        }
        self.shared_count = self.arrived.len();
        &self.shared
    }

    /// The plan of the outermost type of a value; nothing of it stays behind if it fails.
    pub(crate) fn plan<C: crate::codec::Codec<T>, T>(&mut self, sender: TypeId) -> Result<Plan, DecodeError> {
        if sender.basic_kind().is_none() {
            // An undefined type is told as such before anything is compared with it.
            self.kind(sender)?;
        }
        let (nodes, fields, fresh) = (self.nodes.len(), self.fields.len(), self.fresh.len());
        match C::plan(&mut Planner { session: self }, sender) {
            Ok(plan) => {
                self.fresh.clear();
                if !self.unmatched.is_empty()
                    && self.is_struct(sender)
                    && let Some(wanted) = self.unmatched.get(&plan)
                {
                    let sent = self.describe(sender);
                    return Err(DecodeError::new(DecodeErrorKind::NoCommonFields { sent, wanted }));
                }
                Ok(plan)
            }
            Err(error) => {
                for key in self.fresh.drain(fresh..) {
                    if let Some(plan) = self.structs.remove(&key) {
                        self.unmatched.remove(&plan);
                        self.passed_over.remove(&plan);
                    }
                }
                self.pairs.retain(|_, plan| (plan.0 as usize) < nodes);
                self.nodes.truncate(nodes);
                self.fields.truncate(fields);
                Err(error)
            }
        }
    }

    #[inline]
    pub(crate) fn struct_plan(&self, plan: Plan) -> (usize, usize) {
        match self.nodes.get(plan.0 as usize) {
            Some(&Node::Struct { start, length }) => (start as usize, length as usize),
            _ => (0, 0),
        }
    }

    #[inline]
    pub(crate) fn field_plan(&self, index: usize) -> FieldPlan {
        self.fields[index]
    }

    #[inline]
    pub(crate) fn pair_plan(&self, plan: Plan) -> (Plan, Plan) {
        match self.nodes.get(plan.0 as usize) {
            Some(&Node::Pair(first, second)) => (first, second),
            _ => (Plan::LEAF, Plan::LEAF),
        }
    }

    /// The sender's fields that a plan and those within it pass over, sorted.
    pub(crate) fn unknown_fields(&self, plan: Plan) -> Vec<String> {
        let mut unknown = Vec::new();
        let mut seen = HashSet::new();
        let mut plans = vec![plan];
        while let Some(plan) = plans.pop() {
            if !seen.insert(plan) {
                continue;
            }
            unknown.extend(self.passed_over.get(&plan).into_iter().flatten().cloned());
            match self.nodes.get(plan.0 as usize) {
                Some(&Node::Struct { start, length }) => {
                    let fields = &self.fields[start as usize..(start + length) as usize];
                    plans.extend(fields.iter().map(|field| field.plan));
                }
                Some(&Node::Pair(first, second)) => plans.extend([first, second]),
                None => {}
            }
        }
        unknown.sort();
        unknown
    }

    /// A type in Go's words, for messages.
    pub(crate) fn describe(&self, id: TypeId) -> String {
        self.describe_to(id, 4)
    }

    fn describe_to(&self, id: TypeId, depth: u32) -> String {
        if let Some(name) = id.basic_name() {
            return name.to_owned();
        }
        let Some(definition) = self.definitions.get(&id) else { return format!("type {} (undefined)", id.0) };
        if depth == 0 {
            return "…".to_owned();
        }
        match &**definition {
            WireType::Array { elem, length, .. } => format!("[{length}]{}", self.describe_to(*elem, depth - 1)),
            WireType::Slice { elem, .. } => format!("[]{}", self.describe_to(*elem, depth - 1)),
            WireType::Map { key, elem, .. } => {
                format!("map[{}]{}", self.describe_to(*key, depth - 1), self.describe_to(*elem, depth - 1))
            }
            WireType::Struct { name, .. } if name.is_empty() => "struct".to_owned(),
            WireType::Struct { name, .. } => format!("struct {name}"),
            WireType::Marshaled { name, by } => {
                let by = match by {
                    Marshaler::Gob => "GobEncoder",
                    Marshaler::Binary => "BinaryMarshaler",
                    Marshaler::Text => "TextMarshaler",
                };
                if name.is_empty() { format!("a {by}") } else { format!("{name} (a {by})") }
            }
        }
    }
}

/// Makes plans; given to [`Codec::plan`](crate::Codec::plan).
#[derive(Debug)]
pub struct Planner<'a> {
    session: &'a mut Session,
}

impl Planner<'_> {
    /// A leaf plan if the sender's type is the one that gob itself calls `id`.
    pub fn expect(&self, sender: TypeId, id: TypeId) -> Result<Plan, DecodeError> {
        if sender == id { Ok(Plan::LEAF) } else { Err(self.mismatch(id.basic_name().unwrap_or("?"), sender)) }
    }

    /// A leaf plan if the sender's type makes its own bytes through `by`.
    pub fn expect_marshaled(&self, sender: TypeId, by: Marshaler) -> Result<Plan, DecodeError> {
        match self.definition(sender) {
            Some(WireType::Marshaled { by: sent, .. }) if *sent == by => Ok(Plan::LEAF),
            _ => Err(self.mismatch(
                match by {
                    Marshaler::Gob => "a GobEncoder",
                    Marshaler::Binary => "a BinaryMarshaler",
                    Marshaler::Text => "a TextMarshaler",
                },
                sender,
            )),
        }
    }

    /// The sender's definition of a type.
    pub fn definition(&self, sender: TypeId) -> Option<&WireType> {
        self.session.definition(sender).map(|definition| &**definition)
    }

    /// The error for a type of another kind than wanted. `wanted` in Go's words.
    #[cold]
    pub fn mismatch(&self, wanted: &str, sender: TypeId) -> DecodeError {
        DecodeError::new(DecodeErrorKind::Mismatch { wanted: wanted.to_owned(), sent: self.session.describe(sender) })
    }

    /// One plan for two, as a map's keys and values need; taken apart by
    /// [`ValueReader::pair`](crate::ValueReader::pair).
    pub fn pair(&mut self, first: Plan, second: Plan) -> Plan {
        if (first, second) == (Plan::LEAF, Plan::LEAF) {
            return Plan::LEAF;
        }
        if let Some(&plan) = self.session.pairs.get(&(first, second)) {
            return plan;
        }
        let plan = Plan(self.session.nodes.len() as u32);
        self.session.nodes.push(Node::Pair(first, second));
        self.session.pairs.insert((first, second), plan);
        plan
    }

    /// The plan of a struct: which of the sender's fields is which of ours, and how each is read.
    pub(crate) fn structure<S: GobStruct<T>, T: 'static>(&mut self, sender: TypeId) -> Result<Plan, DecodeError> {
        let key = (std::any::TypeId::of::<(S, T)>(), sender);
        if let Some(&plan) = self.session.structs.get(&key) {
            return Ok(plan);
        }
        let definition = match self.session.definition(sender) {
            Some(definition) if definition.kind() == Kind::Struct => definition.clone(),
            _ => return Err(self.mismatch(&format!("struct {}", S::NAME), sender)),
        };
        let WireType::Struct { fields, .. } = &*definition else { return Ok(Plan::LEAF) };
        // Known before its fields are planned: they may lead back to it.
        let plan = Plan(self.session.nodes.len() as u32);
        self.session.nodes.push(Node::Struct { start: 0, length: 0 });
        self.session.structs.insert(key, plan);
        self.session.fresh.push(key);
        let mut matched = false;
        let mut passed_over = Vec::new();
        let mut planned = Vec::with_capacity(fields.len());
        for field in fields {
            let ours = S::FIELDS.iter().position(|ours| *ours.name == *field.name);
            let plan = match ours {
                Some(ours) => {
                    matched = true;
                    let ours = &S::FIELDS[ours];
                    (ours.plan)(self, field.id).map_err(|error| error.in_field(S::NAME, ours.name))?
                }
                None => {
                    passed_over.push(format!("{}.{}", S::NAME, field.name));
                    Plan::LEAF
                }
            };
            let ours = ours.map_or(FieldPlan::SKIP, |ours| ours as u32);
            planned.push(FieldPlan { ours, plan, sender: field.id });
        }
        let start = self.session.fields.len() as u32;
        let length = planned.len() as u32;
        self.session.fields.extend(planned);
        self.session.nodes[plan.0 as usize] = Node::Struct { start, length };
        if !passed_over.is_empty() {
            self.session.passed_over.insert(plan, passed_over);
        }
        if !matched && length > 0 && !S::FIELDS.is_empty() {
            self.session.unmatched.insert(plan, S::NAME);
        }
        Ok(plan)
    }
}
