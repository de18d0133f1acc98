"""The service as a process of its own."""

import os
import signal
import subprocess
import sys

import grpc
from immichvr.converter.v1.converter_pb2 import ListFormatsRequest
from immichvr.converter.v1.converter_pb2_grpc import ConverterServiceStub
from immichvr_common.embedded import free_ports


def test_it_answers_calls_without_nats_and_ends_when_told(tmp_path) -> None:
    rpc_port, nats_port = free_ports(2)
    environment = {
        **os.environ,
        "IMMICHVR_CONVERTER_RPC__PORT": str(rpc_port),
        "IMMICHVR_CONVERTER_NATS__URL": f"nats://127.0.0.1:{nats_port}",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "immichvr_converter"], env=environment, stdout=log, stderr=log
        )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{rpc_port}") as channel:
            answer = ConverterServiceStub(channel).ListFormats(ListFormatsRequest(), wait_for_ready=True, timeout=30)
        assert "spz" in [one.key for one in answer.formats]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
