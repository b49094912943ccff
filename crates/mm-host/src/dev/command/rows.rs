//! The list of the commands: their names, what they take, what they do.

/// A command's row in the help.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
}

impl Row {
    /// What is right, for someone who wrote something else.
    pub(super) fn usage(&self) -> String {
        let space = if self.arguments.is_empty() { "" } else { " " };
        format!("usage: :{}{space}{} ({})", self.name, self.arguments, self.help)
    }
}

const fn row(name: &'static str, aliases: &'static [&'static str], arguments: &'static str, help: &'static str) -> Row {
    Row { name, aliases, arguments, help }
}

/// Every command, in the order of the help.
pub(crate) const COMMANDS: &[Row] = &[
    row("help", &["dev", "h"], "", "this list; /help lists the slash commands of Mattermost and the plugin"),
    row("as", &[], "USER", "act as this user"),
    row("user", &["adduser"], "USER", "make a user, and act as them"),
    row("users", &[], "", "who there is"),
    row("channels", &[], "", "the channels of the user you act as"),
    row("go", &["channel"], "CHANNEL", "go to a channel: town-square, or @ben for direct messages"),
    row("create", &[], "NAME [private]", "make a channel and go there"),
    row("join", &[], "CHANNEL", "join a public channel and go there"),
    row("leave", &[], "", "leave the channel"),
    row("invite", &[], "USER", "add a user to the channel"),
    row("remove", &["kick"], "USER", "remove a user from the channel"),
    row("members", &[], "", "who is in the channel"),
    row("reply", &["r"], "[#N] TEXT", "answer in the thread of a post, or of the last one"),
    row("edit", &[], "[#N] TEXT", "change a post, or one's last"),
    row("delete", &[], "[#N]", "delete a post, or one's last"),
    row("react", &[], "[#N] EMOJI", "add a reaction, such as thumbsup"),
    row("unreact", &[], "[#N] EMOJI", "take a reaction off"),
    row("pin", &[], "[#N]", "pin a post"),
    row("unpin", &[], "[#N]", "unpin a post"),
    row("upload", &[], "FILE [TEXT]", "post a file"),
    row("http", &[], "METHOD /PATH [BODY]", "ask the plugin by HTTP, as the user: the path begins after /plugins/<id>"),
    row("token", &[], "", "the user's token, for requests to the address of --http: Authorization: Bearer TOKEN"),
    row("read", &[], "[COUNT]", "the last posts, as the user reads them"),
    row("thread", &[], "[#N]", "a thread, as the user reads it"),
    row("complete", &[], "TEXT", "what Tab suggests after this text"),
    row("set", &["config"], "KEY VALUE", "change a setting of the plugin"),
    row("settings", &[], "", "the plugin's settings"),
    row("keys", &["kv"], "", "the plugin's key-value store"),
    row("login", &[], "", "log the user in, which asks the plugin"),
    row("advance", &[], "TIME", "move the server's clock forward, such as 90s, 15m, 2h"),
    row(
        "event",
        &["server"],
        "EVENT …",
        "what happens from outside the chat: saml, ping, support …; :event help lists all",
    ),
    row("trace", &[], "on|off", "show every hook and API call"),
    row("log", &[], "LEVEL", "show log records from debug, info, warn or error on"),
    row("status", &[], "", "how the plugin is"),
    row("restart", &[], "", "start the plugin's process again; what the server holds stays"),
    row("stop", &["disable"], "", "deactivate the plugin; :restart activates it"),
    row("kill", &[], "", "end the plugin's process with SIGKILL, to see what happens"),
    row("wait", &["sleep"], "TIME", "do nothing for a while, such as 500ms"),
    row("expect", &[], "TEXT", "in a script: fail unless the last action shows this, at once or within 5 s"),
    row("expect-not", &[], "TEXT", "in a script: fail if the last action showed this"),
    row("quit", &["exit", "q"], "", "end"),
];

pub(super) fn find(name: &str) -> Option<&'static Row> {
    COMMANDS.iter().find(|it| it.name == name || it.aliases.contains(&name))
}

/// The command whose name differs least, if it is near.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let names = COMMANDS.iter().map(|it| it.name);
    names.map(|it| (strsim::levenshtein(name, it), it)).filter(|(distance, _)| *distance <= 2).min().map(|(_, it)| it)
}
