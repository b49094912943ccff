"""The same work as ../sdk, with grpcio and the official protobuf package in the SDK's place.

It speaks the host's contract by hand (docs/internals/process.md): the stubs are compiled from the checked-in protos when it starts.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import sys
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[3] / "proto"
LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.default_authority", "localhost")]


def compile_stubs() -> None:
    folder = tempfile.mkdtemp()
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    files = [str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto")]
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main([*arguments, *files]) != 0:
        sys.exit("the protos do not compile")
    sys.path.insert(0, folder)


def main() -> None:
    compile_stubs()
    from mattermost.host.v1 import host_pb2, host_pb2_grpc
    from mattermost.plugin.v1 import api_pb2, api_pb2_grpc, hooks_pb2, hooks_pb2_grpc

    with os.fdopen(int(os.environ["MM_PLUGIN_TOKEN_FD"])) as pipe:
        metadata = [("x-mm-token", pipe.read().strip())]
    channel = grpc.insecure_channel(f"unix:{os.environ['MM_PLUGIN_HOST_SOCKET']}", options=LIMIT)
    api = api_pb2_grpc.PluginApiStub(channel)
    ended = threading.Event()

    class Hooks(hooks_pb2_grpc.PluginHooksServicer):
        def MessageWillBePosted(self, request, context):
            request.post.message += "!"
            return hooks_pb2.MessageWillBePostedResponse(post=request.post)

        def ExecuteCommand(self, request, context):
            _, threads, calls, user_id = request.args.command.split()
            response = hooks_pb2.ExecuteCommandResponse()
            field = response.DESCRIPTOR.fields[0].name
            getattr(response, field).text = json.dumps(measure(int(threads), int(calls), user_id))
            return response

    def measure(threads: int, calls: int, user_id: str) -> dict[str, object]:
        times: list[list[float]] = [[] for _ in range(threads)]

        def work(mine: list[float]) -> None:
            for _ in range(calls):
                start = time.perf_counter()
                user = api.GetUser(api_pb2.GetUserRequest(user_id=user_id), metadata=metadata, timeout=30).user
                mine.append((time.perf_counter() - start) * 1e6)
                assert user.id == user_id

        started = time.perf_counter()
        workers = [threading.Thread(target=work, args=(mine,)) for mine in times]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {
            "seconds": time.perf_counter() - started,
            "micros": sorted(value for mine in times for value in mine),
        }

    class Process(host_pb2_grpc.PluginProcessServicer):
        def Shutdown(self, request, context):
            ended.set()
            return host_pb2.ShutdownResponse()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=LIMIT)
    hooks_pb2_grpc.add_PluginHooksServicer_to_server(Hooks(), server)
    host_pb2_grpc.add_PluginProcessServicer_to_server(Process(), server)
    checks = health.HealthServicer()
    checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    server.add_insecure_port(f"unix:{os.environ['MM_PLUGIN_SOCKET']}")
    server.start()
    host_pb2_grpc.PluginHostStub(channel).Hello(
        host_pb2.HelloRequest(
            sdk_version="0.1.0",
            protocol_version=1,
            python_version=sys.version.split()[0],
            hooks=["MessageWillBePosted", "ExecuteCommand"],
            plugin_class="grpcio",
        ),
        metadata=metadata,
    )
    ended.wait()
    server.stop(1).wait()


main()
