//! Property groups, fields and values: what plugins attach to users, posts and channels. Access rules of enterprise servers are not
//! simulated: everybody may read and write.

use indexmap::IndexMap;
use mm_proto::ApiError;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, FORBIDDEN, INTERNAL, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::server::Server;
use crate::{validate, values};

const FIELD_TYPES: [&str; 6] = ["text", "select", "multiselect", "date", "user", "multiuser"];

/// All groups, fields and values.
#[derive(Default)]
pub(crate) struct Properties {
    /// Groups by name.
    groups: IndexMap<String, v1::PropertyGroup>,
    fields: IndexMap<String, v1::PropertyField>,
    values: IndexMap<String, v1::PropertyValue>,
}

/// An error of the store; Mattermost answers 500 for nearly all of them, missing things included.
fn failed(place: &str, what: &str, why: &str) -> ApiError {
    let message = "The properties could not be read or written.";
    errors::app_with(place, &format!("app.{what}.app_error"), INTERNAL, message, why)
}

fn invalid(kind: &str, field: &str, why: &str) -> ApiError {
    let snake = if kind == "PropertyField" { "property_field" } else { "property_value" };
    let id = format!("model.{snake}.is_valid.app_error");
    errors::app(&format!("{kind}.IsValid"), &id, BAD_REQUEST, format!("{field}: {why}"))
}

