//! Which codec of mm-gob (or of mm-proto's `gob` module) carries a field.

use mm_surface::{Builtin, GoType, Surface};

use crate::ir::{Field, Ir, Presence, Ty};
use crate::names;

/// Finds codecs for Go types.
pub(super) struct Codecs<'a> {
    ir: &'a Ir,
    surface: &'a Surface,
}

impl<'a> Codecs<'a> {
    pub(super) fn new(ir: &'a Ir, surface: &'a Surface) -> Self {
        Self { ir, surface }
    }

    /// The codec for `field`, where Go has the type `go`.
    pub(super) fn field(&self, field: &Field, go: &str) -> Result<String, String> {
        let parsed = GoType::parse(go).map_err(|error| error.to_string())?;
        let (pointer, target) = self.target(&parsed)?;
        let codec = self.value(&target)?;
        let wrapped = matches!(field.ty, Ty::Wrapped(_));
        let codec = if wrapped { format!("Wrapped<{codec}>") } else { codec };
        Ok(match (pointer, field.presence) {
            // What is there is sent, zero or not: Go's decoder takes an explicit zero, though its encoder never writes one.
            (true, _) => format!("Nilable<{codec}>"),
            // An interface, and a time by value, know by themselves what `None` is.
            (false, _) if codec == "Interface" => "InterfaceField".to_owned(),
            (false, _) if matches!(field.ty, Ty::Timestamp) => codec,
            (false, Presence::Implicit) => codec,
            (false, Presence::Optional | Presence::Always | Presence::Embedded) => format!("ByValue<{codec}>"),
        })
    }

    /// The codec for a registered type, where Rust has it without an `Option`.
    pub(super) fn registered(&self, field: &Field, go: &str) -> Result<String, String> {
        let parsed = GoType::parse(go).map_err(|error| error.to_string())?;
        let codec = self.value(&self.target(&parsed)?.1)?;
        Ok(if matches!(field.ty, Ty::Wrapped(_)) { format!("Wrapped<{codec}>") } else { codec })
    }

    /// What is behind pointers, and whether there is one.
    fn target(&self, ty: &GoType) -> Result<(bool, GoType), String> {
        match ty {
            GoType::Pointer(inner) => Ok((true, self.target(inner)?.1)),
            GoType::Named { package: Some(_), .. } => match self.surface.find_type(&ty.to_string()) {
                Some(found) if found.builtin.is_none() && matches!(found.kind.as_str(), "alias" | "pointer") => {
                    let text = found.ty.as_deref().unwrap_or_default();
                    self.target(&GoType::parse(text).map_err(|error| error.to_string())?)
                }
                _ => Ok((false, ty.clone())),
            },
            _ => Ok((false, ty.clone())),
        }
    }

    fn value(&self, ty: &GoType) -> Result<String, String> {
        Ok(match ty {
            GoType::Any => "Interface".to_owned(),
            GoType::Pointer(inner) => self.value(inner)?,
            GoType::Slice(inner) if is_byte(inner) => "Bytes".to_owned(),
            GoType::Slice(inner) => format!("Slice<{}>", self.element(inner)?),
            GoType::Array(length, inner) => format!("Array<{}, {length}>", self.element(inner)?),
            GoType::Map(key, value) => format!("Map<{}, {}>", self.value(key)?, self.element(value)?),
            GoType::Named { package: None, name, .. } => basic(name)?.to_owned(),
            GoType::Named { .. } => return self.named(&ty.to_string()),
            GoType::Chan(..) | GoType::Func { .. } | GoType::EmptyStruct => {
                return Err(format!("gob does not carry a `{ty}`"));
            }
        })
    }

    /// Lists and maps within lists and maps are messages of their own in proto.
    fn element(&self, ty: &GoType) -> Result<String, String> {
        let codec = self.value(ty)?;
        let nested = ["Slice<", "Array<", "Map<"].iter().any(|it| codec.starts_with(it));
        Ok(if nested { format!("Wrapped<{codec}>") } else { codec })
    }

    fn named(&self, name: &str) -> Result<String, String> {
        let found = self.surface.find_type(name).ok_or_else(|| format!("{name} is not in the surface"))?;
        if let Some(builtin) = found.builtin {
            return match builtin {
                Builtin::Timestamp => Ok("GoTime".to_owned()),
                Builtin::Url => Ok("BinaryMarshaled".to_owned()),
                Builtin::String => Ok("Str".to_owned()),
                Builtin::Json => Ok("Bytes".to_owned()),
                Builtin::Error => Ok("Interface".to_owned()),
                Builtin::Opaque
                | Builtin::Reader
                | Builtin::Writer
                | Builtin::HttpResponseWriter
                | Builtin::HttpRequest
                | Builtin::HttpResponse => Err(format!("gob does not carry a `{name}`")),
            };
        }
        match found.kind.as_str() {
            "struct" => {
                let message = self.ir.messages.values().find(|it| it.go_type == name);
                let message = message.ok_or_else(|| format!("{name} is no message"))?;
                Ok(format!("Model<v1::{}>", names::rust_type(&message.name.camel)))
            }
            "interface" => Ok("Interface".to_owned()),
            "alias" | "slice" | "array" | "map" | "pointer" => {
                let text = found.ty.as_deref().unwrap_or_default();
                self.value(&GoType::parse(text).map_err(|error| error.to_string())?)
            }
            // Named numbers with constants are `int64` in proto, signed or not.
            kind if basic(kind)? == "Uint" && self.ir.enums.values().any(|it| it.go_type == name) => {
                Ok("UintInInt".to_owned())
            }
            kind => Ok(basic(kind)?.to_owned()),
        }
    }
}

fn is_byte(ty: &GoType) -> bool {
    matches!(ty, GoType::Named { package: None, name, .. } if name == "byte" || name == "uint8")
}

fn basic(name: &str) -> Result<&'static str, String> {
    Ok(match name {
        "bool" => "Bool",
        "string" => "Str",
        "int" | "int8" | "int16" | "int32" | "int64" | "rune" => "Int",
        "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uintptr" | "byte" => "Uint",
        "float32" | "float64" => "Float",
        "error" => "Interface",
        _ => return Err(format!("gob does not carry a `{name}`")),
    })
}
