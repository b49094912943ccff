//! Types of the surface as gob types.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use mm_gob::dynamic::Types;
use mm_gob::{Marshaler, TypeId, WireField, WireType};
use mm_surface::{Builtin, Field, GoType, Surface};

/// Finds gob types by their names in Go. All are in one set.
pub(super) struct Schema<'a> {
    surface: &'a Surface,
    pub(super) types: Types,
    known: RefCell<BTreeMap<String, TypeId>>,
}

impl<'a> Schema<'a> {
    pub(super) fn new(surface: &'a Surface) -> Self {
        Self { surface, types: Types::new(), known: RefCell::default() }
    }

    /// Whether there is such a type.
    pub(super) fn check(&self, name: &str) -> Result<()> {
        self.find(name).map(drop)
    }

    /// The type that a line names: a type as Go writes it, or a struct of net/rpc with or without its package.
    pub(super) fn find(&self, name: &str) -> Result<TypeId> {
        let name = if name.starts_with("Z_") { format!("plugin.{name}") } else { name.to_owned() };
        self.resolve(&name)
    }

    /// The type behind a name in gob's registry.
    pub(super) fn registered(&self, name: &str) -> Result<TypeId> {
        let entry = self.surface.gob_registered.iter().find(|it| it.name == name);
        self.resolve(entry.map_or(name, |it| &it.ty))
    }

    fn resolve(&self, text: &str) -> Result<TypeId> {
        let parsed = GoType::parse(text).map_err(|error| anyhow::anyhow!("{text:?} is no type of Go's: {error}"))?;
        self.id(&parsed)?.with_context(|| format!("gob does not carry a {text}"))
    }

    /// `None` for what gob does not carry.
    fn id(&self, ty: &GoType) -> Result<Option<TypeId>> {
        if let GoType::Pointer(inner) = ty {
            return self.id(inner);
        }
        let text = ty.to_string();
        if let Some(id) = basic(&text) {
            return Ok(Some(id));
        }
        if let Some(&id) = self.known.borrow().get(&text) {
            return Ok(Some(id));
        }
        let id = match ty {
            GoType::Pointer(inner) => return self.id(inner),
            GoType::Chan(..) | GoType::Func { .. } => return Ok(None),
            GoType::Any => TypeId::INTERFACE,
            GoType::Slice(inner) => {
                let Some(elem) = self.id(inner)? else { return Ok(None) };
                self.types.slice_of(elem)
            }
            GoType::Array(length, inner) => {
                let Some(elem) = self.id(inner)? else { return Ok(None) };
                self.types.add(WireType::Array { name: "".into(), elem, length: *length })
            }
            GoType::Map(key, value) => {
                let (Some(key), Some(value)) = (self.id(key)?, self.id(value)?) else { return Ok(None) };
                self.types.map_of(key, value)
            }
            GoType::EmptyStruct => self.types.structure("", []),
            GoType::Named { .. } => return self.named(&text),
        };
        self.known.borrow_mut().insert(text, id);
        Ok(Some(id))
    }

    fn named(&self, name: &str) -> Result<Option<TypeId>> {
        if let Some(found) = self.surface.rpc.iter().find(|it| it.name == name) {
            return self.structure(name, &found.fields).map(Some);
        }
        let Some(found) = self.surface.find_type(name) else { bail!("the surface has no type {name}") };
        if let Some(builtin) = found.builtin {
            let id = match builtin {
                Builtin::Timestamp => self.marshaled(name, "Time", Marshaler::Gob),
                Builtin::Url => self.marshaled(name, "URL", Marshaler::Binary),
                Builtin::String => TypeId::STRING,
                Builtin::Json => TypeId::BYTES,
                Builtin::Error => TypeId::INTERFACE,
                Builtin::HttpResponse => self.http_response()?,
                Builtin::Opaque
                | Builtin::Reader
                | Builtin::Writer
                | Builtin::HttpResponseWriter
                | Builtin::HttpRequest => return Ok(None),
            };
            return Ok(Some(id));
        }
        match found.kind.as_str() {
            "struct" => self.structure(name, &found.fields).map(Some),
            "interface" => Ok(Some(TypeId::INTERFACE)),
            "alias" | "slice" | "array" | "map" | "pointer" => {
                let text = found.ty.as_deref().unwrap_or_default();
                self.id(&GoType::parse(text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?)
            }
            kind => Ok(basic(kind)),
        }
    }

    fn structure(&self, name: &str, fields: &[Field]) -> Result<TypeId> {
        // Known before its fields are: they may lead back to it.
        let id = self.types.declare();
        self.known.borrow_mut().insert(name.to_owned(), id);
        let mut wire = Vec::new();
        for field in fields.iter().filter(|it| it.exported) {
            let ty = GoType::parse(&field.ty).map_err(|error| anyhow::anyhow!("{name}.{}: {error}", field.name))?;
            if let Some(id) = self.id(&ty)? {
                wire.push(WireField { name: field.name.as_str().into(), id });
            }
        }
        let short = name.split_once('[').map_or(name, |(name, _)| name).rsplit('.').next().unwrap_or(name);
        self.types.define(id, WireType::Struct { name: short.into(), fields: wire });
        Ok(id)
    }

    fn marshaled(&self, name: &str, short: &str, by: Marshaler) -> TypeId {
        let id = self.types.add(WireType::Marshaled { name: short.into(), by });
        self.known.borrow_mut().insert(name.to_owned(), id);
        id
    }

    /// What of Go's response Mattermost fills. The surface does not describe it: its methods stream.
    fn http_response(&self) -> Result<TypeId> {
        let header = self.resolve("map[string][]string")?;
        let id = self.types.structure(
            "Response",
            [
                ("Status", TypeId::STRING),
                ("StatusCode", TypeId::INT),
                ("Proto", TypeId::STRING),
                ("ProtoMajor", TypeId::INT),
                ("ProtoMinor", TypeId::INT),
                ("Header", header),
                ("Body", TypeId::INTERFACE),
                ("ContentLength", TypeId::INT),
                ("TransferEncoding", self.resolve("[]string")?),
                ("Close", TypeId::BOOL),
                ("Uncompressed", TypeId::BOOL),
                ("Trailer", header),
            ],
        );
        self.known.borrow_mut().insert("http.Response".to_owned(), id);
        Ok(id)
    }
}

fn basic(name: &str) -> Option<TypeId> {
    Some(match name {
        "bool" => TypeId::BOOL,
        "int" | "int8" | "int16" | "int32" | "int64" | "rune" => TypeId::INT,
        "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uintptr" | "byte" => TypeId::UINT,
        "float32" | "float64" => TypeId::FLOAT,
        "complex64" | "complex128" => TypeId::COMPLEX,
        "string" => TypeId::STRING,
        "[]byte" | "[]uint8" => TypeId::BYTES,
        "any" | "interface {}" | "error" => TypeId::INTERFACE,
        _ => return None,
    })
}
