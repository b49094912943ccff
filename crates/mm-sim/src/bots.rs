//! Bots: users that a plugin or a person owns.

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::post_types;
use crate::server::Server;
use crate::users::paged;
use crate::validate;

/// Where `EnsureBotUser` remembers the plugin's bot, in the plugin's own key-value store.
const BOT_KEY: &str = "mmi_botid";

fn no_bot(user_id: &str) -> mm_proto::ApiError {
    errors::app_with(
        "SqlBotStore.Get",
        "store.sql_bot.get.missing.app_error",
        NOT_FOUND,
        "There is no bot with this id.",
        format!("user_id={user_id}"),
    )
}

impl Server {
    /// `CreateBot`: owned by the plugin unless it names somebody, who is told by a direct message.
    pub(crate) async fn create_bot(&self, plugin_id: &str, mut bot: v1::Bot) -> Result<v1::Bot> {
        if bot.owner_id.is_empty() {
            plugin_id.clone_into(&mut bot.owner_id);
        }
        if self.world().users.get(&bot.owner_id).is_some_and(|owner| owner.is_bot) {
            let message = "A bot cannot own another bot.";
            return Err(errors::app("CreateBot", "plugin_api.bot_cant_create_bot", BAD_REQUEST, message));
        }
        let bot = self.store_bot(bot)?;
        let owner = self.world().users.contains_key(&bot.owner_id);
        if owner {
            let caller = self.caller();
            let channel = self.direct_channel(&caller, &bot.user_id, &bot.owner_id).await?;
            let post = v1::Post {
                channel_id: channel.id,
                user_id: bot.user_id.clone(),
                r#type: post_types::ADD_BOT.to_owned(),
                message: "Add me to the teams and channels that I am to work in.".to_owned(),
                ..Default::default()
            };
            self.create_post(&caller, post).await?;
        }
        Ok(bot)
    }

    fn store_bot(&self, mut bot: v1::Bot) -> Result<v1::Bot> {
        validate::bot(&bot)?;
        let mut world = self.world();
        let user = self.store_new_user(&mut world, user_of(&bot), "CreateBot")?;
        bot.user_id.clone_from(&user.id);
        bot.create_at = user.create_at;
        bot.update_at = user.create_at;
        bot.delete_at = 0;
        world.bots.insert(bot.user_id.clone(), bot.clone());
        Ok(bot)
    }

    /// `EnsureBotUser`: the id of the plugin's bot, made or brought up to date.
    pub(crate) async fn ensure_bot(&self, plugin_id: &str, mut bot: v1::Bot) -> Result<String> {
        if bot.username.is_empty() {
            return Err(errors::plain("the bot has no username"));
        }
        plugin_id.clone_into(&mut bot.owner_id);
        let now = self.now();
        let known = {
            let world = self.world();
            let stored = world.kv.get(plugin_id).and_then(|kv| kv.get(BOT_KEY, now));
            let id = stored.map(|id| String::from_utf8_lossy(id).into_owned());
            id.filter(|id| world.bots.contains_key(id))
        };
        if let Some(id) = known {
            let patch = v1::BotPatch {
                username: Some(bot.username),
                display_name: Some(bot.display_name),
                description: Some(bot.description),
            };
            let failed = |error| errors::plain(format!("the bot could not be changed: {}", errors::text(&error)));
            self.patch_bot(&id, &patch).map_err(failed)?;
            return Ok(id);
        }
        let existing = self.world().user_by_name(&bot.username).map(|user| (user.id.clone(), user.is_bot));
        let id = match existing {
            // A person's account is used as it is, and not remembered as a bot.
            Some((id, false)) => return Ok(id),
            Some((id, true)) => id,
            None => {
                let failed = |error| errors::plain(format!("the bot could not be made: {}", errors::text(&error)));
                self.create_bot(plugin_id, bot).await.map_err(failed)?.user_id
            }
        };
        let value = id.clone().into_bytes().into();
        let mut world = self.world();
        world.kv.entry(plugin_id.to_owned()).or_default().set(plugin_id, BOT_KEY, value, &Default::default(), now)?;
        drop(world);
        Ok(id)
    }

