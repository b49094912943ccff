//! What `mm-host status` prints.

use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;

use super::{Found, Report};
use crate::manifest::Manifest;

/// How to say it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: a list with an object for each plugin
    Json,
    /// The metrics of one plugin, as Prometheus reads them
    Prometheus,
}

/// What to print of what was found, and whether all is well: that there is a plugin, and that none has failed. `id` is that of the only
/// one that is wanted.
///
/// # Errors
/// A text for people: nothing runs, or the metrics of several plugins were asked for.
pub fn answer(found: &Found, id: Option<&str>, format: Format) -> Result<(String, bool), String> {
    let wanted = |it: &&Report| id.is_none_or(|id| id == it.plugin_id);
    let reports: Vec<&Report> = found.reports.iter().filter(wanted).collect();
    let well = !reports.is_empty() && reports.iter().all(|it| it.state != "failed");
    let text = match format {
        // A program gets its list, also an empty one.
        Format::Json => json(&reports),
        _ if reports.is_empty() => return Err(nothing(found, id)),
        Format::Prometheus if reports.len() > 1 => {
            return Err(
                "several plugins run: name one, as in mm-host status com.example.todo --format prometheus".to_owned()
            );
        }
        Format::Prometheus => reports[0].metrics.clone(),
        Format::Text => reports.iter().fold(String::new(), |mut text, it| {
            let _ = write!(text, "{it}");
            text
        }),
    };
    Ok((text, well))
}

/// The reports, without the page of metrics, which has a format of its own.
fn json(reports: &[&Report]) -> String {
    let bare = |it: &&Report| Report { metrics: String::new(), ..(*it).clone() };
    let bare: Vec<Report> = reports.iter().map(bare).collect();
    let mut text = serde_json::to_string_pretty(&bare).expect("texts and numbers");
    text.push('\n');
    text
}

/// The id of the plugin that was named: by its folder or by itself.
///
/// # Errors
/// A text for people: the folder has no manifest that can be read.
pub fn id_of(named: &str) -> Result<String, String> {
    if Path::new(named).is_dir() {
        return Manifest::load(Path::new(named)).map(|(it, _)| it.id).map_err(|error| error.to_string());
    }
    // As a server does with ids.
    Ok(named.to_lowercase())
}

fn nothing(found: &Found, id: Option<&str>) -> String {
    let which = id.map_or_else(|| "no plugin".to_owned(), |id| format!("no plugin {id}"));
    let of_others = match found.of_others {
        0 => "",
        _ => "; hosts of other users were not asked: ask as the server's user, as in sudo -u mattermost mm-host status",
    };
    format!("{which} runs in an mm-host that can be asked{of_others}")
}
