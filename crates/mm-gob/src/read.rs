//! Reading values: [`ValueReader`] for one value, [`InterfaceReader`] for what an interface holds.

use bytes::Bytes;

use crate::codec::Codec;
use crate::definition;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::plan::{FieldPlan, Plan, Session};
use crate::structure::GobStruct;
use crate::types::{Kind, TypeId, WireType};
use crate::wire;

/// From this length on a `bytes::Bytes` is a view of the message instead of a copy; below, it would hold a whole message
/// in memory for a few bytes.
const SHARE_FROM: usize = 16 << 10;

/// Reads one value; given to [`Codec::decode`].
#[derive(Debug)]
pub struct ValueReader<'a> {
    /// What is left of the current message.
    current: &'a [u8],
    /// The messages after it, with their lengths. A value reaches into them only after a definition within an interface.
    rest: &'a [u8],
    frame: &'a Bytes,
    session: &'a mut Session,
    depth: u32,
    /// How many messages the value has gone on into.
    pieces: usize,
}

impl<'a> ValueReader<'a> {
    pub(crate) fn new(current: &'a [u8], rest: &'a [u8], frame: &'a Bytes, session: &'a mut Session) -> Self {
        Self { current, rest, frame, session, depth: 0, pieces: 0 }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads an unsigned number; also what bools, lengths and counts are.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        match self.current.split_first() {
            Some((&first, after)) if first < 128 => {
                self.current = after;
                Ok(u64::from(first))
            }
            _ => self.long_uint(),
        }
    }

