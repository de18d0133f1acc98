"""The service as a process of its own."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import immichvr_splats
import pytest
from immichvr.converter.v1.converter_pb2 import (
    ConvertParams,
    ConvertStreamRequest,
    ConvertStreamResponse,
    ListFormatsRequest,
)
from immichvr.converter.v1.converter_pb2_grpc import ConverterServiceStub
from immichvr_common.embedded import free_ports
from immichvr_splats import read, to_bytes

_READY_S = 15.0
"""From the start to a converted file, where kernels are cached; 3 s and less on two idle cores."""


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], ConverterServiceStub]]:
    """The service without NATS, and a client of it."""
    rpc_port, nats_port = free_ports(2)
    own = {
        "IMMICHVR_CONVERTER_RPC__PORT": str(rpc_port),
        "IMMICHVR_CONVERTER_NATS__URL": f"nats://127.0.0.1:{nats_port}",
        **environment,
    }
    command = [sys.executable, "-m", "immichvr_converter"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{rpc_port}") as channel:
            yield process, ConverterServiceStub(channel)
    finally:
        process.kill()
        process.wait()


def converted(stub: ConverterServiceStub, data: bytes, timeout_s: float) -> list[ConvertStreamResponse]:
    """The answers to a conversion to .splat, once the service is there."""
    requests = [ConvertStreamRequest(params=ConvertParams(to_format="splat")), ConvertStreamRequest(chunk=data)]
    return list(stub.ConvertStream(iter(requests), wait_for_ready=True, timeout=timeout_s))


def test_it_answers_calls_without_nats_and_ends_when_told(tmp_path) -> None:
    with running(tmp_path) as (process, stub):
        answer = stub.ListFormats(ListFormatsRequest(), wait_for_ready=True, timeout=30)
        assert "spz" in [one.key for one in answer.formats]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (tmp_path / "log").read_text()


def test_it_converts_soon_after_its_start_when_kernels_are_cached(tmp_path, make_cloud) -> None:
    immichvr_splats.warm()
    started = time.monotonic()
    with running(tmp_path) as (_, stub):
        summary, *_ = converted(stub, to_bytes(make_cloud(50), "ply"), 60)
        assert time.monotonic() - started < _READY_S
        assert summary.summary.gaussians == 50


# In short, that the process which answers compiles nothing, as it loads no numba, is held by
# tests/contract/test_starts.py, and that an empty cache is filled by the last test here.
@pytest.mark.long
def test_a_cold_start_answers_at_once_and_converts_when_it_has_compiled(tmp_path, make_cloud) -> None:
    cache = tmp_path / "kernels"
    with running(tmp_path, NUMBA_CACHE_DIR=str(cache)) as (_, stub):
        formats = stub.ListFormats(ListFormatsRequest(), wait_for_ready=True, timeout=_READY_S).formats
        assert "spz" in [one.key for one in formats]
        summary, chunk = converted(stub, to_bytes(make_cloud(50), "ply"), 400)
        assert read(chunk.chunk, "splat").cloud.count == summary.summary.gaussians == 50
    assert list(cache.rglob("*.nbc")), "nothing was kept for the next start"


_READ_ONLY = "mount --bind / / && mount -o remount,ro,bind / && ! touch {probe} 2>/dev/null && exec {python} -c {code}"
_MOUNTS = ["unshare", "--mount", "sh", "-c"]


def may_mount() -> bool:
    """Whether this process may make its own file systems read-only."""
    if shutil.which("unshare") is None or not Path("/dev/shm").is_dir():
        return False
    return subprocess.run([*_MOUNTS, "mount --bind / /"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="mounting is not permitted here")
def test_with_all_else_read_only_kernels_are_kept_where_the_cache_directory_is(tmp_path) -> None:
    code = (
        "from immichvr_splats import GaussianCloud, to_bytes; import numpy as np;"
        "one = GaussianCloud(np.ones((1, 3)), np.zeros((1, 3)), np.eye(1, 4), np.zeros(1), np.zeros((1, 1, 3)));"
        "print(len(to_bytes(one, 'splat')))"
    )
    script = _READ_ONLY.format(
        probe=shlex.quote(str(tmp_path / "probe")), python=shlex.quote(sys.executable), code=shlex.quote(code)
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm") as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        done = subprocess.run([*_MOUNTS, script], env=environment, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "32", done.stderr
        assert list(Path(cache).rglob("*.nbc"))
