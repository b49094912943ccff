"""No plugin but its place: the process becomes the Rust program of `PLUGIN_BENCH_ECHO`, which speaks the host's protocol itself."""

import os

os.execv(os.environ["PLUGIN_BENCH_ECHO"], ["mm-bench", "echo-plugin"])  # noqa: S606
