//! The categories of a user's sidebar in a team.

use mm_proto::plugin::v1;

use crate::channels::is_private_talk;
use crate::errors::{self, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::server::Server;
use crate::values;
use crate::world::World;

/// The categories that everybody has: type, display name and sorting.
const INITIAL: [(&str, &str, &str); 3] =
    [("favorites", "Favorites", ""), ("channels", "Channels", ""), ("direct_messages", "Direct Messages", "recent")];
/// The distance between the sort orders of neighbours.
const DISTANCE: i64 = 10;

impl Server {
    pub(crate) fn sidebar(&self, user_id: &str, team_id: &str) -> v1::OrderedSidebarCategories {
        let mut world = self.world();
        let stored = stored(&mut world, user_id, team_id).clone();
        let categories = with_channels(&world, user_id, team_id, stored);
        let order = categories.iter().map(|category| id_of(category).to_owned()).collect();
        v1::OrderedSidebarCategories { categories, order }
    }

    /// Adds a category after the favorites; its channels leave the ones where they were.
    pub(crate) fn create_sidebar_category(
        &self,
        user_id: &str,
        team_id: &str,
        new: v1::SidebarCategoryWithChannels,
    ) -> v1::SidebarCategoryWithChannels {
        let details = new.sidebar_category.unwrap_or_default();
        let category = v1::SidebarCategory {
            id: self.new_id(),
            user_id: user_id.to_owned(),
            team_id: team_id.to_owned(),
            sort_order: DISTANCE,
            r#type: "custom".to_owned(),
            collapsed: false,
            ..details
        };
        let id = category.id.clone();
        let created = v1::SidebarCategoryWithChannels { sidebar_category: Some(category), channels: new.channels };
        {
            let mut world = self.world();
            let categories = stored(&mut world, user_id, team_id);
            take_channels(categories, &created.channels);
            categories.insert(1, created.clone());
            number(categories);
        }
        let audience = Audience { team_id: Some(team_id.to_owned()), ..Audience::user(user_id) };
        self.publish("sidebar_category_created", [("category_id", values::string(id))], audience, Subject::Other);
        created
    }

    /// Changes categories: their channels, sorting, muting and collapsing, and the names of those that users made.
    pub(crate) fn update_sidebar_categories(
        &self,
        user_id: &str,
        team_id: &str,
        changed: Vec<v1::SidebarCategoryWithChannels>,
    ) -> Result<Vec<v1::SidebarCategoryWithChannels>> {
        let updated = {
            let mut world = self.world();
            let categories = stored(&mut world, user_id, team_id);
            let mut updated = Vec::new();
            for change in changed {
                let Some(at) = categories.iter().position(|known| id_of(known) == id_of(&change)) else {
                    let id = "app.channel.sidebar_categories.app_error";
                    let message = "The user has no such category.";
                    return Err(errors::app("UpdateSidebarCategories", id, NOT_FOUND, message));
                };
                take_channels(categories, &change.channels);
                let details = change.sidebar_category.unwrap_or_default();
                let known = &mut categories[at];
                if let Some(old) = &mut known.sidebar_category {
                    if old.r#type == "custom" {
                        old.display_name = details.display_name;
                    }
                    old.sorting = details.sorting;
                    old.muted = details.muted;
                    old.collapsed = details.collapsed;
                }
                known.channels = change.channels;
                updated.push(known.clone());
            }
            with_channels(&world, user_id, team_id, updated)
        };
        let audience = Audience { team_id: Some(team_id.to_owned()), ..Audience::user(user_id) };
        self.publish("sidebar_category_updated", [], audience, Subject::Other);
        Ok(updated)
    }
}

fn id_of(category: &v1::SidebarCategoryWithChannels) -> &str {
    category.sidebar_category.as_ref().map(|category| category.id.as_str()).unwrap_or_default()
}

/// What is stored of a user's categories, made at first use. Channels that are in none are not listed here.
fn stored<'a>(world: &'a mut World, user_id: &str, team_id: &str) -> &'a mut Vec<v1::SidebarCategoryWithChannels> {
    world.sidebars.entry((user_id.to_owned(), team_id.to_owned())).or_insert_with(|| {
        let category = |(at, (kind, name, sorting)): (usize, (&str, &str, &str))| v1::SidebarCategory {
            id: format!("{kind}_{user_id}_{team_id}"),
            user_id: user_id.to_owned(),
            team_id: team_id.to_owned(),
            sort_order: at as i64 * DISTANCE,
            sorting: sorting.to_owned(),
            r#type: kind.to_owned(),
            display_name: name.to_owned(),
            ..Default::default()
        };
        let categories = INITIAL.into_iter().enumerate().map(category);
        categories
            .map(|category| v1::SidebarCategoryWithChannels { sidebar_category: Some(category), channels: Vec::new() })
            .collect()
    })
}

fn take_channels(categories: &mut [v1::SidebarCategoryWithChannels], taken: &[String]) {
    for category in categories {
        category.channels.retain(|id| !taken.contains(id));
    }
}

fn number(categories: &mut [v1::SidebarCategoryWithChannels]) {
    for (at, category) in categories.iter_mut().enumerate() {
        if let Some(category) = &mut category.sidebar_category {
            category.sort_order = at as i64 * DISTANCE;
        }
    }
}

/// Adds the channels that are in no category to the default ones of their kind, and drops those that the user has left.
fn with_channels(
    world: &World,
    user_id: &str,
    team_id: &str,
    mut categories: Vec<v1::SidebarCategoryWithChannels>,
) -> Vec<v1::SidebarCategoryWithChannels> {
    let key = (user_id.to_owned(), team_id.to_owned());
    let all = world.sidebars.get(&key).map(Vec::as_slice).unwrap_or_default();
    let placed: Vec<&String> = all.iter().flat_map(|category| &category.channels).collect();
    let mut free: Vec<_> = world
        .channels_of(user_id)
        .map(|(entry, _)| &entry.channel)
        .filter(|channel| channel.delete_at == 0 && (channel.team_id.is_empty() || channel.team_id == team_id))
        .filter(|channel| !placed.contains(&&channel.id))
        .collect();
    free.sort_by_key(|channel| channel.display_name.to_lowercase());
    for category in &mut categories {
        category.channels.retain(|id| world.is_channel_member(id, user_id));
        let kind = category.sidebar_category.as_ref().map(|category| category.r#type.as_str());
        let belongs = |channel: &&&v1::Channel| match kind {
            Some("channels") => !is_private_talk(channel),
            Some("direct_messages") => is_private_talk(channel),
            _ => false,
        };
        category.channels.extend(free.iter().filter(belongs).map(|channel| channel.id.clone()));
    }
    categories
}
