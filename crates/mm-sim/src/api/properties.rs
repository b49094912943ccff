//! Property groups, fields and values.

use mm_proto::plugin::v1;

use super::{Answer, Cx};

pub(super) fn register_property_group(
    cx: &Cx,
    r: v1::RegisterPropertyGroupRequest,
) -> Answer<v1::RegisterPropertyGroupResponse> {
    let group = cx.server.register_property_group(&r.name)?;
    Ok(v1::RegisterPropertyGroupResponse { property_group: Some(group) })
}

pub(super) fn get_property_group(cx: &Cx, r: v1::GetPropertyGroupRequest) -> Answer<v1::GetPropertyGroupResponse> {
    Ok(v1::GetPropertyGroupResponse { property_group: Some(cx.server.property_group(&r.name)?) })
}

pub(super) fn create_property_field(
    cx: &Cx,
    r: v1::CreatePropertyFieldRequest,
) -> Answer<v1::CreatePropertyFieldResponse> {
    let field = cx.server.create_property_field(r.field.unwrap_or_default())?;
    Ok(v1::CreatePropertyFieldResponse { property_field: Some(field) })
}

pub(super) fn get_property_field(cx: &Cx, r: v1::GetPropertyFieldRequest) -> Answer<v1::GetPropertyFieldResponse> {
    let field = cx.server.property_field("GetPropertyField", &r.group_id, &r.field_id)?;
    Ok(v1::GetPropertyFieldResponse { property_field: Some(field) })
}

pub(super) fn get_property_fields(cx: &Cx, r: v1::GetPropertyFieldsRequest) -> Answer<v1::GetPropertyFieldsResponse> {
    Ok(v1::GetPropertyFieldsResponse { property_fields: cx.server.property_fields(&r.group_id, &r.ids)? })
}

pub(super) fn get_property_field_by_name(
    cx: &Cx,
    r: v1::GetPropertyFieldByNameRequest,
) -> Answer<v1::GetPropertyFieldByNameResponse> {
    let field = cx.server.property_field_by_name(&r.group_id, &r.target_id, &r.name)?;
    Ok(v1::GetPropertyFieldByNameResponse { property_field: Some(field) })
}

pub(super) fn search_property_fields(
    cx: &Cx,
    r: v1::SearchPropertyFieldsRequest,
) -> Answer<v1::SearchPropertyFieldsResponse> {
    let property_fields = cx.server.search_property_fields(&r.group_id, &r.options.unwrap_or_default())?;
    Ok(v1::SearchPropertyFieldsResponse { property_fields })
}

pub(super) fn update_property_field(
    cx: &Cx,
    r: v1::UpdatePropertyFieldRequest,
) -> Answer<v1::UpdatePropertyFieldResponse> {
    let fields = cx.server.update_property_fields(&r.group_id, vec![r.field.unwrap_or_default()])?;
    Ok(v1::UpdatePropertyFieldResponse { property_field: fields.into_iter().next() })
}

pub(super) fn update_property_fields(
    cx: &Cx,
    r: v1::UpdatePropertyFieldsRequest,
) -> Answer<v1::UpdatePropertyFieldsResponse> {
    let property_fields = cx.server.update_property_fields(&r.group_id, r.fields)?;
    Ok(v1::UpdatePropertyFieldsResponse { property_fields })
}

pub(super) fn delete_property_field(
    cx: &Cx,
    r: v1::DeletePropertyFieldRequest,
) -> Answer<v1::DeletePropertyFieldResponse> {
    cx.server.delete_property_field(&r.group_id, &r.field_id)?;
    Ok(v1::DeletePropertyFieldResponse {})
}

pub(super) fn count_property_fields(
    cx: &Cx,
    r: v1::CountPropertyFieldsRequest,
) -> Answer<v1::CountPropertyFieldsResponse> {
    let found = cx.server.select_fields(|it| it.group_id == r.group_id && (r.include_deleted || it.delete_at == 0));
    Ok(v1::CountPropertyFieldsResponse { result: found.len() as i64 })
}

pub(super) fn count_property_fields_for_target(
    cx: &Cx,
    r: v1::CountPropertyFieldsForTargetRequest,
) -> Answer<v1::CountPropertyFieldsForTargetResponse> {
    let found = cx.server.select_fields(|it| {
        it.group_id == r.group_id
            && it.target_type == r.target_type
            && it.target_id == r.target_id
            && (r.include_deleted || it.delete_at == 0)
    });
    Ok(v1::CountPropertyFieldsForTargetResponse { result: found.len() as i64 })
}

