"""Posts, reactions, emoji, files and uploads."""

from __future__ import annotations

import pytest
from sim_session import Api, World

from mattermost_plugin import Reject, Replace, errors
from mattermost_plugin.models import (
    EmailNotificationContent,
    GetFileInfosOptions,
    Post,
    Reaction,
    SearchParameter,
    SearchParams,
    UploadSession,
)


def post(api: Api, world: World, message: str, **fields: object) -> Post:
    """A new post of Anna's."""
    made: Post = api.create_post(Post(channel_id=world.square.id, user_id=world.anna.id, message=message, **fields))
    return made


def test_a_post_from_its_writing_to_its_deletion(api: Api, world: World) -> None:
    made = post(api, world, "first")
    assert world.session.taken("MessageWillBePosted")[-1][1].message == "first"
    assert world.session.taken("MessageHasBeenPosted")[-1][1].id == made.id
    assert api.get_post(made.id).message == "first"
    made.message = "second"
    assert api.update_post(made).message == "second"
    assert [it.message for it in world.session.taken("MessageWillBeUpdated")[-1][1:]] == ["second", "first"]
    assert world.session.taken("MessageHasBeenUpdated")[-1][1].message == "second"
    api.delete_post(made.id)
    assert world.session.taken("MessageHasBeenDeleted")[-1][1].id == made.id
    with pytest.raises(errors.NotFoundError):
        api.get_post(made.id)


def test_pages_threads_and_searching(api: Api, world: World) -> None:
    one, two, three = (post(api, world, f"page {name}") for name in ("one", "two", "three"))
    reply = post(api, world, "a reply", root_id=two.id)
    assert api.get_post_thread(two.id).order == [two.id] or reply.id in api.get_post_thread(two.id).posts
    assert api.get_posts_after(world.square.id, two.id, 0, 10).order == [reply.id, three.id]
    assert api.get_posts_before(world.square.id, two.id, 0, 1).order == [one.id]
    assert api.get_posts_for_channel(world.square.id, 0, 2).order == [reply.id, three.id]
    assert three.id in api.get_posts_since(world.square.id, two.create_at).posts
    found = api.search_posts_in_team(world.team.id, [SearchParams(terms="three")])
    assert three.id in [it.id for it in found]
    results = api.search_posts_in_team_for_user(
        world.team.id, world.anna.id, SearchParameter(terms="three", page=0, per_page=10)
    )
    assert three.id in results.posts


def test_what_is_read_passes_the_plugin(api: Api, world: World) -> None:
    made = post(api, world, "to be read")
    world.session.say(":read 1")
    assert made.id in [it.id for it in world.session.taken("MessagesWillBeConsumed")[-1][0]]


def test_ephemeral_posts(api: Api, world: World) -> None:
    shown = api.send_ephemeral_post(world.anna.id, Post(channel_id=world.square.id, message="only you"))
    assert shown.message == "only you"
    shown.message = "still only you"
    assert api.update_ephemeral_post(world.anna.id, shown).message == "still only you"
    api.delete_ephemeral_post(world.anna.id, shown.id)


def test_reactions(api: Api, world: World) -> None:
    made = post(api, world, "nice?")
    wave = Reaction(user_id=world.ben.id, post_id=made.id, emoji_name="wave")
    assert api.add_reaction(wave).create_at > 0
    assert world.session.taken("ReactionHasBeenAdded")[-1][1].emoji_name == "wave"
    assert [it.user_id for it in api.get_reactions(made.id)] == [world.ben.id]
    api.remove_reaction(wave)
    assert world.session.taken("ReactionHasBeenRemoved")[-1][1].emoji_name == "wave"
    assert api.get_reactions(made.id) == []


def test_emoji(api: Api, world: World) -> None:
    assert api.get_emoji_list("", 0, 10) == []
    with pytest.raises(errors.NotFoundError):
        api.get_emoji_by_name("nothing")
    with pytest.raises(errors.NotFoundError):
        api.get_emoji("nothing")
    with pytest.raises(errors.NotFoundError):
        api.get_emoji_image("nothing")


def test_files(api: Api, world: World) -> None:
    info = api.upload_file(b"content", world.square.id, "notes.txt")
    assert api.get_file_info(info.id).name == "notes.txt"
    assert api.get_file(info.id) == b"content"
    assert api.read_file(info.path) == b"content"
    assert info.id in [it.id for it in api.get_file_infos(0, 50, GetFileInfosOptions(channel_ids=[world.square.id]))]
    (copy,) = api.copy_file_infos(world.ben.id, [info.id])
    assert api.get_file(copy) == b"content"
    api.set_file_searchable_content(info.id, "what it is about")
    assert api.get_file_info(info.id).content == "what it is about"
    with pytest.raises(errors.NotSupportedByServer) as caught:
        api.get_file_link(info.id)
    assert "EnablePublicLink" in str(caught.value)
    config = api.get_config()
    config.file_settings.enable_public_link = True
    api.save_config(config)
    attached = post(api, world, "see the file", file_ids=[info.id])
    assert attached.file_ids == [info.id]
    assert info.id in api.get_file_link(info.id)


def test_uploads_in_parts(api: Api, world: World) -> None:
    session = UploadSession(
        id="u" * 26,
        type="attachment",
        user_id=world.anna.id,
        channel_id=world.square.id,
        filename="large.bin",
        file_size=6_000_000,
    )
    made = api.create_upload_session(session)
    assert api.upload_data(made, b"x" * 5_500_000) is None
    half = api.get_upload_session(made.id)
    assert half.file_offset == 5_500_000
    info = api.upload_data(half, b"x" * 500_000)
    assert (info.size, len(api.get_file(info.id))) == (6_000_000, 6_000_000)


def test_a_download_passes_the_plugin(api: Api, world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("upload") / "plan.txt"
    file.write_text("a plan")
    world.session.say(f":upload {file} look")
    (info,) = (it for it in api.get_file_infos(0, 50, GetFileInfosOptions()) if it.name == "plan.txt")
    world.session.peer.returns("FileWillBeDownloaded", "not today")
    assert "not today" in "".join(world.session.say(f":event download {info.id}"))
    world.session.peer.returns("FileWillBeDownloaded", "")
    assert world.session.say(f":event download {info.id}") == ["6 bytes"]
    _, seen, user_id, _ = world.session.taken("FileWillBeDownloaded")[-1]
    assert (seen.id, user_id) == (info.id, world.anna.id)


def test_who_is_away_gets_a_mail_which_the_plugin_may_change(api: Api, world: World) -> None:
    api.update_user_status(world.ben.id, "away")
    post(api, world, "hello @ben")
    (mail,) = world.session.taken("EmailNotificationWillBeSent")[-1]
    assert (mail.recipient_id, mail.sender_username) == (world.ben.id, "anna")
    assert mail.message_text == "hello @ben"
    world.session.peer.computes(
        "EmailNotificationWillBeSent", lambda mail: Replace(EmailNotificationContent(subject="!"))
    )
    post(api, world, "again @ben")
    assert len(world.session.taken("EmailNotificationWillBeSent")) == 2
    assert world.session.say(":event mails")[-1] == "to ben@example.com: !: "
    world.session.peer.returns("EmailNotificationWillBeSent", Reject("too many"))
    post(api, world, "once more @ben")
    assert len(world.session.taken("EmailNotificationWillBeSent")) == 3
    assert len(world.session.say(":event mails")) == 2
    world.session.peer.returns("EmailNotificationWillBeSent", None)
