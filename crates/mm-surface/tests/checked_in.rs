//! Checks `surface/surface.json`: that it is what the tool would write, that it fits its schema, that it is whole, and that facts
//! known from elsewhere (a running server, the wire) are in it. The Go source it is made from is not in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mm_surface::{ConstValue, Field, GoType, Method, Surface, Type};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../surface").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn surface() -> Surface {
    Surface::from_json(&file("surface.json")).unwrap()
}

fn named<'a>(surface: &'a Surface, name: &str) -> &'a Type {
    surface.find_type(name).unwrap_or_else(|| panic!("{name} is missing"))
}

fn consts(surface: &Surface, name: &str) -> Vec<(String, ConstValue)> {
    named(surface, name).consts.iter().map(|it| (it.name.clone(), it.value.clone())).collect()
}

#[test]
fn it_is_what_the_tool_writes() {
    assert_eq!(surface().to_json(), file("surface.json"), "write it with `cargo xtask surface`, not by hand");
}

#[test]
fn it_fits_its_schema() {
    let schema = serde_json::from_str(&file("surface.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = serde_json::from_str(&file("surface.json")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = serde_json::from_str(&file("surface.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = file("surface.json");
    for (right, wrong) in [
        ("\"kind\": \"struct\"", "\"kind\": \"structure\""),
        ("\"variadic\": false", "\"variadic\": 0"),
        ("\"since\": \"5.2\"", "\"since\": \"\""),
        ("\"exported\": true", "\"visible\": true"),
        ("\"gob_registered\": [", "\"gob\": ["),
    ] {
        let value = serde_json::from_str(&text.replacen(right, wrong, 1)).unwrap();
        assert!(!validator.is_valid(&value), "{wrong}");
    }
}

/// The surfaces of other versions, by file name.
fn others() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../surface/versions");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|it| (it.clone(), file(&format!("versions/{it}")))).collect()
}

#[test]
fn other_versions_are_what_the_tool_writes_and_fit_the_schema() {
    let schema = serde_json::from_str(&file("surface.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let others = others();
    assert!(others.iter().any(|(name, _)| name == "9.8.json"));
    for (name, text) in others {
        let surface = Surface::from_json(&text).unwrap();
        assert_eq!(surface.to_json(), text, "{name}: write it with `cargo xtask surface --out`");
        let minor: Vec<&str> = surface.upstream.version.split('.').take(2).collect();
        assert_eq!(name, format!("{}.json", minor.join(".")));
        assert!(validator.is_valid(&serde_json::from_str(&text).unwrap()), "{name}");
    }
}

#[test]
fn it_is_the_pinned_version() {
    assert_eq!(surface().upstream.version, file("UPSTREAM").trim());
}

/// The interfaces and the RPC servers are two places upstream: what one of them has, the other has.
#[test]
fn it_has_all_methods_and_hooks() {
    let surface = surface();
    let names = |methods: &[Method]| methods.iter().map(|it| it.name.clone()).collect::<BTreeSet<String>>();
    let served = |service: &str| {
        let of_service = surface.rpc_methods.iter().filter(|it| it.service == service);
        of_service.map(|it| it.name.clone()).collect::<BTreeSet<String>>()
    };
    assert_eq!(names(&surface.hooks), served("plugin.hooksRPCServer"));
    let (api, served) = (names(&surface.api), served("plugin.apiRPCServer"));
    assert!(!api.is_empty());
    assert_eq!(api.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new());
    // What is served besides is a part of a method: `PluginHTTPStream`.
    let is_part = |name: &String| api.iter().any(|it| name.starts_with(it.as_str()));
    assert_eq!(served.difference(&api).filter(|it| !is_part(it)).collect::<Vec<_>>(), Vec::<&String>::new());
    let without_id: Vec<&str> = surface.hooks.iter().filter(|it| it.id.is_none()).map(|it| it.name.as_str()).collect();
    assert_eq!(without_id, ["Implemented"]);
    // Upstream's promise to its plugins: a number once given stays; these it took back for good.
    let retired = 28..=33;
    assert!(surface.hooks.iter().filter_map(|it| it.id).all(|it| !retired.contains(&it)));
}

/// The list is read from another program than the methods are, and names nothing but methods.
#[test]
fn it_knows_what_upstream_writes_by_hand() {
    let surface = surface();
    assert_eq!(surface.hand_written.len(), 20);
    assert!(surface.hand_written.is_sorted());
    let methods: BTreeSet<&str> = surface.api.iter().chain(&surface.hooks).map(|it| it.name.as_str()).collect();
    assert_eq!(surface.hand_written.iter().find(|it| !methods.contains(it.as_str())), None);
}

#[test]
fn it_is_sorted_and_says_nothing_twice() {
    let surface = surface();
    assert!(surface.api.is_sorted_by(|a, b| a.name < b.name));
    assert!(surface.hooks.is_sorted_by(|a, b| a.id < b.id));
    assert!(surface.types.is_sorted_by(|a, b| a.name < b.name));
    assert!(surface.gob_registered.is_sorted_by(|a, b| a.name < b.name));
    assert!(surface.rpc.is_sorted_by(|a, b| a.name < b.name));
    assert!(surface.rpc_methods.is_sorted_by(|a, b| (&a.service, &a.name) < (&b.service, &b.name)));
}

/// Every place that mentions types which gob or JSON carries.
fn mentioned(surface: &Surface) -> Vec<String> {
    let methods = surface.api.iter().chain(&surface.hooks);
    let mut all: Vec<String> =
        methods.flat_map(|it: &Method| it.params.iter().map(|it| it.ty.clone()).chain(it.results.clone())).collect();
    let fields = surface.types.iter().map(|it| &it.fields).chain(surface.rpc.iter().map(|it| &it.fields)).flatten();
    all.extend(fields.filter(|it: &&Field| it.exported || it.embedded).map(|it| it.ty.clone()));
    all.extend(surface.types.iter().filter(|it| it.kind != "func" && it.kind != "chan").filter_map(|it| it.ty.clone()));
    all.extend(surface.gob_registered.iter().map(|it| it.ty.clone()));
    all.extend(surface.rpc_methods.iter().flat_map(|it| [it.args.clone(), it.reply.clone()]));
    all
}

#[test]
fn every_type_that_is_mentioned_is_described() {
    let surface = surface();
    let rpc: BTreeSet<&str> = surface.rpc.iter().map(|it| it.name.as_str()).collect();
    let mut missing = BTreeSet::new();
    for text in mentioned(&surface) {
        let ty = GoType::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        if matches!(ty, GoType::Func { .. } | GoType::Chan(..)) {
            continue;
        }
        ty.walk(&mut |part| {
            if let Some(name) = part.qualified_name()
                && surface.find_type(&name).is_none()
                && !rpc.contains(name.as_str())
            {
                missing.insert(name);
            }
        });
    }
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn fields_are_in_the_order_of_go() {
    let surface = surface();
    let post: Vec<&str> = named(&surface, "model.Post").fields.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        post,
        [
            "Id",
            "CreateAt",
            "UpdateAt",
            "EditAt",
            "DeleteAt",
            "IsPinned",
            "UserId",
            "ChannelId",
            "RootId",
            "OriginalId",
            "Message",
            "MessageSource",
            "Type",
            "propsMu",
            "Props",
            "Hashtags",
            "Filenames",
            "FileIds",
            "PendingPostId",
            "HasReactions",
            "RemoteId",
            "ReplyCount",
            "LastReplyAt",
            "Participants",
            "IsFollowing",
            "Metadata",
        ]
    );
    let hidden: Vec<&Field> = named(&surface, "model.Post").fields.iter().filter(|it| !it.exported).collect();
    assert_eq!(hidden.iter().map(|it| it.ty.as_str()).collect::<Vec<_>>(), ["sync.RWMutex"]);
}

#[test]
fn constants_are_computed() {
    let surface = surface();
    // The group of these two begins with five other constants, so the first is 1 << 5.
    let bits = [("BitflagOptionAutoShareDMs", 32), ("BitflagOptionAutoInvited", 64)];
    assert_eq!(consts(&surface, "model.Bitmask"), bits.map(|(name, value)| (name.to_owned(), ConstValue::Int(value))));
    let kinds =
        [("ChannelTypeDirect", "D"), ("ChannelTypeGroup", "G"), ("ChannelTypeOpen", "O"), ("ChannelTypePrivate", "P")];
    let kinds = kinds.map(|(name, value)| (name.to_owned(), ConstValue::String(value.to_owned())));
    assert_eq!(consts(&surface, "model.ChannelType"), kinds);
}

#[test]
fn wire_names_are_those_of_a_running_server() {
    let names: Vec<String> = surface().gob_registered.into_iter().map(|it| it.name).collect();
    let model = "github.com/mattermost/mattermost/server/public/model";
    assert_eq!(
        names,
        [
            "*model.AppError",
            "*model.AutocompleteDynamicListArg",
            "*model.AutocompleteStaticListArg",
            "*model.AutocompleteTextArg",
            "*model.PreviewPost",
            "*plugin.ErrorString",
            "*pq.Error",
            "[]*model.SlackAttachment",
            "[]interface {}",
            &format!("{model}.PropertyOptions[*{model}.PluginPropertyOption]"),
            "map[string]interface {}",
        ]
    );
}

#[test]
fn rpc_structs_have_their_real_field_names() {
    let surface = surface();
    let fields = |name: &str| -> Vec<String> {
        let it = surface.rpc.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} is missing"));
        it.fields.iter().map(|it| format!("{} {}", it.name, it.ty)).collect()
    };
    assert_eq!(fields("plugin.Z_OnActivateArgs"), ["APIMuxId uint32", "DriverMuxId uint32"]);
    assert_eq!(fields("plugin.Z_GetUserReturns"), ["A *model.User", "B *model.AppError"]);
    assert_eq!(fields("plugin.Z_LogDebugArgs"), ["A string", "B []any"]);
    assert_eq!(fields("plugin.Z_DbStmtArgs"), ["A string", "B string"]);
    let method =
        |name: &str| surface.rpc_methods.iter().find(|it| it.service == "plugin.apiRPCServer" && it.name == name);
    // Upstream's one irregular name.
    assert_eq!(method("LoadPluginConfiguration").unwrap().args, "plugin.Z_LoadPluginConfigurationArgsArgs");
    let unserved: Vec<&str> = surface.api.iter().map(|it| it.name.as_str()).filter(|it| method(it).is_none()).collect();
    assert_eq!(unserved, Vec::<&str>::new());
}
