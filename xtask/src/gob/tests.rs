//! Lines there and back, for every type of the surface.

use super::*;

fn surface() -> Surface {
    serde_json::from_str(&regenerate::inputs().unwrap().surface).unwrap()
}

fn there_and_back(schema: &Schema<'_>, line: &str) -> String {
    let encoded = encode_line(schema, line).unwrap_or_else(|error| panic!("{line}: {error:#}"));
    decode_line(schema, &encoded).unwrap_or_else(|error| panic!("{line}: {error:#}"))
}

#[test]
fn lines_come_back_as_they_went() {
    let surface = surface();
    let schema = Schema::new(&surface);
    for line in [
        r#"{"type":"model.User","value":{"Id":"u","CreateAt":5,"AuthData":"","Props":{"a":"b"},"MfaActive":false}}"#,
        r#"{"type":"model.Post","value":{"FileIds":["f"],"Props":{"f":1.0,"i":-1,"l":[null,true,{"k":"v"}],"s":"x"}}}"#,
        r#"{"type":"model.CustomStatus","value":{"ExpiresAt":"2024-02-29T03:04:05.000000006+05:30"}}"#,
        r#"{"type":"model.CustomStatus","value":{"ExpiresAt":"0001-01-01T00:00:00Z"}}"#,
        r#"{"type":"model.FileInfo","value":{"MiniPreview":"AP8="}}"#,
        r#"{"type":"plugin.HTTPRequestSubset","value":{"Header":{"A":["b","c"]},"URL":"/foo?a=b"}}"#,
        r#"{"type":"model.PostEmbed","value":{"Data":{"$type":"*model.PreviewPost","value":{"PostID":"p"}}}}"#,
        r#"{"type":"plugin.Z_OnActivateReturns","value":{"A":{"$type":"*plugin.ErrorString","value":{"Err":"no python"}}}}"#,
        r#"{"type":"Z_KVSetArgs","value":{"A":"k","B":"AQID"}}"#,
        r#"{"type":"Z_GetUserReturns","value":{"B":{"Id":"a.b","StatusCode":404}}}"#,
    ] {
        // Keys in the order of JSON's own map.
        let sorted = |line: &str| serde_json::from_str::<Json>(line).unwrap();
        assert_eq!(sorted(&there_and_back(&schema, line)), sorted(line));
    }
}

#[test]
fn every_struct_has_a_form() {
    let surface = surface();
    let schema = Schema::new(&surface);
    let types = surface.types.iter().filter(|it| it.kind == "struct").map(|it| &it.name);
    let mut count = 0;
    for name in types.chain(surface.rpc.iter().map(|it| &it.name)) {
        let line = format!(r#"{{"type":"{name}","value":{{}}}}"#);
        assert_eq!(there_and_back(&schema, &line), line);
        count += 1;
    }
    assert!(count > 700, "{count}");
}

#[test]
fn gos_own_stream_is_read() {
    let surface = surface();
    let schema = Schema::new(&surface);
    // type Point struct{X, Y int} as Go sends it, under the name of a type that is known: names are informative.
    let hex = "1e7f03010105506f696e7401ff80000102010158010400010159010400000009ff80012c01fe010100";
    let line = decode_line(&schema, &format!(r#"{{"type":"model.Post","hex":"{hex}"}}"#)).unwrap();
    assert_eq!(line, r#"{"type":"model.Post","value":{"X":22,"Y":-129}}"#);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let surface = surface();
    let schema = Schema::new(&surface);
    let error = |line: &str| format!("{:#}", encode_line(&schema, line).unwrap_err());
    assert_eq!(error(r#"{"type":"model.Nobody","value":{}}"#), "the surface has no type model.Nobody");
    assert!(error(r#"{"type":"model.User","value":{"Idd":1}}"#).contains("User has no field Idd"));
    assert!(error(r#"{"type":"model.User","value":{"Id":1}}"#).contains("User.Id: 1 stands where a string belongs"));
    assert!(decode_line(&schema, r#"{"type":"model.User","hex":"1e7f"}"#).is_err());
    assert!(decode_line(&schema, r#"{"type":"model.User","hex":"1x"}"#).is_err());
}
