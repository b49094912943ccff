//! The state: plain data and the questions that can be answered from it. No hook and no event is fired here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use mm_proto::plugin::v1;

use crate::errors::{self, Result};
use crate::groups::Groups;
use crate::installs::Installs;
use crate::kv::KvStore;
use crate::notifications::EmailNotification;
use crate::operations::Outside;
use crate::plugins::PluginEntry;
use crate::properties::Properties;
use crate::shared_channels::SharedChannels;

/// Everything that the server knows. Held in one mutex, see the crate's documentation.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) users: IndexMap<String, Arc<v1::User>>,
    /// User ids by username and by email (both lower-cased).
    pub(crate) user_names: HashMap<String, String>,
    pub(crate) user_emails: HashMap<String, String>,
    pub(crate) bots: IndexMap<String, v1::Bot>,
    pub(crate) profile_images: HashMap<String, Vec<u8>>,
    pub(crate) teams: IndexMap<String, v1::Team>,
    /// Members by team and user; who left is kept with a `delete_at`.
    pub(crate) team_members: IndexMap<(String, String), v1::TeamMember>,
    pub(crate) team_icons: HashMap<String, Vec<u8>>,
    pub(crate) channels: IndexMap<String, ChannelEntry>,
    /// Channel ids by team (empty for direct and group channels) and name. Archived channels keep their name.
    pub(crate) channel_names: HashMap<(String, String), String>,
    pub(crate) posts: HashMap<String, PostEntry>,
    /// Posts of threads by root, oldest first, without the root.
    pub(crate) replies: HashMap<String, Vec<String>>,
    /// Ids that clients sent with their posts, so that repeated requests make one post.
    pub(crate) pending_posts: HashMap<String, PendingPost>,
    pub(crate) files: IndexMap<String, FileEntry>,
    pub(crate) emojis: IndexMap<String, (v1::Emoji, Vec<u8>)>,
    /// Preferences by user, category and name.
    pub(crate) preferences: BTreeMap<(String, String, String), String>,
    pub(crate) statuses: HashMap<String, v1::Status>,
    pub(crate) sessions: IndexMap<String, v1::Session>,
    pub(crate) access_tokens: IndexMap<String, v1::UserAccessToken>,
    /// Web socket connections: id → user.
    pub(crate) connections: IndexMap<String, String>,
    pub(crate) config: v1::Config,
    pub(crate) plugins: IndexMap<String, PluginEntry>,
    pub(crate) plugin_commands: Vec<PluginCommand>,
    /// Commands made with `CreateCommand`.
    pub(crate) custom_commands: IndexMap<String, v1::Command>,
    pub(crate) kv: HashMap<String, KvStore>,
    pub(crate) sidebars: HashMap<(String, String), Vec<v1::SidebarCategoryWithChannels>>,
    /// Uploads in parts, with what has come so far.
    pub(crate) uploads: IndexMap<String, (v1::UploadSession, Vec<u8>)>,
    pub(crate) oauth_apps: IndexMap<String, v1::OAuthApp>,
    /// Trigger ids that were given out, with the user and the time.
    pub(crate) triggers: HashMap<String, (String, i64)>,
    pub(crate) properties: Properties,
    pub(crate) groups: Groups,
    /// Channels and who has left them.
    pub(crate) left_channels: BTreeSet<(String, String)>,
    pub(crate) sharing: SharedChannels,
    pub(crate) outside: Outside,
    pub(crate) installs: Installs,
    pub(crate) mails: Vec<(String, String, String)>,
    pub(crate) email_notifications: Vec<EmailNotification>,
    /// Push notifications that plugins sent: to whom, and what.
    pub(crate) pushes: Vec<(String, v1::PushNotification)>,
    pub(crate) installed_at: i64,
    pub(crate) diagnostic_id: String,
}

/// A channel with its members and its posts.
pub(crate) struct ChannelEntry {
    pub(crate) channel: v1::Channel,
    pub(crate) members: IndexMap<String, v1::ChannelMember>,
    /// Ids of all posts ever, deleted ones included, by time.
    pub(crate) posts: Vec<String>,
}

/// A post with its reactions.
pub(crate) struct PostEntry {
    pub(crate) post: Arc<v1::Post>,
    pub(crate) reactions: Vec<v1::Reaction>,
}

/// What became of a post that came with a `pending_post_id`.
pub(crate) struct PendingPost {
    pub(crate) post_id: Option<String>,
    pub(crate) expires_at: i64,
}

/// A stored file.
pub(crate) struct FileEntry {
    pub(crate) info: v1::FileInfo,
    pub(crate) data: Arc<Vec<u8>>,
}

/// A slash command registered by a plugin.
#[derive(Clone)]
pub(crate) struct PluginCommand {
    pub(crate) plugin_id: String,
    pub(crate) command: v1::Command,
}