pub(super) fn create_property_value(
    cx: &Cx,
    r: v1::CreatePropertyValueRequest,
) -> Answer<v1::CreatePropertyValueResponse> {
    let value = cx.server.put_property_value("CreatePropertyValue", r.value.unwrap_or_default(), false)?;
    Ok(v1::CreatePropertyValueResponse { property_value: Some(value) })
}

pub(super) fn get_property_value(cx: &Cx, r: v1::GetPropertyValueRequest) -> Answer<v1::GetPropertyValueResponse> {
    let value = cx.server.property_value("GetPropertyValue", &r.group_id, &r.value_id)?;
    Ok(v1::GetPropertyValueResponse { property_value: Some(value) })
}

pub(super) fn get_property_values(cx: &Cx, r: v1::GetPropertyValuesRequest) -> Answer<v1::GetPropertyValuesResponse> {
    let values = r.ids.iter().map(|id| cx.server.property_value("GetPropertyValues", &r.group_id, id));
    Ok(v1::GetPropertyValuesResponse { property_values: values.collect::<Answer<Vec<_>>>()? })
}

pub(super) fn search_property_values(
    cx: &Cx,
    r: v1::SearchPropertyValuesRequest,
) -> Answer<v1::SearchPropertyValuesResponse> {
    let property_values = cx.server.search_property_values(&r.group_id, &r.options.unwrap_or_default())?;
    Ok(v1::SearchPropertyValuesResponse { property_values })
}

pub(super) fn update_property_value(
    cx: &Cx,
    r: v1::UpdatePropertyValueRequest,
) -> Answer<v1::UpdatePropertyValueResponse> {
    let (place, values) = ("UpdatePropertyValue", vec![r.value.unwrap_or_default()]);
    let values = cx.server.update_property_values(place, &r.group_id, values)?;
    Ok(v1::UpdatePropertyValueResponse { property_value: values.into_iter().next() })
}

pub(super) fn update_property_values(
    cx: &Cx,
    r: v1::UpdatePropertyValuesRequest,
) -> Answer<v1::UpdatePropertyValuesResponse> {
    let property_values = cx.server.update_property_values("UpdatePropertyValues", &r.group_id, r.values)?;
    Ok(v1::UpdatePropertyValuesResponse { property_values })
}

pub(super) fn upsert_property_value(
    cx: &Cx,
    r: v1::UpsertPropertyValueRequest,
) -> Answer<v1::UpsertPropertyValueResponse> {
    let value = cx.server.put_property_value("UpsertPropertyValue", r.value.unwrap_or_default(), true)?;
    Ok(v1::UpsertPropertyValueResponse { property_value: Some(value) })
}

pub(super) fn upsert_property_values(
    cx: &Cx,
    r: v1::UpsertPropertyValuesRequest,
) -> Answer<v1::UpsertPropertyValuesResponse> {
    let put = |value| cx.server.put_property_value("UpsertPropertyValues", value, true);
    let property_values = r.values.into_iter().map(put).collect::<Answer<Vec<_>>>()?;
    Ok(v1::UpsertPropertyValuesResponse { property_values })
}

pub(super) fn delete_property_value(
    cx: &Cx,
    r: v1::DeletePropertyValueRequest,
) -> Answer<v1::DeletePropertyValueResponse> {
    cx.server.property_value("DeletePropertyValue", &r.group_id, &r.value_id)?;
    cx.server.delete_values(|value| value.id == r.value_id);
    Ok(v1::DeletePropertyValueResponse {})
}

pub(super) fn delete_property_values_for_target(
    cx: &Cx,
    r: v1::DeletePropertyValuesForTargetRequest,
) -> Answer<v1::DeletePropertyValuesForTargetResponse> {
    cx.server.delete_values(|value| {
        value.group_id == r.group_id && value.target_type == r.target_type && value.target_id == r.target_id
    });
    Ok(v1::DeletePropertyValuesForTargetResponse {})
}

pub(super) fn delete_property_values_for_field(
    cx: &Cx,
    r: v1::DeletePropertyValuesForFieldRequest,
) -> Answer<v1::DeletePropertyValuesForFieldResponse> {
    cx.server.delete_values(|value| value.group_id == r.group_id && value.field_id == r.field_id);
    Ok(v1::DeletePropertyValuesForFieldResponse {})
}
