//! What is in the programs of a release, as CycloneDX 1.6: every crate that is linked into them, by `cargo metadata`.
//!
//! The same lock file gives the same text: no time and no random number is in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::workspace;

/// The bill of what these packages of the workspace consist of.
pub(crate) fn of(packages: &[&str], version: &str) -> Result<String> {
    let output = workspace::cargo().args(["metadata", "--format-version", "1", "--locked"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let lock = std::fs::read_to_string(workspace::path("Cargo.lock"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    let bom = bill(&metadata, &checksums(&lock), packages, version)?;
    Ok(serde_json::to_string_pretty(&bom)? + "\n")
}

/// By name and version.
type Checksums = BTreeMap<(String, String), String>;

fn checksums(lock: &str) -> Checksums {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|it| it.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'));
        line.map(str::to_owned)
    };
    let entry = |block: &str| Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?));
    lock.split("[[package]]").filter_map(entry).collect()
}

fn bill(metadata: &Value, checksums: &Checksums, roots: &[&str], version: &str) -> Result<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|it| (text(&it["id"]), it)).collect();
    let links: BTreeMap<String, BTreeSet<String>> =
        list(&metadata["resolve"]["nodes"]).iter().map(|it| (text(&it["id"]), linked(it))).collect();

    let mut waiting: Vec<String> = Vec::new();
    for root in roots {
        let found = packages.iter().find(|(_, it)| it["name"] == **root && it["source"].is_null());
        waiting.push(found.with_context(|| format!("the workspace has no package {root}"))?.0.clone());
    }
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        waiting.extend(links.get(&id).into_iter().flatten().filter(|it| !reached.contains(*it)).cloned());
        reached.insert(id);
    }
    let reference = |id: &String| packages.get(id).map(purl).unwrap_or_default();
    let mut components: Vec<Value> =
        reached.iter().filter_map(|it| packages.get(it)).map(|it| component(it, checksums)).collect();
    components.sort_by_key(|it| text(&it["bom-ref"]));
    let mut dependencies: Vec<Value> = reached
        .iter()
        .map(|id| {
            let on: BTreeSet<String> = links.get(id).into_iter().flatten().map(reference).collect();
            json!({"ref": reference(id), "dependsOn": on})
        })
        .collect();
    dependencies.sort_by_key(|it| text(&it["ref"]));
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "mm-host", "name": "mm-host", "version": version}},
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The packages that a node of the resolution links in: not those of its tests and build scripts.
fn linked(node: &Value) -> BTreeSet<String> {
    let is_linked =
        |it: &&Value| it["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()));
    node["deps"].as_array().into_iter().flatten().filter(is_linked).map(|it| text(&it["pkg"])).collect()
}

fn component(package: &Value, checksums: &Checksums) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        // Cargo once wrote "or" as a stroke, which SPDX does not know.
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    if let Some(sum) = checksums.get(&(name, version)) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    component
}

/// The package's address; one of this repository, which no registry has, says so.
fn purl(package: &Value) -> String {
    let own = if package["source"].is_null() { "?vcs_url=workspace" } else { "" };
    format!("pkg:cargo/{}@{}{own}", text(&package["name"]), text(&package["version"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with one program, which has a dependency and one for its tests only.
    fn metadata() -> Value {
        let package = |id: &str, source: Value| json!({"id": id, "name": id, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source});
        let dep = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        json!({
            "packages": [package("app", Value::Null), package("lib", json!("registry")), package("testlib", json!("registry"))],
            "resolve": {"nodes": [
                {"id": "app", "deps": [dep("lib", Value::Null), dep("testlib", json!("dev"))]},
                {"id": "lib", "deps": []},
                {"id": "testlib", "deps": []},
            ]},
        })
    }

    #[test]
    fn what_is_linked_is_in_it_with_its_hash() {
        let lock = "[[package]]\nname = \"lib\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"abc\"\n";
        let bom = bill(&metadata(), &checksums(lock), &["app"], "1.0.0").unwrap();
        let names: Vec<&str> =
            bom["components"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["app", "lib"]);
        let lib = &bom["components"][1];
        assert_eq!(lib["purl"], "pkg:cargo/lib@1.0.0");
        assert_eq!(lib["hashes"][0]["content"], "abc");
        assert_eq!(lib["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bom["dependencies"][0]["dependsOn"], json!(["pkg:cargo/lib@1.0.0"]));
        assert!(bill(&metadata(), &Checksums::new(), &["other"], "1").is_err());
    }

    #[test]
    fn the_bill_of_this_workspace_is_whole_and_always_the_same() {
        let text = of(&["mm-host", "mm-pyrt"], "0.1.0").unwrap();
        assert_eq!(text, of(&["mm-host", "mm-pyrt"], "0.1.0").unwrap());
        let bom: Value = serde_json::from_str(&text).unwrap();
        let components = bom["components"].as_array().unwrap();
        let named = |name: &str| components.iter().any(|it| it["name"] == name);
        assert!(named("tonic") && named("pyo3") && named("mm-gob") && !named("mm-codegen"));
        let refs: BTreeSet<&str> = components.iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(refs.len(), components.len());
        for dependency in bom["dependencies"].as_array().unwrap() {
            for on in dependency["dependsOn"].as_array().unwrap() {
                assert!(refs.contains(on.as_str().unwrap()), "{on}");
            }
        }
        let without =
            components.iter().filter(|it| it["hashes"].is_null() && !it["purl"].as_str().unwrap().contains("vcs_url"));
        assert_eq!(without.count(), 0);
    }
}