/// Groups and fields.
impl Server {
    pub(crate) fn register_property_group(&self, name: &str) -> Result<v1::PropertyGroup> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
            let why = "the name must be of lower-case letters, digits and underscores";
            return Err(failed("RegisterPropertyGroup", "property_group.register", why));
        }
        let id = self.new_id();
        let mut world = self.world();
        let group = || v1::PropertyGroup { id, name: name.to_owned() };
        Ok(world.properties.groups.entry(name.to_owned()).or_insert_with(group).clone())
    }

    pub(crate) fn property_group(&self, name: &str) -> Result<v1::PropertyGroup> {
        let missing = || failed("GetPropertyGroup", "property_group.get", "there is no group with this name");
        self.world().properties.groups.get(name).cloned().ok_or_else(missing)
    }

    pub(crate) fn create_property_field(&self, mut field: v1::PropertyField) -> Result<v1::PropertyField> {
        if field.protected {
            let id = "app.property_field.create.protected.app_error";
            return Err(errors::app("CreatePropertyField", id, BAD_REQUEST, "Plugins cannot make protected fields."));
        }
        if field.id.is_empty() {
            field.id = self.new_id();
        }
        field.create_at = self.now();
        field.update_at = field.create_at;
        field.delete_at = 0;
        check_field(&field)?;
        {
            let mut world = self.world();
            let same = |other: &v1::PropertyField| {
                other.delete_at == 0
                    && other.group_id == field.group_id
                    && other.target_id == field.target_id
                    && other.name == field.name
            };
            if world.properties.fields.values().any(same) {
                let why = "there is a field with this name already";
                return Err(failed("CreatePropertyField", "property_field.create", why));
            }
            world.properties.fields.insert(field.id.clone(), field.clone());
        }
        self.announce_field("property_field_created", &field);
        Ok(field)
    }

    pub(crate) fn property_field(&self, place: &str, group_id: &str, field_id: &str) -> Result<v1::PropertyField> {
        let world = self.world();
        let field = world.properties.fields.get(field_id).filter(|field| in_group(&field.group_id, group_id));
        field.cloned().ok_or_else(|| failed(place, "property_field.get", "there is no field with this id"))
    }

    pub(crate) fn property_fields(&self, group_id: &str, ids: &[String]) -> Result<Vec<v1::PropertyField>> {
        let place = "GetPropertyFields";
        let found = ids.iter().map(|id| self.property_field(place, group_id, id)).collect::<Result<Vec<_>>>();
        found.map_err(|_| {
            let id = "app.property_field.get_many.fields_not_found.app_error";
            errors::app(place, id, BAD_REQUEST, "One of the fields does not exist.")
        })
    }

    pub(crate) fn property_field_by_name(
        &self,
        group_id: &str,
        target_id: &str,
        name: &str,
    ) -> Result<v1::PropertyField> {
        let found = self.select_fields(|field| {
            field.delete_at == 0 && field.group_id == group_id && field.target_id == target_id && field.name == name
        });
        let missing = || failed("GetPropertyFieldByName", "property_field.get_by_name", "there is no such field");
        found.into_iter().next().ok_or_else(missing)
    }

    /// Fields by a test, by age.
    pub(crate) fn select_fields(&self, wanted: impl Fn(&v1::PropertyField) -> bool) -> Vec<v1::PropertyField> {
        let world = self.world();
        let mut found: Vec<_> = world.properties.fields.values().filter(|field| wanted(field)).cloned().collect();
        found.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        found
    }

    pub(crate) fn search_property_fields(
        &self,
        group_id: &str,
        options: &v1::PropertyFieldSearchOpts,
    ) -> Result<Vec<v1::PropertyField>> {
        if options.per_page < 1 {
            let why = "the page size must be 1 or more";
            return Err(failed("SearchPropertyFields", "property_field.search", why));
        }
        let cursor = options.cursor.clone().unwrap_or_default();
        let mut found = self.select_fields(|field| {
            in_group(&field.group_id, group_id)
                && (options.include_deleted || field.delete_at == 0)
                && (options.object_type.is_empty() || field.object_type == options.object_type)
                && (options.target_type.is_empty() || field.target_type == options.target_type)
                && (options.target_ids.is_empty() || options.target_ids.contains(&field.target_id))
                && field.update_at > options.since_update_at
                && (field.create_at, &field.id) > (cursor.create_at, &cursor.property_field_id)
        });
        found.truncate(usize::try_from(options.per_page).unwrap_or(usize::MAX));
        Ok(found)
    }

    pub(crate) fn update_property_fields(
        &self,
        group_id: &str,
        fields: Vec<v1::PropertyField>,
    ) -> Result<Vec<v1::PropertyField>> {
        let place = "UpdatePropertyFields";
        if fields.is_empty() {
            let id = "app.property_field.invalid_input.app_error";
            return Err(errors::app(place, id, BAD_REQUEST, "There are no fields to update."));
        }
        let mut updated = Vec::new();
        for field in fields {
            let old = self
                .property_field(place, group_id, &field.id)
                .map_err(|_| failed(place, "property_field.update.get_existing", "there is no field with this id"))?;
            if old.protected {
                let id = "app.property_field.update.protected.app_error";
                return Err(errors::app(place, id, FORBIDDEN, "Plugins cannot change protected fields."));
            }
            let field = v1::PropertyField { create_at: old.create_at, update_at: self.now(), ..field };
            check_field(&field)?;
            updated.push(field);
        }
        for field in &updated {
            self.world().properties.fields.insert(field.id.clone(), field.clone());
            self.announce_field("property_field_updated", field);
        }
        Ok(updated)
    }

    /// Deletes a field and its values. Deleted ones are kept and can be searched for.
    pub(crate) fn delete_property_field(&self, group_id: &str, field_id: &str) -> Result<()> {
        let place = "DeletePropertyField";
        let field = self.property_field(place, group_id, field_id).map_err(|_| {
            let id = "app.property_field.delete.not_found.app_error";
            errors::app(place, id, NOT_FOUND, "There is no field with this id.")
        })?;
        self.delete_values(|value| value.field_id == field_id);
        let now = self.now();
        if let Some(field) = self.world().properties.fields.get_mut(field_id) {
            field.delete_at = now;
            field.update_at = now;
        }
        self.announce_field("property_field_deleted", &field);
        Ok(())
    }

    /// Fields of the newer kind, with an object type, are announced to those whom they concern.
    fn announce_field(&self, event: &str, field: &v1::PropertyField) {
        let audience = match field.target_type.as_str() {
            "team" => Audience::team(&field.target_id),
            "channel" => Audience::channel(&field.target_id),
            _ => Audience::all(),
        };
        if !field.object_type.is_empty() {
            let data = [("field_id", values::string(&field.id)), ("object_type", values::string(&field.object_type))];
            self.publish(event, data, audience, Subject::Other);
        }
    }
}

/// Values.
impl Server {
    /// Creates a value, or with `upsert` replaces the one that the target has for the field.
    pub(crate) fn put_property_value(
        &self,
        place: &str,
        mut value: v1::PropertyValue,
        upsert: bool,
    ) -> Result<v1::PropertyValue> {
        let mut world = self.world();
        let same = |other: &&v1::PropertyValue| {
            other.delete_at == 0
                && other.group_id == value.group_id
                && other.target_id == value.target_id
                && other.field_id == value.field_id
        };
        let known = world.properties.values.values().find(same).cloned();
        let now = self.now();
        match known {
            Some(_) if !upsert => {
                let why = "the target has a value for this field already";
                return Err(failed(place, "property_value.create", why));
            }
            Some(known) => {
                value.id = known.id;
                value.create_at = known.create_at;
                value.update_at = now;
            }
            None => {
                if value.id.is_empty() {
                    value.id = self.new_id();
                }
                value.create_at = now;
                value.update_at = now;
            }
        }
        check_value(&value)?;
        world.properties.values.insert(value.id.clone(), value.clone());
        Ok(value)
    }

