"""What a plugin in the simulator learns of its server: the version it claims, and which methods are simulated."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import ROOT, Play

PLUGIN = """
from mattermost_plugin import Plugin, hook, run_plugin
from mattermost_plugin.errors import NotSupportedByServer


class Curious(Plugin):
    @hook
    def on_activate(self) -> None:
        self.logger.info("version %s", self.server.version)
        names = ["GetUser", "GetGroups", "get_groups", "SendToastMessage"]
        self.logger.info("supports %s", [self.api.supports(name) for name in names])
        try:
            self.api.get_file_link("f1")
        except NotSupportedByServer as error:
            # Switched off in the configuration, which is no lack of the server's version.
            self.logger.info("needs %r, still %s", error.needs, self.api.supports("get_file_link"))

    @hook
    async def message_has_been_posted(self, context, post) -> None:
        supported = [await self.aio.supports("GetUser"), await self.aio.supports("GetGroups")]
        self.logger.info("%s %s", await self.aio.server_version(), supported)


if __name__ == "__main__":
    run_plugin(Curious)
"""


def test_a_plugin_can_ask_what_the_server_has(play: Play, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    folder.mkdir()
    manifest = {
        "id": "org.example.curious",
        "name": "Curious",
        "version": "1.0.0",
        "server": {"executable": "plugin.py"},
    }
    (folder / "plugin.json").write_text(json.dumps(manifest))
    (folder / "plugin.py").write_text(PLUGIN)
    played = play(folder, "hello\n")
    assert played.exit_code == 0, played.log
    version = json.loads((ROOT / "surface" / "surface.json").read_text())["upstream"]["version"]
    assert f"version {version}" in played.log
    assert "supports [True, True, True, True]" in played.log
    assert "needs '', still True" in played.log
    assert f"{version} [True, True]" in played.log
