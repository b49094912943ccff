//! `cargo xtask drift`: what another version of Mattermost changed, and what that means for us.
//!
//! Exits with 0 when nothing changed that `--fail-on` asks for, with 1 when something did, and with 2 when it cannot be told.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;
use mm_surface::{Change, Drift, Entry, Fit, Meaning, Surface, What};

use crate::surface::{SURFACE, numbers};
use crate::upstream::Which;
use crate::{output, regenerate, workspace};

/// Arguments of `cargo xtask drift`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// Surface to compare with, such as surface/versions/9.8.json [default: surface/surface.json of this repository]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// What the exit code 1 tells of
    #[arg(long, value_enum, default_value_t = FailOn::Any)]
    fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something is gone, or has another name
    Removed,
    /// Something is gone or is not as it was
    Changed,
    /// There is any difference
    Any,
}

impl FailOn {
    fn concerns(self, change: Change) -> bool {
        match change {
            Change::Removed | Change::Renamed => true,
            Change::Changed => self != FailOn::Removed,
            Change::Added => self == FailOn::Any,
        }
    }
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match report(args) {
        Ok(drift) if drift.entries.iter().any(|it| args.fail_on.concerns(it.change)) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn report(args: &Args) -> anyhow::Result<Drift> {
    let from = args.from.clone().unwrap_or_else(|| workspace::path(SURFACE));
    let text = fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
    let old = Surface::from_json(&text).with_context(|| format!("{} is no surface", from.display()))?;
    let new = args.which.read(Fit::Unprepared)?;
    let mut drift = Drift::between(&old, &new);
    // What overrides.toml and docs.toml have to say is about the newest version.
    if args.from.is_none() && numbers(&new.upstream.version) >= numbers(&old.upstream.version) {
        let inputs = mm_codegen::Inputs { surface: new.to_json(), ..regenerate::inputs()? };
        let complaints = mm_codegen::load(&inputs).err().unwrap_or_default();
        settle(&mut drift, &complaints);
    }
    output::print(&match args.format {
        Format::Text => drift.to_text(),
        Format::Markdown => drift.to_markdown(),
        Format::Json => drift.to_json(),
    })?;
    Ok(drift)
}

/// The generators know exactly what they lack: what they ask for is added, and docs that they do not miss are not asked for.
pub(crate) fn settle(drift: &mut Drift, complaints: &[mm_codegen::Diagnostic]) {
    drift.todo = complaints.iter().map(ToString::to_string).collect();
    // Docs are looked at only when nothing else is missing.
    if complaints.iter().any(|it| it.file != mm_codegen::DOCS) {
        return;
    }
    let misses = |it: &Entry| complaints.iter().any(|complaint| concerns(complaint, it));
    for entry in drift.entries.iter_mut().filter(|it| it.meaning == Meaning::NeedsDocs && !misses(it)) {
        entry.meaning = Meaning::Compatible;
        "it has words in docs.toml, or needs none".clone_into(&mut entry.note);
    }
    drift.sort();
}

/// Whether a complaint about docs.toml is about the thing that changed.
fn concerns(complaint: &mm_codegen::Diagnostic, entry: &Entry) -> bool {
    let name = &entry.name;
    match entry.what {
        What::Api => complaint.subject == format!("api.{name}"),
        What::Hook => complaint.subject == format!("hook.{name}"),
        What::Type => complaint.subject == format!("type.\"{name}\""),
        What::Field => name.rsplit_once('.').is_some_and(|(ty, field)| {
            complaint.subject == format!("type.\"{ty}\"") && complaint.message.contains(&format!("`{field}`"))
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_always_fails_and_what_is_new_only_when_asked() {
        let of = |fail_on: FailOn| {
            [Change::Removed, Change::Renamed, Change::Changed, Change::Added].map(|it| fail_on.concerns(it))
        };
        assert_eq!(of(FailOn::Removed), [true, true, false, false]);
        assert_eq!(of(FailOn::Changed), [true, true, true, false]);
        assert_eq!(of(FailOn::Any), [true; 4]);
    }

    /// The surface that is checked in, with a field that the shared words cover and one that nothing covers.
    #[test]
    fn docs_that_are_there_are_not_asked_for() {
        let old = Surface::from_json(&fs::read_to_string(workspace::path(SURFACE)).unwrap()).unwrap();
        let mut new = old.clone();
        let post = new.types.iter_mut().find(|it| it.name == "model.Team").unwrap();
        for (name, json) in [("ArchiveAt", "archive_at"), ("Weight", "weight")] {
            let count = post.fields.iter().find(|it| it.name == "CreateAt").unwrap().clone();
            post.fields.push(mm_surface::Field { name: name.to_owned(), json: json.to_owned(), ..count });
        }
        let docs = "[fields]\nArchiveAt = \"When.\"\n";
        let inputs = regenerate::inputs().unwrap();
        let inputs =
            mm_codegen::Inputs { surface: new.to_json(), docs: inputs.docs.replacen("[fields]\n", docs, 1), ..inputs };
        let mut drift = Drift::between(&old, &new);
        assert_eq!(drift.meaning(Meaning::NeedsDocs).count(), 2);
        settle(&mut drift, &mm_codegen::load(&inputs).unwrap_err());
        let asked: Vec<&str> = drift.meaning(Meaning::NeedsDocs).map(|it| it.name.as_str()).collect();
        assert_eq!(asked, ["model.Team.Weight"]);
        assert_eq!(drift.todo.len(), 1);
        assert!(drift.to_text().contains("Weight` (int64) is not documented"), "{}", drift.to_text());
    }
}