    fn long_uint(&mut self) -> Result<u64, DecodeError> {
        if let Some((first, window)) = self.current.split_first_chunk::<9>().map(|(chunk, _)| (chunk[0], chunk)) {
            let length = usize::from(first.wrapping_neg());
            if first < 128 || length > 8 {
                return Err(DecodeError::corrupt("no number is that long"));
            }
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&window[1..9]);
            self.current = &self.current[1 + length..];
            return Ok(u64::from_be_bytes(bytes) >> (64 - 8 * length));
        }
        match wire::peek_uint(self.current) {
            Ok(Some((value, length))) => {
                self.current = &self.current[length..];
                Ok(value)
            }
            Ok(None) => Err(DecodeError::truncated()),
            Err(()) => Err(DecodeError::corrupt("no number is that long")),
        }
    }

    /// Reads a signed number.
    #[inline]
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        Ok(wire::unzigzag(self.uint()?))
    }

    /// Reads a float.
    #[inline]
    pub fn float(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_bits(self.uint()?.swap_bytes()))
    }

    /// Reads bytes after their length: a string, a `[]byte`, the bytes of a marshaled value.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.uint()?;
        let length = usize::try_from(length).map_err(|_| DecodeError::truncated())?;
        match self.current.split_at_checked(length) {
            Some((bytes, after)) => {
                self.current = after;
                Ok(bytes)
            }
            None => Err(DecodeError::truncated()),
        }
    }

    /// Like [`bytes`](Self::bytes), without a copy where it is long.
    pub fn shared_bytes(&mut self) -> Result<Bytes, DecodeError> {
        let bytes = self.bytes()?;
        if bytes.len() >= SHARE_FROM { Ok(self.frame.slice_ref(bytes)) } else { Ok(Bytes::copy_from_slice(bytes)) }
    }

    /// Reads the count of a list's or map's elements: the count, and for how many elements of `size` bytes in memory to
    /// set memory aside.
    pub fn count(&mut self, size: usize) -> Result<(usize, usize), DecodeError> {
        let count = usize::try_from(self.uint()?).map_err(|_| DecodeError::corrupt("no list is that long"))?;
        let affordable = self.session.limits.max_preallocation / size.max(1);
        Ok((count, count.min(self.current.len()).min(affordable)))
    }

    /// To be called before each element: refuses to go on when the message has ended, so that a count without elements
    /// behind it does no harm.
    #[inline]
    pub fn element(&mut self) -> Result<(), DecodeError> {
        if self.current.is_empty() { Err(DecodeError::truncated()) } else { Ok(()) }
    }

    /// The two plans that [`Planner::pair`](crate::Planner::pair) made one.
    #[inline]
    pub fn pair(&self, plan: Plan) -> (Plan, Plan) {
        self.session.pair_plan(plan)
    }

    /// The fields that the sender's types have and ours lack, below `plan` and wherever a value holds another: their
    /// content is passed over. As `Struct.Field`, with the name that the struct has here, sorted. Interfaces are not looked
    /// into: what they hold is planned when it comes.
    ///
    /// A codec that wraps another one asks in its `decode`, with the plan it was given. Who sends a value back that was read
    /// with fields passed over would take these fields away from the sender.
    pub fn unknown_fields(&self, plan: Plan) -> Vec<String> {
        self.session.unknown_fields(plan)
    }

    /// To be called by codecs on entering a value that holds others; [`leave`](Self::leave) ends it.
    #[inline]
    pub fn enter(&mut self) -> Result<(), DecodeError> {
        self.depth += 1;
        if self.depth > self.session.limits.max_depth { Err(self.too_deep()) } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&self) -> DecodeError {
        DecodeError::new(DecodeErrorKind::Limit("max_depth", self.session.limits.max_depth as usize))
    }

    /// The end of what [`enter`](Self::enter) began.
    #[inline]
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn session(&mut self) -> &mut Session {
        self.session
    }

    /// The number of the next field in the sender's struct, given the one before; `None` at the struct's end.
    #[inline]
    pub(crate) fn next_field(&mut self, last: &mut usize, fields: usize) -> Result<Option<usize>, DecodeError> {
        if self.current.is_empty() {
            // Go takes the end of the message for the end of the struct.
            return Ok(None);
        }
        let delta = self.uint()?;
        if delta == 0 {
            return Ok(None);
        }
        let next = usize::try_from(delta).ok().and_then(|delta| last.checked_add(delta));
        match next {
            Some(next) if next <= fields => {
                *last = next;
                Ok(Some(next - 1))
            }
            _ => Err(DecodeError::corrupt("a field number is beyond the struct's definition")),
        }
    }

    pub(crate) fn structure<S: GobStruct<T>, T: 'static>(
        &mut self,
        into: &mut T,
        plan: Plan,
    ) -> Result<(), DecodeError> {
        self.enter()?;
        let (start, length) = self.session.struct_plan(plan);
        let mut last = 0;
        while let Some(number) = self.next_field(&mut last, length)? {
            let field = self.session.field_plan(start + number);
            if field.ours == FieldPlan::SKIP {
                self.skip(field.sender)?;
            } else {
                let ours = &S::FIELDS[field.ours as usize];
                (ours.decode)(into, self, field.plan).map_err(|error| error.in_field(S::NAME, ours.name))?;
            }
        }
        self.leave();
        Ok(())
    }

    /// Reads a value of the sender's type `id` and forgets it. It is parsed, not jumped over: the lengths that
    /// interfaces carry are wrong when their content came in pieces.
    pub fn skip(&mut self, id: TypeId) -> Result<(), DecodeError> {
        match id.basic_kind() {
            Some(Kind::Bytes | Kind::String) => return self.bytes().map(drop),
            Some(Kind::Complex) => {
                self.uint()?;
                return self.uint().map(drop);
            }
            Some(Kind::Interface) => {
                self.enter()?;
                if let Some(mut content) = self.interface()? {
                    content.begin()?;
                    let id = content.id;
                    self.skip(id)?;
                }
                self.leave();
                return Ok(());
            }
            Some(_) => return self.uint().map(drop),
            None => {}
        }
        let Some(definition) = self.session.definition(id).cloned() else {
            return Err(DecodeError::new(DecodeErrorKind::UndefinedType(id)));
        };
        self.enter()?;
        match &*definition {
            WireType::Array { elem, .. } | WireType::Slice { elem, .. } => {
                for _ in 0..self.uint()? {
                    self.element()?;
                    self.skip(*elem)?;
                }
            }
            WireType::Map { key, elem, .. } => {
                for _ in 0..self.uint()? {
                    self.element()?;
                    self.skip(*key)?;
                    self.skip(*elem)?;
                }
            }
            WireType::Struct { fields, .. } => {
                let mut last = 0;
                while let Some(number) = self.next_field(&mut last, fields.len())? {
                    self.skip(fields[number].id)?;
                }
            }
            WireType::Marshaled { .. } => {
                self.bytes()?;
            }
        }
        self.leave();
        Ok(())
    }

    /// Reads the head of an interface: `None` if it is nil, else what it holds, to be read next.
    pub fn interface<'r>(&'r mut self) -> Result<Option<InterfaceReader<'r, 'a>>, DecodeError> {
        let name = self.bytes()?;
        if name.is_empty() {
            return Ok(None);
        }
        if name.len() > 1024 {
            return Err(DecodeError::corrupt("the name of an interface's concrete type is over 1024 bytes long"));
        }
        let name = std::str::from_utf8(name)
            .map_err(|_| DecodeError::corrupt("the name of an interface's concrete type is not UTF-8"))?;
        let id = self.type_sequence()?;
        // The content's length. Wrong when the content came in pieces; the content itself tells where it ends.
        self.uint()?;
        Ok(Some(InterfaceReader { name, id, from: self }))
    }

    /// Takes in the definitions that precede an interface's content, and returns the content's type. A sender that meets
    /// a new type here breaks its message off after the definition: either the value goes on in the next message, or,
    /// within another interface, a length precedes the next piece.
    fn type_sequence(&mut self) -> Result<TypeId, DecodeError> {
        loop {
            let id = self.int()?;
            let Ok(id) = i32::try_from(id) else { return Err(DecodeError::corrupt("a type id is out of range")) };
            if id >= 0 {
                return Ok(TypeId(id));
            }
            let definition = definition::read(self)?;
            let id = id.checked_neg().ok_or_else(|| DecodeError::corrupt("a type id is out of range"))?;
            self.session.define(TypeId(id), definition)?;
            if self.current.is_empty() {
                self.next_message()?;
            } else {
                self.uint()?;
            }
        }
    }

    fn next_message(&mut self) -> Result<(), DecodeError> {
        match wire::peek_uint(self.rest) {
            Err(()) => Err(DecodeError::corrupt("no number is that long")),
            Ok(None) => Err(DecodeError::new(DecodeErrorKind::Incomplete)),
            Ok(Some((length, head))) => {
                let max = self.session.limits.max_message_bytes;
                if length > max as u64 {
                    return Err(DecodeError::new(DecodeErrorKind::Limit("max_message_bytes", max)));
                }
                let body = &self.rest[head..];
                match body.split_at_checked(length as usize) {
                    None => Err(DecodeError::new(DecodeErrorKind::Incomplete)),
                    Some((current, rest)) => {
                        self.pieces += 1;
                        let max = self.session.limits.max_pieces;
                        if self.pieces > max {
                            return Err(DecodeError::new(DecodeErrorKind::Limit("max_pieces", max)));
                        }
                        self.current = current;
                        self.rest = rest;
                        Ok(())
                    }
                }
            }
        }
    }

    /// Before a value at top level or in an interface: anything but a struct has a zero byte in front.
    pub(crate) fn begin(&mut self, id: TypeId) -> Result<(), DecodeError> {
        if !self.session.is_struct(id) && self.uint()? != 0 {
            return Err(DecodeError::corrupt("a value that is no struct begins with a field number"));
        }
        Ok(())
    }

    pub(crate) fn remaining(&self) -> usize {
        self.current.len()
    }

    pub(crate) fn at_end(&self) -> bool {
        self.current.is_empty()
    }
}