/// Users and teams.
impl World {
    pub(crate) fn user(&self, place: &str, id: &str) -> Result<&Arc<v1::User>> {
        self.users.get(id).ok_or_else(|| errors::no_user(place, id))
    }

    pub(crate) fn user_by_name(&self, name: &str) -> Option<&Arc<v1::User>> {
        self.users.get(self.user_names.get(&name.to_lowercase())?)
    }

    pub(crate) fn username(&self, id: &str) -> String {
        self.users.get(id).map_or_else(|| id.to_owned(), |user| user.username.clone())
    }

    /// Stores a user and its look-ups; the previous names are forgotten.
    pub(crate) fn put_user(&mut self, user: v1::User) -> Arc<v1::User> {
        if let Some(old) = self.users.get(&user.id) {
            self.user_names.remove(&old.username);
            self.user_emails.remove(&old.email);
        }
        self.user_names.insert(user.username.clone(), user.id.clone());
        self.user_emails.insert(user.email.clone(), user.id.clone());
        let user = Arc::new(user);
        self.users.insert(user.id.clone(), user.clone());
        user
    }

    pub(crate) fn team(&self, place: &str, id: &str) -> Result<&v1::Team> {
        self.teams.get(id).ok_or_else(|| errors::no_team(place, id))
    }

    pub(crate) fn team_by_name(&self, name: &str) -> Option<&v1::Team> {
        self.teams.values().find(|team| team.name == name)
    }

    /// The membership, also of one who has left.
    pub(crate) fn team_member(&self, team_id: &str, user_id: &str) -> Option<&v1::TeamMember> {
        self.team_members.get(&(team_id.to_owned(), user_id.to_owned()))
    }

    pub(crate) fn is_team_member(&self, team_id: &str, user_id: &str) -> bool {
        self.team_member(team_id, user_id).is_some_and(|member| member.delete_at == 0)
    }

    /// The teams that a user is in, archived ones left out, by name.
    pub(crate) fn teams_of(&self, user_id: &str) -> Vec<&v1::Team> {
        let mut teams: Vec<_> =
            self.teams.values().filter(|team| team.delete_at == 0 && self.is_team_member(&team.id, user_id)).collect();
        teams.sort_by(|a, b| a.name.cmp(&b.name));
        teams
    }
}

/// Channels.
impl World {
    pub(crate) fn channel(&self, place: &str, id: &str) -> Result<&ChannelEntry> {
        self.channels.get(id).ok_or_else(|| errors::no_channel(place, id))
    }

    pub(crate) fn channel_mut(&mut self, place: &str, id: &str) -> Result<&mut ChannelEntry> {
        self.channels.get_mut(id).ok_or_else(|| errors::no_channel(place, id))
    }

    pub(crate) fn channel_by_name(&self, team_id: &str, name: &str) -> Option<&ChannelEntry> {
        self.channels.get(self.channel_names.get(&(team_id.to_owned(), name.to_owned()))?)
    }

    pub(crate) fn channel_member(&self, channel_id: &str, user_id: &str) -> Option<&v1::ChannelMember> {
        self.channels.get(channel_id)?.members.get(user_id)
    }

    pub(crate) fn is_channel_member(&self, channel_id: &str, user_id: &str) -> bool {
        self.channel_member(channel_id, user_id).is_some()
    }

    /// The channels that a user is in, in the order in which they were made.
    pub(crate) fn channels_of(&self, user_id: &str) -> impl Iterator<Item = (&ChannelEntry, &v1::ChannelMember)> {
        self.channels.values().filter_map(move |entry| entry.members.get(user_id).map(|member| (entry, member)))
    }
}

/// Posts.
impl World {
    /// A post that is not deleted.
    pub(crate) fn post(&self, place: &str, id: &str) -> Result<&PostEntry> {
        self.posts.get(id).filter(|entry| entry.post.delete_at == 0).ok_or_else(|| errors::no_post(place, id))
    }

    /// How many posts a thread has besides its root.
    pub(crate) fn reply_count(&self, post: &v1::Post) -> i64 {
        let root = if post.root_id.is_empty() { &post.id } else { &post.root_id };
        let alive = |id: &&String| self.posts.get(*id).is_some_and(|entry| entry.post.delete_at == 0);
        self.replies.get(root).map_or(0, |ids| ids.iter().filter(alive).count() as i64)
    }

    /// The post as it is handed out, with its reply count.
    pub(crate) fn post_out(&self, post: &Arc<v1::Post>) -> v1::Post {
        let mut out = (**post).clone();
        out.reply_count = self.reply_count(post);
        out
    }
}

/// Roles, as explicit roles and those that a scheme gives.
pub(crate) fn roles_of(explicit: &str, scheme: [(bool, &str); 3]) -> String {
    let mut seen = BTreeSet::new();
    let given = scheme.into_iter().filter(|(has, _)| *has).map(|(_, role)| role);
    explicit.split_whitespace().chain(given).filter(|role| seen.insert(role.to_string())).collect::<Vec<_>>().join(" ")
}
