//! Each way to break the wire is seen, and none of the ways that do not is taken for one.

use mm_codegen::{Files, breaking};

const BEFORE: &str = r#"
syntax = "proto3";
package mattermost.test.v1;
service Api {
  rpc Get(Request) returns (Response);
  rpc Watch(Request) returns (stream Response);
}
message Request {
  string id = 1;
  int64 count = 2;
  optional bool whole = 3;
  repeated string names = 4;
  map<string, int64> sizes = 5;
  oneof kind {
    string text = 6;
    bytes data = 7;
  }
  Level level = 8;
}
message Response {}
enum Level {
  LEVEL_UNSPECIFIED = 0;
  LEVEL_HIGH = 1;
}
"#;

fn files(text: &str) -> Files {
    let mut files = Files::new();
    files.insert("proto/mattermost/test/v1/test.proto", text);
    files
}

/// What breaks when `old` is replaced by `new` in the text above.
fn replaced(old: &str, new: &str) -> Vec<String> {
    assert!(BEFORE.contains(old), "{old}");
    breaking::between(&files(BEFORE), &files(&BEFORE.replace(old, new))).unwrap()
}

#[test]
fn what_adds_breaks_nothing() {
    for (old, new) in [
        ("message Response {}", "message Response { string text = 1; }\nmessage More {}"),
        ("  LEVEL_HIGH = 1;", "  LEVEL_HIGH = 1;\n  LEVEL_LOW = 2;"),
        ("service Api {", "service Api {\n  rpc Put(Request) returns (Response);"),
        ("  string id = 1;", "  // The id.\n  string id = 1;"),
        ("  int64 count = 2;", "  reserved 2;"),
        ("  int64 count = 2;", "  reserved 1000, 2 to 2;"),
    ] {
        assert_eq!(replaced(old, new), [""; 0], "{new}");
    }
}

#[test]
fn what_breaks_is_told() {
    for (old, new, told) in [
        ("  int64 count = 2;", "", "mattermost.test.v1.Request.count is gone, and its number 2 is not reserved"),
        ("int64 count = 2", "int64 count = 9", "mattermost.test.v1.Request.count had number 2, has 9"),
        ("int64 count = 2", "int64 amount = 2", "mattermost.test.v1.Request: number 2 was count, is amount"),
        ("int64 count = 2", "string count = 2", "mattermost.test.v1.Request.count was int64, is string"),
        (
            "int64 count = 2",
            "optional int64 count = 2",
            "mattermost.test.v1.Request.count was int64, is optional int64",
        ),
        ("repeated string names", "string names", "mattermost.test.v1.Request.names was repeated string, is string"),
        ("map<string, int64>", "map<string, bool>", "mattermost.test.v1.Request.SizesEntry.value was int64, is bool"),
        ("oneof kind", "oneof sort", "mattermost.test.v1.Request.text was oneof kind string, is oneof sort string"),
        ("  LEVEL_HIGH = 1;", "  LEVEL_HIGH = 2;", "mattermost.test.v1.Level.LEVEL_HIGH had number 1, has 2"),
        ("  LEVEL_HIGH = 1;", "", "mattermost.test.v1.Level.LEVEL_HIGH is gone"),
        ("  rpc Get(Request) returns (Response);", "", "rpc mattermost.test.v1.Api/Get is gone"),
        (
            "returns (stream Response)",
            "returns (Response)",
            "rpc mattermost.test.v1.Api/Watch was (mattermost.test.v1.Request) returns (stream mattermost.test.v1.Response), \
             is (mattermost.test.v1.Request) returns (mattermost.test.v1.Response)",
        ),
    ] {
        assert!(replaced(old, new).iter().any(|it| it == told), "{new:?}: {:#?}", replaced(old, new));
    }
    let gone = BEFORE.replace("Level level = 8;", "reserved 8;");
    let gone = gone.split("enum Level").next().unwrap();
    assert_eq!(breaking::between(&files(BEFORE), &files(gone)).unwrap(), ["enum mattermost.test.v1.Level is gone"]);
}

#[test]
fn protos_that_do_not_compile_are_an_error() {
    assert!(breaking::between(&files(BEFORE), &files("syntax = \"proto3\"; message A { B b = 1; }")).is_err());
}
