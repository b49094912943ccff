"""The official protobuf side of the tests: messages and services of the repository's proto files, by their descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[4]
SOURCE = ROOT / "python" / "src"

HOST = "mattermost.host.v1"
PLUGIN = "mattermost.plugin.v1"
API = f"{PLUGIN}.PluginApi"
HOOKS = f"{PLUGIN}.PluginHooks"


class Protocol:
    """All messages and services, made by protoc and the protobuf package alone.

    Args:
        folder: Where the compiled descriptors may be written.
        protos: The folder of the proto files: today's, or those of an earlier release.
    """

    def __init__(self, folder: Path, protos: Path = ROOT / "proto") -> None:
        out = folder / "all.binpb"
        files = sorted(str(path) for path in protos.rglob("*.proto"))
        includes = [f"-I{protos}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
        code = protoc.main(["protoc", *includes, "--include_imports", f"--descriptor_set_out={out}", *files])
        assert code == 0, "protoc refuses the proto files"
        self._pool = descriptor_pool.DescriptorPool()
        self.plugin_messages: list[str] = []
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            self._pool.Add(file)
            if file.package == PLUGIN:
                self.plugin_messages += [message.name for message in file.message_type]

    def message(self, name: str) -> Any:
        """Returns the class of a message, by its full name or by that in the plugin's package."""
        full = name if "." in name else f"{PLUGIN}.{name}"
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(full))

    def service(self, name: str) -> Any:
        """Returns the descriptor of a service."""
        return self._pool.FindServiceByName(name)

    def method(self, path: str) -> Any:
        """Returns the descriptor of a method by its gRPC path."""
        service, _, name = path.removeprefix("/").partition("/")
        return self.service(service).FindMethodByName(name)

    def types(self, path: str) -> tuple[Any, Any]:
        """Returns the classes of a method's request and response."""
        method = self.method(path)
        return self.message(method.input_type.full_name), self.message(method.output_type.full_name)