    pub(crate) fn bot(&self, user_id: &str, include_deleted: bool) -> Result<v1::Bot> {
        let world = self.world();
        let bot = world.bots.get(user_id).filter(|bot| include_deleted || bot.delete_at == 0);
        bot.cloned().ok_or_else(|| no_bot(user_id))
    }

    pub(crate) fn bots(&self, options: &v1::BotGetOptions) -> Vec<v1::Bot> {
        let world = self.world();
        let orphaned = |bot: &v1::Bot| world.users.get(&bot.owner_id).is_some_and(|owner| owner.delete_at != 0);
        let mut bots: Vec<_> = world
            .bots
            .values()
            .filter(|bot| options.include_deleted || bot.delete_at == 0)
            .filter(|bot| options.owner_id.is_empty() || bot.owner_id == options.owner_id)
            .filter(|bot| !options.only_orphaned || orphaned(bot))
            .cloned()
            .collect();
        bots.sort_by(|a, b| (a.create_at, &a.username).cmp(&(b.create_at, &b.username)));
        paged(&bots, options.page, options.per_page).to_vec()
    }

    pub(crate) fn patch_bot(&self, user_id: &str, patch: &v1::BotPatch) -> Result<v1::Bot> {
        let old = self.bot(user_id, true)?;
        let mut bot = old.clone();
        for (field, value) in [
            (&mut bot.username, &patch.username),
            (&mut bot.display_name, &patch.display_name),
            (&mut bot.description, &patch.description),
        ] {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        if bot == old {
            return Ok(old);
        }
        validate::bot(&bot)?;
        bot.update_at = self.now();
        let saved = {
            let mut world = self.world();
            let user = world.user("PatchBot", user_id)?.clone();
            let new = user_of(&bot);
            let user = v1::User {
                username: new.username,
                email: new.email,
                first_name: new.first_name,
                bot_description: new.bot_description,
                update_at: bot.update_at,
                ..(*user).clone()
            };
            self.check_names_free(&world, &user, "PatchBot")?;
            world.bots.insert(user_id.to_owned(), bot.clone());
            world.put_user(user)
        };
        self.announce_user(&saved);
        Ok(bot)
    }

    pub(crate) fn set_bot_active(&self, user_id: &str, active: bool) -> Result<v1::Bot> {
        self.world().user("PatchBot", user_id)?;
        self.bot(user_id, true)?;
        self.set_user_active(user_id, active)?;
        let now = self.now();
        let mut world = self.world();
        let bot = world.bots.get_mut(user_id).ok_or_else(|| no_bot(user_id))?;
        if active != (bot.delete_at == 0) {
            bot.delete_at = if active { 0 } else { now };
            bot.update_at = now;
        }
        Ok(bot.clone())
    }

    /// `PermanentDeleteBot`: the bot and its user are gone, its posts stay.
    pub(crate) fn delete_bot(&self, user_id: &str) -> Result<()> {
        let mut world = self.world();
        if world.bots.shift_remove(user_id).is_none() {
            return Ok(());
        }
        if let Some(user) = world.users.shift_remove(user_id) {
            world.user_names.remove(&user.username);
            world.user_emails.remove(&user.email);
        }
        world.team_members.retain(|(_, member), _| member != user_id);
        for entry in world.channels.values_mut() {
            entry.members.shift_remove(user_id);
        }
        Ok(())
    }

    /// The bot in whose name the server itself speaks. There is one as soon as there is an administrator.
    pub(crate) fn system_bot(&self) -> Option<String> {
        let (owner, known) = {
            let world = self.world();
            let known = world.user_by_name("system-bot").map(|user| user.id.clone());
            let admin = world.users.values().find(|user| user.roles.split(' ').any(|role| role == "system_admin"));
            (admin.map(|user| user.id.clone()), known)
        };
        let owner = owner?;
        let bot = v1::Bot {
            username: "system-bot".to_owned(),
            display_name: "System".to_owned(),
            owner_id: owner,
            ..Default::default()
        };
        known.or_else(|| self.store_bot(bot).ok().map(|bot| bot.user_id))
    }
}

fn user_of(bot: &v1::Bot) -> v1::User {
    v1::User {
        username: bot.username.clone(),
        email: format!("{}@localhost", bot.username),
        first_name: bot.display_name.clone(),
        roles: "system_user".to_owned(),
        is_bot: true,
        bot_description: bot.description.clone(),
        ..Default::default()
    }
}
