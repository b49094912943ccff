//! `cargo xtask upgrade`: moves to another version of Mattermost, as far as a program can.
//!
//! Takes its surface, extends the ledger of numbers, puts a stub into `docs.toml` for all that has no words yet, leaves
//! `docs/upstream/VERSION.md`, and regenerates. What needs a decision in `overrides.toml` stops it before anything is
//! written; stubs that are empty stop `cargo xtask regenerate` until somebody fills them.

use std::fs;

use anyhow::{Context as _, bail};
use mm_codegen::{Inputs, MissingDoc};
use mm_surface::{Drift, Fit, Surface};

use crate::surface::{OVERRIDES, SURFACE, UPSTREAM, numbers};
use crate::upstream::Which;
use crate::{drift, regenerate, workspace};

mod stubs;

/// Where a page says what each version brought.
const PAGES: &str = "docs/upstream";

/// Arguments of `cargo xtask upgrade`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

/// What is to be written, and what a person has to write.
struct Plan {
    files: Vec<(String, String)>,
    missing: Vec<MissingDoc>,
    drift: Drift,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let inputs = regenerate::inputs()?;
    let new = args.which.read(Fit::Exact)?;
    let plan = plan(&inputs, &new)?;
    for (path, text) in &plan.files {
        let path = workspace::path(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    let counts = format!("{} differences, {} texts to write", plan.drift.entries.len(), plan.missing.len());
    eprintln!("Mattermost {} → {}: {counts}", plan.drift.from.version, plan.drift.to.version);
    if !plan.missing.is_empty() {
        let list: Vec<String> = plan.missing.iter().map(|it| format!("  {}: {}", it.entry, it.key)).collect();
        bail!(
            "{} has {} empty texts now:\n{}\nfill them in your own words, then run `cargo xtask regenerate`",
            mm_codegen::DOCS,
            plan.missing.len(),
            list.join("\n")
        );
    }
    regenerate::all()
}

/// Works out the whole move; nothing is written.
fn plan(inputs: &Inputs, new: &Surface) -> anyhow::Result<Plan> {
    let old = Surface::from_json(&inputs.surface).with_context(|| format!("{SURFACE} is no surface"))?;
    let (from, to) = (&old.upstream.version, &new.upstream.version);
    if numbers(to) < numbers(from) {
        bail!(
            "this is Mattermost {to}, and everything is made from {from} already: an older version is kept with `cargo xtask surface --out surface/versions/X.Y.json`"
        );
    }
    let surface = new.to_json();
    let lenient = Inputs { surface: surface.clone(), allow_missing_docs: true, ..inputs.clone() };
    let compiled = mm_codegen::compile(&lenient).map_err(|it| regenerate::complaint(&it))?;
    let complaints = mm_codegen::load(&Inputs { surface: surface.clone(), ..inputs.clone() }).err().unwrap_or_default();
    // What has no permission yet passes where words may be missing; here it is a decision like the others.
    let decisions: Vec<_> = complaints.iter().filter(|it| it.file == OVERRIDES).cloned().collect();
    if !decisions.is_empty() {
        return Err(regenerate::complaint(&decisions));
    }
    let mut drift = Drift::between(&old, new);
    drift::settle(&mut drift, &complaints);
    // The page stays, and what was to be done then is done.
    drift.todo.clear();
    let docs = stubs::add(&inputs.docs, &compiled.missing_docs);
    // The stubs must be where they are looked for, or they would never be found wanting.
    let stubbed = Inputs { surface: surface.clone(), docs: docs.clone(), allow_missing_docs: true, ..inputs.clone() };
    let again = mm_codegen::compile(&stubbed).map_err(|it| regenerate::complaint(&it))?;
    anyhow::ensure!(again.missing_docs == compiled.missing_docs, "the stubs do not fit {}", mm_codegen::DOCS);
    let mut files = vec![
        (UPSTREAM.to_owned(), format!("{to}\n")),
        (SURFACE.to_owned(), surface),
        (mm_codegen::DOCS.to_owned(), docs),
        (mm_codegen::WIRE_LOCK.to_owned(), compiled.wire_lock),
    ];
    // Its page compares with the version before, of which nothing is known once the move has been made.
    if to != from {
        files.push((format!("{PAGES}/{to}.md"), drift.to_markdown()));
    }
    Ok(Plan { files, missing: compiled.missing_docs, drift })
}

#[cfg(test)]
mod tests {
    use mm_surface::{Field, Method, Param};

    use super::*;

    /// The surface that is checked in, of a later version with a new method, hook, type and field.
    fn later(inputs: &Inputs) -> Surface {
        let mut surface = Surface::from_json(&inputs.surface).unwrap();
        "99.0.0".clone_into(&mut surface.upstream.version);
        let method = |name: &str, id, params: &[(&str, &str)], results: &[&str], tags: &[&str]| Method {
            name: name.to_owned(),
            id,
            params: params.iter().map(|(name, ty)| Param { name: (*name).to_owned(), ty: (*ty).to_owned() }).collect(),
            variadic: false,
            results: results.iter().map(|it| (*it).to_owned()).collect(),
            since: "99.0".to_owned(),
            tags: tags.iter().map(|it| (*it).to_owned()).collect(),
        };
        let params = [("userID", "string"), ("frobnications", "int")];
        let api = method("UpdateFrobnications", None, &params, &["*model.Post", "*model.AppError"], &["User"]);
        let at = surface.api.partition_point(|it| it.name < api.name);
        surface.api.insert(at, api);
        surface.hooks.push(method("UserHasFrobnicated", Some(99), &[("c", "*plugin.Context")], &["error"], &[]));
        let post = surface.types.iter_mut().find(|it| it.name == "model.Post").unwrap();
        let count = Field { name: "Frobs".into(), ty: "int64".into(), json: "frobs".into(), ..post.fields[0].clone() };
        post.fields.push(count);
        surface
    }

    fn file<'a>(plan: &'a Plan, path: &str) -> &'a str {
        &plan.files.iter().find(|(it, _)| it == path).unwrap_or_else(|| panic!("{path} is not written")).1
    }

