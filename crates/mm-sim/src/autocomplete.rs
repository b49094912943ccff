//! What the message box suggests while a slash command is typed, from the commands' own descriptions.

use futures::future::BoxFuture;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;

use crate::server::Server;

/// One suggestion for a slash command that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// What the text becomes when the suggestion is taken, without the slash.
    pub complete: String,
    /// What is shown: a command, an item of a list, a named argument; empty for free text.
    pub suggestion: String,
    /// What comes next, such as `[text]`.
    pub hint: String,
    pub description: String,
    /// An icon of the command, as a data URL; may be empty.
    pub icon_data: String,
}

const ADMIN: &str = "system_admin";

/// Refuses a description that is not valid, saying why.
pub(crate) fn check(data: &v1::AutocompleteData) -> Result<(), String> {
    if data.trigger.is_empty() {
        return Err("a command has no trigger".to_owned());
    }
    if data.trigger.to_lowercase() != data.trigger {
        return Err(format!("the trigger {:?} must be in lower case", data.trigger));
    }
    if !["", "system_user", ADMIN].contains(&data.role_id.as_str()) {
        return Err(format!("the role of {:?} must be system_user, system_admin or empty", data.trigger));
    }
    if !data.arguments.is_empty() && !data.sub_commands.is_empty() {
        return Err(format!("{:?} has both arguments and subcommands", data.trigger));
    }
    let named = data.arguments.iter().position(|arg| !arg.name.is_empty()).unwrap_or(data.arguments.len());
    if data.arguments.iter().skip(named).any(|arg| arg.name.is_empty()) {
        return Err(format!("{:?} has a positional argument after a named one", data.trigger));
    }
    for arg in &data.arguments {
        check_argument(arg).map_err(|why| format!("{:?}: {why}", data.trigger))?;
    }
    data.sub_commands.iter().try_for_each(check)
}

