//! Posts, ephemeral posts, reactions.

use mm_proto::plugin::v1;

use super::{Answer, Cx};
use crate::posts::for_plugin;
use crate::values;

fn plugin_post(post: v1::Post) -> Option<v1::Post> {
    Some(v1::Post { metadata: None, ..post })
}

fn plugin_list(mut list: v1::PostList) -> Option<v1::PostList> {
    list.posts.values_mut().for_each(|post| post.metadata = None);
    Some(list)
}

pub(super) async fn create_post(cx: &Cx, r: v1::CreatePostRequest) -> Answer<v1::CreatePostResponse> {
    let mut post = r.post.unwrap_or_default();
    post.props.insert("from_plugin".to_owned(), values::string("true"));
    let post = cx.server.create_post(&cx.caller(), post).await?;
    Ok(v1::CreatePostResponse { post: plugin_post(post) })
}

pub(super) async fn update_post(cx: &Cx, r: v1::UpdatePostRequest) -> Answer<v1::UpdatePostResponse> {
    let post = cx.server.update_post(&cx.caller(), r.post.unwrap_or_default()).await?;
    Ok(v1::UpdatePostResponse { post: plugin_post(post) })
}

pub(super) async fn delete_post(cx: &Cx, r: v1::DeletePostRequest) -> Answer<v1::DeletePostResponse> {
    cx.server.delete_post(&cx.caller(), &r.post_id, &cx.plugin_id).await?;
    Ok(v1::DeletePostResponse {})
}

pub(super) async fn get_post(cx: &Cx, r: v1::GetPostRequest) -> Answer<v1::GetPostResponse> {
    Ok(v1::GetPostResponse { post: plugin_post(cx.server.post(&r.post_id).await?) })
}

pub(super) async fn get_post_thread(cx: &Cx, r: v1::GetPostThreadRequest) -> Answer<v1::GetPostThreadResponse> {
    Ok(v1::GetPostThreadResponse { post_list: plugin_list(cx.server.post_thread(&r.post_id).await?) })
}

pub(super) async fn get_posts_since(cx: &Cx, r: v1::GetPostsSinceRequest) -> Answer<v1::GetPostsSinceResponse> {
    let list = cx.server.posts_since(&r.channel_id, r.time).await;
    Ok(v1::GetPostsSinceResponse { post_list: plugin_list(list) })
}

pub(super) async fn get_posts_after(cx: &Cx, r: v1::GetPostsAfterRequest) -> Answer<v1::GetPostsAfterResponse> {
    let list = cx.server.posts_around(&r.channel_id, &r.post_id, false, r.page, r.per_page).await?;
    Ok(v1::GetPostsAfterResponse { post_list: plugin_list(list) })
}

pub(super) async fn get_posts_before(cx: &Cx, r: v1::GetPostsBeforeRequest) -> Answer<v1::GetPostsBeforeResponse> {
    let list = cx.server.posts_around(&r.channel_id, &r.post_id, true, r.page, r.per_page).await?;
    Ok(v1::GetPostsBeforeResponse { post_list: plugin_list(list) })
}

pub(super) async fn get_posts_for_channel(
    cx: &Cx,
    r: v1::GetPostsForChannelRequest,
) -> Answer<v1::GetPostsForChannelResponse> {
    let list = cx.server.posts_page(&r.channel_id, r.page, r.per_page).await?;
    Ok(v1::GetPostsForChannelResponse { post_list: plugin_list(list) })
}

pub(super) fn search_posts_in_team(cx: &Cx, r: v1::SearchPostsInTeamRequest) -> Answer<v1::SearchPostsInTeamResponse> {
    let posts = cx.server.search_posts(&r.team_id, &r.params_list);
    Ok(v1::SearchPostsInTeamResponse { posts: posts.iter().map(for_plugin).collect() })
}

pub(super) fn send_ephemeral_post(cx: &Cx, r: v1::SendEphemeralPostRequest) -> Answer<v1::SendEphemeralPostResponse> {
    let post = cx.server.send_ephemeral(&r.user_id, r.post.unwrap_or_default());
    Ok(v1::SendEphemeralPostResponse { post: plugin_post(post) })
}

pub(super) fn update_ephemeral_post(
    cx: &Cx,
    r: v1::UpdateEphemeralPostRequest,
) -> Answer<v1::UpdateEphemeralPostResponse> {
    let post = cx.server.update_ephemeral(&r.user_id, r.post.unwrap_or_default());
    Ok(v1::UpdateEphemeralPostResponse { post: plugin_post(post) })
}

pub(super) fn delete_ephemeral_post(
    cx: &Cx,
    r: v1::DeleteEphemeralPostRequest,
) -> Answer<v1::DeleteEphemeralPostResponse> {
    cx.server.delete_ephemeral(&r.user_id, &r.post_id);
    Ok(v1::DeleteEphemeralPostResponse {})
}

pub(super) async fn add_reaction(cx: &Cx, r: v1::AddReactionRequest) -> Answer<v1::AddReactionResponse> {
    let reaction = cx.server.add_reaction(&cx.caller(), r.reaction.unwrap_or_default()).await?;
    Ok(v1::AddReactionResponse { reaction: Some(reaction) })
}

pub(super) async fn remove_reaction(cx: &Cx, r: v1::RemoveReactionRequest) -> Answer<v1::RemoveReactionResponse> {
    cx.server.remove_reaction(&cx.caller(), r.reaction.unwrap_or_default()).await?;
    Ok(v1::RemoveReactionResponse {})
}

pub(super) fn get_reactions(cx: &Cx, r: v1::GetReactionsRequest) -> Answer<v1::GetReactionsResponse> {
    Ok(v1::GetReactionsResponse { reactions: cx.server.reactions(&r.post_id) })
}

pub(super) async fn search_posts_in_team_for_user(
    cx: &Cx,
    r: v1::SearchPostsInTeamForUserRequest,
) -> Answer<v1::SearchPostsInTeamForUserResponse> {
    let search = r.search_params.unwrap_or_default();
    let params = v1::SearchParams {
        terms: search.terms.unwrap_or_default(),
        or_terms: search.is_or_search.unwrap_or_default(),
        ..Default::default()
    };
    // An empty search finds nothing.
    let mut found =
        if params.terms.trim().is_empty() { Vec::new() } else { cx.server.search_posts(&r.team_id, &[params]) };
    {
        let world = cx.server.world();
        found.retain(|post| world.is_channel_member(&post.channel_id, &r.user_id));
    }
    let page = crate::users::paged(&found, search.page.unwrap_or(0), search.per_page.unwrap_or(100));
    let order = page.iter().map(|post| post.id.clone()).collect();
    let posts = page.iter().map(|post| (post.id.clone(), post.clone())).collect();
    let list = cx.server.consumed_list(v1::PostList { order, posts, ..Default::default() }).await;
    let results = v1::PostSearchResults { post_list: plugin_list(list), ..Default::default() };
    Ok(v1::SearchPostsInTeamForUserResponse { post_search_results: Some(results) })
}
