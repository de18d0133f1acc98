"""What stands in a line of the log, and what never does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_common.log_masks import MASK, masked, secrets_in
from immichvr_common.logs import configure_logs, get_log
from immichvr_common.settings import NatsSettings, S3Settings
from pydantic import BaseModel, SecretStr

_log = get_log(__name__)

_WRITER = """
import logging, sys, threading, warnings
from immichvr_common.logs import configure_logs, get_log
configure_logs("debug", True, "toy-maker", {"hunter2-hunter2"})
log = get_log("toys")
log.info("made", job_id="toy-1", seconds=0.5, pieces=[1, 2])
logging.getLogger("somebody.elses").warning("with %s", "words")
warnings.warn("this is old")
thread = threading.Thread(target=lambda: log.error("in a thread", password="pa ss", url="nats://ai:hunter2-hunter2@n"))
thread.start(); thread.join()
try:
    raise ValueError("refused with hunter2-hunter2")
except ValueError as error:
    log.error("failed", exc_info=error)
raise RuntimeError("x-api-key: abcdefgh")
"""


def test_whatever_is_written_is_json_of_one_schema_and_holds_no_secret() -> None:
    ran = subprocess.run([sys.executable, "-c", _WRITER], capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert (ran.returncode, ran.stdout) == (1, "")
    assert [line["event"].splitlines()[0] for line in lines][:2] == ["made", "with words"]
    assert "this is old" in lines[2]["event"]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error", "error", "critical"]
    for line in lines:
        assert line["service"] == "toy-maker"
        assert {"timestamp", "level", "event", "logger"} <= line.keys()
        assert line["timestamp"].endswith("Z")
    assert (lines[0]["job_id"], lines[0]["pieces"], lines[1]["logger"]) == ("toy-1", [1, 2], "somebody.elses")
    assert lines[3]["url"] == f"nats://ai:{MASK}@n"
    assert "Traceback" in lines[4]["exception"] and "Traceback" in lines[5]["exception"]
    assert "hunter2" not in ran.stderr and "abcdefgh" not in ran.stderr


@pytest.mark.parametrize(
    "line",
    [
        '{"headers": {"authorization": "Bearer abc.def"}}',
        "Authorization: Basic YWJjLmRlZg==",
        "GET /api/photos?apiKey=abc.def&size=2",
        "{'x-api-key': 'abc.def'}",
        '{"event": "said \\"password\\": \\"abc.def\\""}',
        "cookie: immich_access_token=abc.def; other=1",
        "postgres://ada:abc.def@host/db",
        "nats://abc.def@host:4222",
        "redis://:abc.def@host",
        "nats://ada:x@abc.def@host",
        "session_token = abc.def",
        "secret_key='abc.def'",
    ],
)
def test_what_is_named_as_a_credential_is_masked(line: str) -> None:
    told = masked(line)
    assert MASK in told
    assert not {"abc.def", "YWJjLmRlZg=="} & {*told.replace("=", " ").replace(":", " ").split()}
    assert "abc.def" not in told and "YWJj" not in told


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "metrics are for who shows their token", "port": 9100}',
        '{"event": "job ended", "job_id": "splat-1-2", "trace_id": "0af7651916cd43dd8448eb211c80319c"}',
        "http://127.0.0.1:8333/immichvr/splats/a_b",
        "http://immich/people/ada@home",
        '{"url":"http://immich:2283","mail":"ada@home"}',
    ],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    assert masked(line, {"a secret of ours"}) == line


@pytest.mark.parametrize("value", [None, True, 12345678, "12345678", ["one"], {"inner": 7}, ""])
def test_what_is_masked_in_json_is_json_still(value: object) -> None:
    line = masked(json.dumps({"facts": {"password": value, "token": value}}))
    assert json.loads(line)["facts"].keys() == {"password", "token"}
    assert "12345678" not in line


def test_a_secret_that_json_spells_otherwise_is_masked_too() -> None:
    secret = 'two\nlines and "quotes"'
    assert masked(json.dumps({"event": f"with {secret}"}), {secret}) == json.dumps(
        {"event": f"with {MASK}"}, ensure_ascii=False
    )


def test_the_secrets_of_settings_are_found_wherever_they_are() -> None:
    class Caller(BaseModel):
        token: SecretStr

    class Settings(BaseModel):
        nats: NatsSettings
        s3: S3Settings
        callers: dict[str, Caller]

    settings = Settings(
        nats=NatsSettings(password=SecretStr("of the bus")),
        s3=S3Settings(access_key=SecretStr("tiny"), secret_key=SecretStr("of storage")),
        callers={"viewer": Caller(token=SecretStr("of a caller"))},
    )
    assert secrets_in(settings) == {"of the bus", "of storage", "of a caller"}


def test_a_child_writes_its_log_as_its_parent_does(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from immichvr_common.logs import configure_logs
from immichvr_common.processes.pool import ChildPool
from immichvr_common.tasks import Task
async def main():
    configure_logs("info", True, "toy-maker")
    pool = ChildPool("immichvr_common.testing.trial:perform")
    await pool.run(Task("depth", {"do": "log"}, {}, Path(sys.argv[1])), lambda *_: None, 60)
    pool.close()
asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    [line] = [json.loads(one) for one in ran.stderr.splitlines()]
    assert (line["event"], line["service"], line["level"]) == ("a word of a child", "toy-maker", "info")


def test_grpc_writes_nothing_past_the_log() -> None:
    code = """
import asyncio
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
async def main():
    first = RpcServer(RpcSettings(port=0), lambda server: None, [])
    try:
        RpcServer(RpcSettings(port=first.port), lambda server: None, [])
    except RuntimeError:
        print("taken")
asyncio.run(main())
"""
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert (ran.stdout, ran.stderr) == ("taken\n", "")


@pytest.mark.parametrize("written", [True, False])
def test_how_a_test_has_the_log_written_is_its_own_affair(capsys: pytest.CaptureFixture[str], written: bool) -> None:
    if written:
        configure_logs("error", True, "toy-maker")
    _log.warning("a word of the next test")
    assert ("a word of the next test" in capsys.readouterr().out) is not written
