"""One stack's directory: held by one process, private, remembering."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory

HOLDING = """
import sys
from pathlib import Path
from immichvr_local.stack.data import DataDirectory
with DataDirectory(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_two_processes_cannot_hold_one_directory_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(CommandError, match=rf"already running on {tmp_path} \(process {holder.pid}\)"),
            DataDirectory(tmp_path).locked(),
        ):
            pass
        holder.kill()
    with DataDirectory(tmp_path).locked():
        pass


def test_secrets_are_private_and_stay_the_same(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    path, secret = data.secret_file("nats-ai"), data.secret("nats-ai")
    assert mode(data.root) == 0o700
    assert mode(path.parent) == 0o700
    assert mode(path) == 0o600
    assert len(secret) >= 40
    assert DataDirectory(tmp_path / "data").secret("nats-ai") == secret
    assert data.secret("nats-gateway") != secret


def test_state_is_private_and_remembered(tmp_path: Path) -> None:
    DataDirectory(tmp_path).remember({"ports": {"nats": 23456}})
    assert mode(tmp_path / "state.json") == 0o600
    assert DataDirectory(tmp_path).remembered() == {"ports": {"nats": 23456}}


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_damaged_state_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert DataDirectory(tmp_path).remembered() == {}


def test_the_last_log_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    data.log("ai").write_text("first")
    assert data.log("ai").read_text() == ""
    assert (data.logs / "ai.log.1").read_text() == "first"


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="file/data: Not a directory"):
        DataDirectory(tmp_path / "file" / "data")


def test_what_lies_in_a_directory_for_everybody_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    DataDirectory(tmp_path)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == dict.fromkeys(
        ("logs", "secrets", "work", "cache", "nats", "s3"), 0o700
    )