    #[test]
    fn a_move_leaves_nothing_but_words_to_write() {
        let inputs = regenerate::inputs().unwrap();
        let plan = plan(&inputs, &later(&inputs)).unwrap();
        assert_eq!(file(&plan, UPSTREAM), "99.0.0\n");
        let missing: Vec<String> = plan.missing.iter().map(|it| format!("{}: {}", it.entry, it.key)).collect();
        assert_eq!(
            missing,
            [
                "api.UpdateFrobnications: doc",
                "api.UpdateFrobnications: params.frobnications",
                "hook.UserHasFrobnicated: doc",
                "type.\"model.Post\": fields.Frobs",
            ]
        );
        // Until they are filled, regenerate fails with exactly these.
        let docs = file(&plan, mm_codegen::DOCS);
        let next = |docs: &str| Inputs {
            surface: file(&plan, SURFACE).to_owned(),
            docs: docs.to_owned(),
            wire_lock: file(&plan, mm_codegen::WIRE_LOCK).to_owned(),
            ..inputs.clone()
        };
        let complaints = mm_codegen::load(&next(docs)).unwrap_err();
        assert_eq!(complaints.len(), plan.missing.len(), "{complaints:?}");
        let filled = docs.replace("= \"\"", "= \"Words.\"");
        let compiled = mm_codegen::compile(&next(&filled)).unwrap_or_else(|it| panic!("{it:?}"));
        // The ledger that was extended is the one that regenerate would write.
        assert_eq!(compiled.wire_lock, file(&plan, mm_codegen::WIRE_LOCK));
        let kept = inputs.wire_lock.lines().filter(|it| !compiled.wire_lock.contains(*it)).count();
        assert_eq!(kept, 0, "the ledger only grows");
        assert!(compiled.wire_lock.contains("Post.frobs = "));
        let page = file(&plan, "docs/upstream/99.0.0.md");
        assert!(
            page.contains("- added API method `UpdateFrobnications`") && page.contains("`model.Post.Frobs`"),
            "{page}"
        );
    }

    #[test]
    fn a_decision_stops_the_move_before_anything_is_written() {
        let inputs = regenerate::inputs().unwrap();
        let mut surface = later(&inputs);
        let hook = surface.hooks.last_mut().unwrap();
        hook.results = vec!["string".to_owned()];
        let error = plan(&inputs, &surface).err().unwrap().to_string();
        assert!(error.contains("hook.UserHasFrobnicated") && error.contains("outcome"), "{error}");
    }

    #[test]
    fn a_method_that_neither_reads_nor_writes_by_its_name_needs_a_permission_first() {
        let inputs = regenerate::inputs().unwrap();
        let mut surface = later(&inputs);
        let method = surface.api.iter_mut().find(|it| it.name == "UpdateFrobnications").unwrap();
        "FrobnicateUser".clone_into(&mut method.name);
        surface.api.sort_by(|a, b| a.name.cmp(&b.name));
        let error = plan(&inputs, &surface).err().unwrap().to_string();
        assert!(error.starts_with("1 to mend\nsurface/overrides.toml: permission.FrobnicateUser: "), "{error}");
        assert!(error.contains("add `[permission.FrobnicateUser]` with `name = \"users.write\"`"), "{error}");
        // That is all it takes; the words are asked for as before.
        let entry = "\n[permission.FrobnicateUser]\nname = \"users.write\"\nwhy = \"It changes a user.\"\n";
        let overrides = inputs.overrides.clone() + entry;
        let decided = plan(&Inputs { overrides, ..inputs }, &surface).unwrap();
        assert!(decided.missing.iter().any(|it| it.entry == "api.FrobnicateUser" && it.key == "doc"));
    }

    #[test]
    fn an_older_version_is_no_upgrade() {
        let inputs = regenerate::inputs().unwrap();
        let mut surface = later(&inputs);
        "9.8.1".clone_into(&mut surface.upstream.version);
        let error = plan(&inputs, &surface).err().unwrap().to_string();
        assert!(error.contains("this is Mattermost 9.8.1") && error.contains("surface --out"), "{error}");
    }

    #[test]
    fn the_same_version_changes_nothing() {
        let inputs = regenerate::inputs().unwrap();
        let plan = plan(&inputs, &Surface::from_json(&inputs.surface).unwrap()).unwrap();
        assert_eq!(plan.missing, []);
        assert_eq!(file(&plan, mm_codegen::DOCS), inputs.docs);
        assert_eq!(file(&plan, mm_codegen::WIRE_LOCK), inputs.wire_lock);
        // Above all not the page that says what the version brought.
        assert!(!plan.files.iter().any(|(path, _)| path.starts_with(PAGES)));
    }
}
