//! Property groups, fields and values.

mod common;

use common::{anna, api, app_error};
use mm_proto::plugin::v1;
use mm_sim::Server;

#[tokio::test]
async fn fields_and_values_are_kept_searched_and_deleted() {
    let server = Server::demo();
    let api = api(&server);
    let register = || v1::RegisterPropertyGroupRequest { name: "reviews".into() };
    let group = api.register_property_group(register()).await.unwrap().property_group.unwrap();
    // Registering again gives the same group.
    assert_eq!(api.register_property_group(register()).await.unwrap().property_group.unwrap(), group);
    let create = |name: &str, kind: &str| v1::CreatePropertyFieldRequest {
        field: Some(v1::PropertyField {
            group_id: group.id.clone(),
            name: name.into(),
            r#type: kind.into(),
            ..Default::default()
        }),
    };
    let field = api.create_property_field(create("state", "text")).await.unwrap().property_field.unwrap();
    assert_eq!(app_error(&api.create_property_field(create("state", "text")).await.unwrap_err()).1, 500);
    let error = api.create_property_field(create("size", "number")).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.property_field.is_valid.app_error", 400));
    let upsert = |value: &'static str| v1::UpsertPropertyValueRequest {
        value: Some(v1::PropertyValue {
            group_id: group.id.clone(),
            field_id: field.id.clone(),
            target_id: anna(&server).user_id().into(),
            target_type: "user".into(),
            value: value.into(),
            ..Default::default()
        }),
    };
    let first = api.upsert_property_value(upsert("\"open\"")).await.unwrap().property_value.unwrap();
    let second = api.upsert_property_value(upsert("\"closed\"")).await.unwrap().property_value.unwrap();
    assert_eq!(first.id, second.id);
    let search = || v1::SearchPropertyValuesRequest {
        group_id: group.id.clone(),
        options: Some(v1::PropertyValueSearchOpts { per_page: 10, ..Default::default() }),
    };
    let found = api.search_property_values(search()).await.unwrap().property_values;
    assert_eq!(&found[0].value[..], b"\"closed\"");
    let delete = v1::DeletePropertyFieldRequest { group_id: group.id.clone(), field_id: field.id };
    api.delete_property_field(delete.clone()).await.unwrap();
    assert!(api.search_property_values(search()).await.unwrap().property_values.is_empty());
    let count = |include_deleted| v1::CountPropertyFieldsRequest { group_id: group.id.clone(), include_deleted };
    assert_eq!(api.count_property_fields(count(false)).await.unwrap().result, 0);
    assert_eq!(api.count_property_fields(count(true)).await.unwrap().result, 1);
}