/// What an interface holds: the name its type is registered under, its type on this stream, and its value, which must be
/// read by exactly one of [`read`](Self::read), [`read_into`](Self::read_into), [`dynamic`](Self::dynamic) and
/// [`skip`](Self::skip).
#[derive(Debug)]
pub struct InterfaceReader<'r, 'a> {
    name: &'a str,
    id: TypeId,
    from: &'r mut ValueReader<'a>,
}

impl<'a> InterfaceReader<'_, 'a> {
    /// The name under which the sender registered the concrete type, such as `string` or `*model.AppError`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The concrete type's id on this stream.
    pub fn type_id(&self) -> TypeId {
        self.id
    }

    /// The concrete type's kind.
    pub fn kind(&self) -> Result<Kind, DecodeError> {
        self.from.session.kind(self.id)
    }

    /// The sender's definition of the concrete type, unless gob itself defines it.
    pub fn definition(&self) -> Option<&WireType> {
        self.from.session.definition(self.id).map(|definition| &**definition)
    }

    fn begin(&mut self) -> Result<(), DecodeError> {
        self.from.begin(self.id)
    }

    /// Reads the content by the codec `C`.
    pub fn read<C: Codec<T>, T: Default>(self) -> Result<T, DecodeError> {
        let mut value = T::default();
        self.read_into::<C, T>(&mut value)?;
        Ok(value)
    }

    /// Reads the content by the codec `C` over an existing value.
    pub fn read_into<C: Codec<T>, T>(mut self, into: &mut T) -> Result<(), DecodeError> {
        let plan = self.from.session.plan::<C, T>(self.id)?;
        self.begin()?;
        C::decode(into, self.from, plan)
    }

    /// Reads the content as what it is.
    pub fn dynamic(mut self) -> Result<crate::dynamic::Interface, DecodeError> {
        self.begin()?;
        let (name, id) = (self.name, self.id);
        let value = crate::dynamic::read(self.from, id)?;
        let ty = self.from.session.shared_types().get(id);
        Ok(crate::dynamic::Interface { name: name.to_owned(), ty, value })
    }

    /// Reads the content and forgets it.
    pub fn skip(mut self) -> Result<(), DecodeError> {
        self.begin()?;
        self.from.skip(self.id)
    }
}