fn check_argument(arg: &v1::AutocompleteArg) -> Result<(), String> {
    match argument(arg) {
        Some(Argument::Text(_)) if arg.name.is_empty() && !arg.required => {
            Err("a positional argument cannot be optional".to_owned())
        }
        Some(Argument::Static(list)) if list.iter().any(|item| item.item.is_empty()) => {
            Err("an item of a list has no name".to_owned())
        }
        Some(_) => Ok(()),
        None => Err(format!("the data of an argument does not fit its type {:?}", arg.r#type)),
    }
}

/// The addresses of dynamic lists are relative to the plugin.
pub(crate) fn make_urls_absolute(data: &mut v1::AutocompleteData, plugin_id: &str) {
    for arg in &mut data.arguments {
        if let Some(Kind::AutocompleteDynamicListArg(list)) = arg.data.as_mut().and_then(|data| data.kind.as_mut())
            && !list.fetch_url.contains(':')
        {
            list.fetch_url = format!("/plugins/{plugin_id}/{}", list.fetch_url.trim_start_matches('/'));
        }
    }
    for command in &mut data.sub_commands {
        make_urls_absolute(command, plugin_id);
    }
}

/// An argument by its type.
enum Argument<'a> {
    Text(&'a v1::AutocompleteTextArg),
    Static(&'a [v1::AutocompleteListItem]),
    Dynamic(&'a str),
}

fn argument(arg: &v1::AutocompleteArg) -> Option<Argument<'_>> {
    match (arg.r#type.as_str(), arg.data.as_ref()?.kind.as_ref()?) {
        ("TextInput", Kind::AutocompleteTextArg(text)) => Some(Argument::Text(text)),
        ("StaticList", Kind::AutocompleteStaticListArg(list)) => Some(Argument::Static(&list.possible_arguments)),
        ("DynamicList", Kind::AutocompleteDynamicListArg(list)) => Some(Argument::Dynamic(&list.fetch_url)),
        _ => None,
    }
}

/// How far the parser has come: what it has read, and what is left.
#[derive(Clone, Debug, PartialEq)]
struct Input {
    parsed: String,
    rest: String,
}

/// The outcome of parsing one argument.
enum Parsed {
    /// The cursor is in it: these are the suggestions.
    Here(Vec<Suggestion>),
    /// It is complete; what follows is left.
    Past(Input),
}

/// Who types, and where.
pub(crate) struct Typist<'a> {
    pub(crate) server: &'a Server,
    pub(crate) user_id: &'a str,
    pub(crate) channel_id: &'a str,
    pub(crate) team_id: &'a str,
    pub(crate) admin: bool,
}

impl Typist<'_> {
    /// Suggestions for what is typed so far, without the slash.
    pub(crate) async fn suggest(&self, commands: &[v1::Command], text: &str) -> Vec<Suggestion> {
        let mut data: Vec<_> = commands.iter().map(description).collect();
        data.sort_by(|a, b| a.trigger.cmp(&b.trigger));
        let input = Input { parsed: String::new(), rest: text.to_owned() };
        let mut suggestions = self.commands(&data, input).await;
        for suggestion in &mut suggestions {
            let owner = commands.iter().find(|command| suggestion.complete.starts_with(&command.trigger));
            suggestion.icon_data = owner.map(|owner| owner.autocomplete_icon_data.clone()).unwrap_or_default();
        }
        suggestions
    }

    fn may_see(&self, command: &v1::AutocompleteData) -> bool {
        self.admin || command.role_id == "system_user"
    }

    fn commands<'a>(&'a self, commands: &'a [v1::AutocompleteData], input: Input) -> BoxFuture<'a, Vec<Suggestion>> {
        Box::pin(async move {
            let visible = commands.iter().filter(|command| self.may_see(command));
            let Some((word, rest)) = input.rest.split_once(' ') else {
                let typed = input.rest.to_lowercase();
                return visible
                    .filter(|command| command.trigger.starts_with(&typed))
                    .map(|command| Suggestion {
                        complete: format!("{}{}", input.parsed, command.trigger),
                        suggestion: command.trigger.clone(),
                        hint: command.hint.clone(),
                        description: command.help_text.clone(),
                        ..Default::default()
                    })
                    .collect();
            };
            let mut suggestions = Vec::new();
            for command in visible.filter(|command| command.trigger == word.to_lowercase()) {
                let next = Input { parsed: format!("{}{word} ", input.parsed), rest: rest.to_owned() };
                if command.arguments.is_empty() {
                    suggestions.extend(self.commands(&command.sub_commands, next).await);
                } else if let Parsed::Here(found) = self.arguments(&command.arguments, next).await {
                    suggestions.extend(found);
                }
            }
            suggestions
        })
    }

    /// Parses arguments from the first on. An optional one may be given or left out, so both readings count.
    fn arguments<'a>(&'a self, args: &'a [v1::AutocompleteArg], input: Input) -> BoxFuture<'a, Parsed> {
        Box::pin(async move {
            let Some((first, others)) = args.split_first() else { return Parsed::Past(input) };
            let given = match self.one_argument(first, input.clone()).await {
                Parsed::Past(next) => self.arguments(others, next).await,
                here => here,
            };
            if first.required {
                return given;
            }
            match (given, self.arguments(others, input.clone()).await) {
                (Parsed::Here(mut a), Parsed::Here(b)) => {
                    a.extend(b);
                    Parsed::Here(a)
                }
                (Parsed::Here(found), Parsed::Past(_)) | (Parsed::Past(_), Parsed::Here(found)) => Parsed::Here(found),
                (Parsed::Past(with), Parsed::Past(without)) => Parsed::Past(if with == input { without } else { with }),
            }
        })
    }

    async fn one_argument(&self, arg: &v1::AutocompleteArg, input: Input) -> Parsed {
        let input = if arg.name.is_empty() {
            input
        } else {
            match name_of_argument(arg, input) {
                Parsed::Past(next) => next,
                here => return here,
            }
        };
        match argument(arg) {
            Some(Argument::Text(text)) => text_argument(arg, text, input),
            Some(Argument::Static(items)) => list_argument(items, input),
            Some(Argument::Dynamic(url)) => {
                let typed = (format!("{}{}", input.parsed, input.rest), input.parsed.clone());
                list_argument(&self.fetch_items(url, typed).await, input)
            }
            None => Parsed::Past(input),
        }
    }

    /// Asks the plugin for the items of a dynamic list. Whatever goes wrong, there are none.
    async fn fetch_items(&self, url: &str, (typed, parsed): (String, String)) -> Vec<v1::AutocompleteListItem> {
        let Some((plugin_id, path)) = url.strip_prefix("/plugins/").and_then(|rest| rest.split_once('/')) else {
            return Vec::new();
        };
        let query = [
            ("user_input", typed.as_str()),
            ("parsed", &parsed),
            ("channel_id", self.channel_id),
            ("team_id", self.team_id),
            ("user_id", self.user_id),
            ("site_url", &self.server.options().site_url),
        ];
        let answer = self.server.ask_for_list(plugin_id, path, &query, self.user_id).await;
        let text = |item: &serde_json::Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let item = |item: &serde_json::Value| v1::AutocompleteListItem {
            item: text(item, "Item"),
            hint: text(item, "Hint"),
            help_text: text(item, "HelpText"),
        };
        answer.as_array().map(|items| items.iter().map(item).collect()).unwrap_or_default()
    }
}

/// A command's own description, or the plain one made of its hint.
fn description(command: &v1::Command) -> v1::AutocompleteData {
    command.autocomplete_data.clone().unwrap_or_else(|| v1::AutocompleteData {
        trigger: command.trigger.clone(),
        hint: command.auto_complete_hint.clone(),
        help_text: command.auto_complete_desc.clone(),
        role_id: "system_user".to_owned(),
        ..Default::default()
    })
}

/// `--name` before the value of a named argument.
fn name_of_argument(arg: &v1::AutocompleteArg, input: Input) -> Parsed {
    let typed = input.rest.strip_prefix(' ').unwrap_or(&input.rest);
    let name = format!("--{}", arg.name);
    let (lower, wanted) = (typed.to_lowercase(), name.to_lowercase());
    if wanted.starts_with(&lower) {
        let missing = name.get(typed.len()..).unwrap_or_default();
        return Parsed::Here(vec![Suggestion {
            complete: format!("{}{}{missing} ", input.parsed, input.rest),
            suggestion: name,
            description: arg.help_text.clone(),
            ..Default::default()
        }]);
    }
    match typed.get(name.len()..).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) if lower.starts_with(&wanted) => {
            Parsed::Past(Input { parsed: format!("{}{name} ", input.parsed), rest: rest.to_owned() })
        }
        // Something else is typed here: this argument has nothing to suggest.
        _ => Parsed::Here(Vec::new()),
    }
}

