//! Posts: answering, changing, reacting, reading, and what is typed for one.

use std::path::Path;

use mm_proto::plugin::v1;
use mm_sim::{Actor, Suggestion};

use super::{Chat, Outcome, text};
use crate::dev::command::{Command, PostRef};

impl Chat {
    /// Does a command about posts.
    pub(super) async fn about_posts(&mut self, command: Command) -> Outcome {
        let actor = self.actor()?;
        let here = self.place().channel_id;
        let nothing = |()| Vec::new();
        match command {
            Command::Reply { post, text: message } => {
                let post = self.post(post)?;
                actor.reply(&post, &message).await.map_err(text).map(|_| Vec::new())
            }
            Command::Edit { post, text: message } => {
                let post = self.own_post(post, &actor)?;
                actor.edit(&post, &message).await.map_err(text).map(|_| Vec::new())
            }
            Command::Delete(post) => actor.delete(&self.own_post(post, &actor)?).await.map_err(text).map(nothing),
            Command::React { post, emoji } => {
                actor.react(&self.post(post)?, &emoji).await.map_err(text).map(|_| Vec::new())
            }
            Command::Unreact { post, emoji } => {
                actor.unreact(&self.post(post)?, &emoji).await.map_err(text).map(nothing)
            }
            Command::Pin { post, on } => actor.pin(&self.post(post)?, on).await.map_err(text).map(|_| Vec::new()),
            Command::Upload { path, text: message } => self.upload(&actor, &path, message).await,
            Command::Read(n_posts) => {
                let posts = actor.read(&here, n_posts).await.map_err(text)?;
                Ok(self.screen.with_renderer(|it| posts.iter().flat_map(|post| it.post(post)).collect()))
            }
            Command::Thread(post) => {
                let posts = actor.read_thread(&self.post(post)?).await.map_err(text)?;
                Ok(self.screen.with_renderer(|it| posts.iter().flat_map(|post| it.post(post)).collect()))
            }
            Command::Complete(typed) => {
                let suggestions = actor.suggest(&here, &typed).await;
                Ok(suggestions.iter().map(describe_suggestion).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The id of a post; the one shown last when none is named.
    fn post(&self, post: PostRef) -> Result<String, String> {
        self.screen.with_renderer(|it| match post {
            PostRef::Number(number) => {
                it.post_id(number).map(str::to_owned).ok_or_else(|| format!("no post #{number} was shown yet"))
            }
            PostRef::Last => it.last_post_id().map(str::to_owned).ok_or_else(|| "no post was shown yet".to_owned()),
        })
    }

    /// The id of a post; the user's last one when none is named.
    fn own_post(&self, post: PostRef, actor: &Actor) -> Result<String, String> {
        match post {
            PostRef::Number(_) => self.post(post),
            PostRef::Last => {
                let own = self.screen.with_renderer(|it| it.last_post_of(actor.user_id()).map(str::to_owned));
                own.ok_or_else(|| format!("{} has posted nothing yet", self.place().user))
            }
        }
    }

    async fn upload(&self, actor: &Actor, path: &str, message: String) -> Outcome {
        let here = self.place().channel_id;
        let path = Path::new(path);
        let data = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path.file_name().map_or_else(|| "file".into(), |it| it.to_string_lossy());
        let file = actor.upload(&here, &name, data).await.map_err(text)?;
        let post = v1::Post { channel_id: here, message, file_ids: vec![file.id], ..Default::default() };
        actor.create_post(post).await.map_err(text).map(|_| Vec::new())
    }
}

fn describe_suggestion(suggestion: &Suggestion) -> String {
    let hint = if suggestion.hint.is_empty() { String::new() } else { format!(" {}", suggestion.hint) };
    let description =
        if suggestion.description.is_empty() { String::new() } else { format!("  {}", suggestion.description) };
    format!("/{}{hint}{description}", suggestion.complete.trim_start_matches('/').trim_end())
}