    pub(crate) fn property_value(&self, place: &str, group_id: &str, value_id: &str) -> Result<v1::PropertyValue> {
        let world = self.world();
        let value = world.properties.values.get(value_id).filter(|value| in_group(&value.group_id, group_id));
        value.cloned().ok_or_else(|| failed(place, "property_value.get", "there is no value with this id"))
    }

    pub(crate) fn update_property_values(
        &self,
        place: &str,
        group_id: &str,
        values: Vec<v1::PropertyValue>,
    ) -> Result<Vec<v1::PropertyValue>> {
        if values.is_empty() {
            let id = "app.property_value.invalid_input.app_error";
            return Err(errors::app(place, id, BAD_REQUEST, "There are no values to update."));
        }
        let mut updated = Vec::new();
        for value in values {
            let old = self.property_value(place, group_id, &value.id)?;
            let value = v1::PropertyValue { create_at: old.create_at, update_at: self.now(), ..value };
            check_value(&value)?;
            updated.push(value);
        }
        let mut world = self.world();
        for value in &updated {
            world.properties.values.insert(value.id.clone(), value.clone());
        }
        Ok(updated)
    }

    pub(crate) fn search_property_values(
        &self,
        group_id: &str,
        options: &v1::PropertyValueSearchOpts,
    ) -> Result<Vec<v1::PropertyValue>> {
        if options.per_page < 1 {
            let why = "the page size must be 1 or more";
            return Err(failed("SearchPropertyValues", "property_value.search", why));
        }
        let cursor = options.cursor.clone().unwrap_or_default();
        let world = self.world();
        let wanted = |value: &&v1::PropertyValue| {
            in_group(&value.group_id, group_id)
                && (options.include_deleted || value.delete_at == 0)
                && (options.target_type.is_empty() || value.target_type == options.target_type)
                && (options.target_ids.is_empty() || options.target_ids.contains(&value.target_id))
                && (options.field_id.is_empty() || value.field_id == options.field_id)
                && (options.value.is_empty() || value.value == options.value)
                && value.update_at > options.since_update_at
                && (value.create_at, &value.id) > (cursor.create_at, &cursor.property_value_id)
        };
        let mut found: Vec<_> = world.properties.values.values().filter(wanted).cloned().collect();
        found.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        found.truncate(usize::try_from(options.per_page).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Deletes the values that a test finds; they are kept and can be searched for.
    pub(crate) fn delete_values(&self, wanted: impl Fn(&v1::PropertyValue) -> bool) {
        let now = self.now();
        for value in self.world().properties.values.values_mut() {
            if value.delete_at == 0 && wanted(value) {
                value.delete_at = now;
                value.update_at = now;
            }
        }
    }
}

/// No group asked for is any group.
fn in_group(group_id: &str, wanted: &str) -> bool {
    wanted.is_empty() || group_id == wanted
}

fn check_field(field: &v1::PropertyField) -> Result<()> {
    let refuse = |name: &str, why: &str| Err(invalid("PropertyField", name, why));
    if !validate::is_id(&field.id) {
        return refuse("id", "this is no id");
    }
    if !validate::is_id(&field.group_id) {
        return refuse("group_id", "this is no id");
    }
    if field.name.is_empty() || field.name.chars().count() > 255 {
        return refuse("name", "it must have 1 to 255 characters");
    }
    if !FIELD_TYPES.contains(&field.r#type.as_str()) {
        return refuse("type", &format!("it must be one of {}", FIELD_TYPES.join(", ")));
    }
    if field.object_type.is_empty() {
        return Ok(());
    }
    if !["post", "channel", "user"].contains(&field.object_type.as_str()) {
        return refuse("object_type", "it must be post, channel or user");
    }
    match field.target_type.as_str() {
        "system" if field.target_id.is_empty() => Ok(()),
        "team" | "channel" if validate::is_id(&field.target_id) => Ok(()),
        "system" | "team" | "channel" => refuse("target_id", "it does not fit the target type"),
        _ => refuse("target_type", "it must be system, team or channel"),
    }
}

fn check_value(value: &v1::PropertyValue) -> Result<()> {
    for (name, id) in [
        ("id", &value.id),
        ("target_id", &value.target_id),
        ("group_id", &value.group_id),
        ("field_id", &value.field_id),
    ] {
        if !validate::is_id(id) {
            return Err(invalid("PropertyValue", name, "this is no id"));
        }
    }
    if value.target_type.is_empty() || value.target_type.chars().count() > 255 {
        return Err(invalid("PropertyValue", "target_type", "it must have 1 to 255 characters"));
    }
    Ok(())
}