/// Free text: a word, or several in quotes.
fn text_argument(arg: &v1::AutocompleteArg, text: &v1::AutocompleteTextArg, input: Input) -> Parsed {
    let typed = input.rest.strip_prefix(' ').unwrap_or(&input.rest);
    let end = match typed.strip_prefix('"') {
        Some(quoted) => quoted.find('"').map(|end| end + 2),
        None => typed.find(' '),
    };
    let Some(end) = end else {
        return Parsed::Here(vec![Suggestion {
            complete: format!("{}{}", input.parsed, input.rest),
            hint: text.hint.clone(),
            description: arg.help_text.clone(),
            ..Default::default()
        }]);
    };
    let end = end + usize::from(typed[end..].starts_with(' '));
    Parsed::Past(Input { parsed: format!("{}{}", input.parsed, &typed[..end]), rest: typed[end..].to_owned() })
}

/// One item of a list.
fn list_argument(items: &[v1::AutocompleteListItem], input: Input) -> Parsed {
    let typed = input.rest.strip_prefix(' ').unwrap_or(&input.rest);
    let lower = typed.to_lowercase();
    let complete = |item: &&v1::AutocompleteListItem| {
        lower.strip_prefix(&item.item.to_lowercase()).is_some_and(|rest| rest.starts_with(' '))
    };
    if let Some(item) = items.iter().filter(complete).max_by_key(|item| item.item.len()) {
        let end = item.item.len() + 1;
        let (read, rest) = typed.split_at_checked(end).unwrap_or((typed, ""));
        return Parsed::Past(Input { parsed: format!("{}{read}", input.parsed), rest: rest.to_owned() });
    }
    let fits = items.iter().filter(|item| item.item.to_lowercase().starts_with(&lower));
    Parsed::Here(
        fits.map(|item| Suggestion {
            complete: format!("{}{}", input.parsed, item.item),
            suggestion: item.item.clone(),
            hint: item.hint.clone(),
            description: item.help_text.clone(),
            ..Default::default()
        })
        .collect(),
    )
}
