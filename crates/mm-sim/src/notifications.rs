//! Mails that tell people of posts: who is mentioned, or written to directly, and is not there.

use mm_proto::plugin::v1;

use crate::events::LogLevel;
use crate::hooks::call_hook;
use crate::post_types;
use crate::server::Server;
use crate::world::World;

/// A mail about a post, as it would have been sent.
#[derive(Clone, Debug)]
pub struct EmailNotification {
    /// Whom it is for: the id of a user.
    pub recipient_id: String,
    /// His address.
    pub to: String,
    /// Which post it is about.
    pub post_id: String,
    /// What it says, after plugins have changed it.
    pub content: v1::EmailNotificationContent,
}

impl Server {
    /// The mails about posts so far, oldest first. They go nowhere.
    pub fn email_notifications(&self) -> Vec<EmailNotification> {
        self.world().email_notifications.clone()
    }

    /// Writes to those whom a post mentions, in the background: bots, who is online, and who does not want mails get none.
    /// Hook: `EmailNotificationWillBeSent`, which may change or refuse each.
    pub(crate) fn mail_about(&self, post: &v1::Post, channel: &v1::Channel, mentioned: &[String]) {
        if !self.config_flag(|config| config.email_settings.as_ref()?.send_email_notifications)
            || post_types::is_system(&post.r#type)
        {
            return;
        }
        let mails: Vec<_> = {
            let world = self.world();
            let absent = mentioned.iter().filter(|id| wants_mail(&world, id));
            absent.filter_map(|id| notification(&world, post, channel, id, &self.options().site_url)).collect()
        };
        if mails.is_empty() {
            return;
        }
        let server = self.clone();
        self.background(async move {
            for mail in mails {
                server.mail(mail).await;
            }
        });
    }

    async fn mail(&self, mut mail: v1::EmailNotification) {
        for listener in self.listeners("EmailNotificationWillBeSent") {
            let request = v1::EmailNotificationWillBeSentRequest { email_notification: Some(mail.clone()) };
            let name = "EmailNotificationWillBeSent";
            let answer =
                call_hook!(self, listener, "EmailNotificationWillBeSent", email_notification_will_be_sent, request);
            let Some(answer) = answer else { continue };
            if !answer.reason.is_empty() {
                let fields = [("hook", name.to_owned()), ("reason", answer.reason), ("user_id", mail.recipient_id)];
                self.server_log(LogLevel::Info, "A plugin cancelled a mail.", fields);
                return;
            }
            // Only the contents can be changed.
            mail.email_notification_content = answer.email_notification_content.or(mail.email_notification_content);
        }
        let mut world = self.world();
        let to = world.users.get(&mail.recipient_id).map(|user| user.email.clone()).unwrap_or_default();
        world.email_notifications.push(EmailNotification {
            recipient_id: mail.recipient_id,
            to,
            post_id: mail.post_id,
            content: mail.email_notification_content.unwrap_or_default(),
        });
    }
}

fn wants_mail(world: &World, user_id: &str) -> bool {
    let online = world.statuses.get(user_id).is_some_and(|status| status.status == "online");
    let wants = |user: &v1::User| {
        user.delete_at == 0 && !user.is_bot && user.notify_props.get("email").is_none_or(|wish| wish != "false")
    };
    !online && world.users.get(user_id).is_some_and(|user| wants(user))
}

fn notification(
    world: &World,
    post: &v1::Post,
    channel: &v1::Channel,
    recipient_id: &str,
    site_url: &str,
) -> Option<v1::EmailNotification> {
    let sender = world.users.get(&post.user_id)?;
    let team = world.teams.get(&channel.team_id).or_else(|| world.teams_of(recipient_id).first().copied());
    let team = team.cloned().unwrap_or_default();
    let (is_direct_message, is_group_message) = (channel.r#type == "D", channel.r#type == "G");
    let subject = if is_direct_message {
        format!("[Mattermost] New direct message from @{}", sender.username)
    } else {
        format!("[Mattermost] Notification in {} on {}", channel.display_name, team.display_name)
    };
    let title = format!("@{} wrote to you", sender.username);
    let content = v1::EmailNotificationContent {
        subject,
        title,
        sub_title: format!("While you were away, something was posted in {}.", channel.display_name),
        message_html: format!("<p>{}</p>", escaped(&post.message)),
        message_text: post.message.clone(),
        button_text: "Reply in Mattermost".to_owned(),
        button_url: format!("{site_url}/{}/pl/{}", team.name, post.id),
        footer_text: "You can change in your settings when you get such a mail.".to_owned(),
    };
    Some(v1::EmailNotification {
        post_id: post.id.clone(),
        channel_id: channel.id.clone(),
        team_id: channel.team_id.clone(),
        sender_id: sender.id.clone(),
        sender_display_name: format!("@{}", sender.username),
        recipient_id: recipient_id.to_owned(),
        root_id: post.root_id.clone(),
        channel_type: channel.r#type.clone(),
        channel_name: channel.display_name.clone(),
        team_name: team.display_name,
        sender_username: sender.username.clone(),
        is_direct_message,
        is_group_message,
        is_thread_reply: !post.root_id.is_empty(),
        is_crt_enabled: false,
        use_military_time: false,
        email_notification_content: Some(content),
    })
}

/// A text in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
