"""Commands, configuration, plugins, the server itself, and what happens to it from outside."""

from __future__ import annotations

import io
import tarfile

import pytest
from sim_session import PLUGIN_ID, Api, World

from mattermost_plugin import HookRejected, errors
from mattermost_plugin.http import HttpRequest
from mattermost_plugin.models import (
    AuditRecord,
    Command,
    CommandArgs,
    CommandResponse,
    Dialog,
    FileData,
    Level,
    OAuthApp,
    OpenDialogRequest,
    PluginClusterEvent,
    PluginClusterEventSendOptions,
    SendToastMessageOptions,
    WebsocketBroadcast,
)

OTHER = """
from mattermost_plugin import *
from mattermost_plugin.http import *

class Other(Plugin):
    @hook(HookName.ServeHTTP)
    def serve_http(self, context, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, f"other saw {request.path} of {request.plugin_id}")

run_plugin(Other)
"""
MANIFEST = """{"id": "org.example.other", "name": "Other", "version": "%s", "server": {"executable": "plugin.py", "runtime": "python"}}"""


def bundle(version: str) -> bytes:
    """Another plugin, as a server takes it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in (("plugin.json", MANIFEST % version), ("plugin.py", OTHER)):
            entry = tarfile.TarInfo(f"org.example.other/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def test_another_plugin_is_installed_asked_and_removed(api: Api, world: World) -> None:
    installed = api.install_plugin(bundle("1.0.0"), False)
    assert (installed.id, installed.version) == ("org.example.other", "1.0.0")
    with pytest.raises(errors.ValidationError):
        api.install_plugin(bundle("2.0.0"), False)
    assert api.get_plugin_status("org.example.other").state == 0
    api.enable_plugin("org.example.other")
    assert api.get_plugin_status("org.example.other").state == 2
    answer = api.plugin_http(HttpRequest("GET", "/org.example.other/hello"))
    assert (answer.status_code, answer.body) == (200, f"other saw /hello of {PLUGIN_ID}".encode())
    assert api.install_plugin(bundle("2.0.0"), True).version == "2.0.0"
    assert api.get_plugin_status("org.example.other").state == 2, "it runs again"
    assert {it.id for it in api.get_plugins()} == {PLUGIN_ID, "org.example.other"}
    api.disable_plugin("org.example.other")
    world.session.say(":wait 0ms")
    assert api.get_plugin_status("org.example.other").state == 0
    assert api.plugin_http(HttpRequest("GET", "/org.example.other/hello")).status_code == 404
    api.remove_plugin("org.example.other")
    with pytest.raises(errors.NotFoundError):
        api.get_plugin_status("org.example.other")


def test_this_plugin(api: Api, world: World) -> None:
    assert api.get_plugin_id() == PLUGIN_ID
    assert api.get_bundle_path().endswith("probe")
    socket = api.get_plugin_config()["socket"]
    assert api.load_plugin_configuration()["socket"] == socket
    before = len(world.session.taken("OnConfigurationChange"))
    api.save_plugin_config({"socket": socket, "more": True})
    assert api.get_plugin_config()["more"] is True
    assert len(world.session.taken("OnConfigurationChange")) == before + 1
    api.register_collection_and_topic("a", "b")


def test_the_configuration_passes_the_plugin(api: Api, world: World) -> None:
    config = api.get_config()
    config.team_settings.site_name = "Here"
    api.save_config(config)
    assert world.session.taken("ConfigurationWillBeSaved")[-1][0].team_settings.site_name == "Here"
    assert api.get_unsanitized_config().team_settings.site_name == "Here"
    world.session.peer.raises("ConfigurationWillBeSaved", HookRejected("not so"))
    with pytest.raises(errors.PluginAPIError, match="not so"):
        api.save_config(config)
    # A failure is no refusal.
    world.session.peer.raises("ConfigurationWillBeSaved", ValueError("a mistake"))
    config.team_settings.site_name = "There"
    api.save_config(config)
    assert api.get_unsanitized_config().team_settings.site_name == "There"
    world.session.peer.returns("ConfigurationWillBeSaved", None)


def test_commands(api: Api, world: World) -> None:
    api.register_command(Command(trigger="probe", auto_complete=True))
    assert "probe" in [it.trigger for it in api.list_plugin_commands("")]
    world.session.peer.returns("ExecuteCommand", CommandResponse(text="done", response_type="ephemeral"))
    args = CommandArgs(user_id=world.anna.id, channel_id=world.square.id, team_id=world.team.id, command="/probe now")
    assert api.execute_slash_command(args).text == "done"
    assert world.session.taken("ExecuteCommand")[-1][1].command == "/probe now"
    api.unregister_command("", "probe")
    assert "probe" not in [it.trigger for it in api.list_plugin_commands("")]
    custom = api.create_command(
        Command(team_id=world.team.id, creator_id=world.anna.id, trigger="hook", url="http://example.com", method="P")
    )
    assert api.get_command(custom.id).trigger == "hook"
    custom.description = "calls out"
    assert api.update_command(custom.id, custom).description == "calls out"
    assert custom.id in [it.id for it in api.list_custom_commands(world.team.id)]
    assert {"hook", "away"} <= {it.trigger for it in api.list_commands(world.team.id)}
    assert "away" in [it.trigger for it in api.list_built_in_commands()]
    api.delete_command(custom.id)
    assert api.list_custom_commands(world.team.id) == []


def test_oauth(api: Api, world: World) -> None:
    app = api.create_oauth_app(
        OAuthApp(
            name="App", creator_id=world.anna.id, homepage="http://a.example", callback_urls=["http://a.example/x"]
        )
    )
    assert api.get_oauth_app(app.id).name == "App"
    app.name = "Other App"
    assert api.update_oauth_app(app).name == "Other App"
    api.delete_oauth_app(app.id)
    with pytest.raises(errors.NotFoundError):
        api.get_oauth_app(app.id)


def test_what_clients_are_shown(api: Api, world: World) -> None:
    api.send_toast_message(world.anna.id, "", "saved", SendToastMessageOptions(position="top-right"))
    with pytest.raises(errors.ValidationError):
        api.send_toast_message("", "", "saved", SendToastMessageOptions())
    with pytest.raises(errors.ValidationError):
        api.open_interactive_dialog(OpenDialogRequest(trigger_id="wrong", dialog=Dialog(title="t")))


def test_web_sockets(api: Api, world: World) -> None:
    world.session.say(":event connect")
    connection, user_id = world.session.taken("OnWebSocketConnect")[-1]
    assert user_id == world.anna.id
    api.publish_web_socket_event("news", {"count": 3}, WebsocketBroadcast(user_id=world.anna.id))
    world.session.say(':event send custom_wave {"to": "ben", "times": 2}')
    sender, _, request = world.session.taken("WebSocketMessageHasBeenPosted")[-1]
    assert (sender, request.action, request.data) == (connection, "custom_wave", {"to": "ben", "times": 2})
    world.session.say(":event disconnect")
    assert world.session.taken("OnWebSocketDisconnect")[-1] == (connection, world.anna.id)


def test_cluster_events(api: Api, world: World) -> None:
    options = PluginClusterEventSendOptions(send_type="reliable")
    api.publish_plugin_cluster_event(PluginClusterEvent(id="refresh", data=b"\x00\xff"), options)
    _, event = world.session.taken("OnPluginClusterEvent")[-1]
    assert (event.id, event.data) == ("refresh", b"\x00\xff")
    world.session.say(":event cluster reload from the other node")
    _, event = world.session.taken("OnPluginClusterEvent")[-1]
    assert (event.id, event.data) == ("reload", b"from the other node")


def test_the_server(api: Api, world: World) -> None:
    assert api.get_server_version().count(".") == 2
    assert api.get_system_install_date() > 0
    assert api.get_diagnostic_id() == api.get_telemetry_id()
    assert (api.get_license(), api.is_enterprise_ready()) == (None, False)
    api.request_trial_license(world.admin.id, 50, True, False)
    assert (api.get_license().is_trial, api.is_enterprise_ready()) == (True, True)
    api.send_mail("someone@example.com", "Hello", "<b>there</b>")
    with pytest.raises(errors.ValidationError):
        api.send_mail("", "Hello", "there")


def test_the_log(api: Api, world: World) -> None:
    for level, log in (
        ("debug", api.log_debug),
        ("info", api.log_info),
        ("warn", api.log_warn),
        ("error", api.log_error),
    ):
        log(f"a line of {level}", "key", "value")
        assert "key=value" in world.session.logged(f"a line of {level}")
    api.log_debug("one")
    api.log_info("more")
    api.log_warn("of")
    api.log_error("each")
    api.log_audit_rec(AuditRecord(event_name="looked", status="success"))
    world.session.logged("audit: looked")
    api.log_audit_rec_with_level(AuditRecord(event_name="changed", status="success"), Level(id=1, name="a"))
    world.session.logged("audit: changed")


def test_what_happens_to_the_server(api: Api, world: World) -> None:
    say, peer = world.session.say, world.session.peer
    say(":event limits 1000")
    assert world.session.taken("OnCloudLimitsUpdated")[-1][0].messages.history == 1000
    assert api.get_cloud_limits().messages.history == 1000
    peer.returns("RunDataRetention", 17)
    assert say(":event retention") == [f"{PLUGIN_ID} deleted 17 rows"]
    assert world.session.taken("RunDataRetention")[-1][1] == 3000
    say(":event telemetry")
    assert len(world.session.taken("OnSendDailyTelemetry")) == 1
    say(":event install")
    assert world.session.taken("OnInstall")[-1][1].user_id == world.anna.id
    peer.returns("GenerateSupportData", [FileData(filename="state.txt", body=b"all is well")])
    assert say(":event support") == ["state.txt: all is well"]
    assert len(world.session.taken("GenerateSupportData")) == 1


def test_the_plugin_stops_and_starts(api: Api, world: World) -> None:
    activations = len(world.session.taken("OnActivate"))
    world.session.say(":restart")
    assert world.session.peer.order.count("OnDeactivate") == 1
    assert len(world.session.taken("OnActivate")) == activations + 1
