"""`immichvr admin` over a data directory: of a stack that does not run, and of one that does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_local.stack.data import DataDirectory


@pytest.fixture
def admin(tmp_path: Path):
    """Runs `immichvr admin` over the data directory `data`."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"IMMICHVR_DATA": str(tmp_path / "data")}
        program = Path(sys.executable).with_name("immichvr")
        return subprocess.run(
            [program, "admin", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_a_stack_that_does_not_run_is_looked_at_with_its_servers_alone(admin, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    looked = admin("verify", "--contents")
    assert (looked.returncode, looked.stdout) == (0, "0 assets, 0 files, 0 bytes are as their manifests say\n")
    assert not DataDirectory(tmp_path / "data").is_locked()


# In short, servers of its own for a command are held above, and the copy by the gateway's tests.
@pytest.mark.long
def test_a_stack_that_does_not_run_is_copied(admin, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    copy = tmp_path / "copy.tar.gz"
    assert admin("backup", str(copy)).returncode == 0
    assert copy.is_file()
    assert not DataDirectory(tmp_path / "data").is_locked()


def test_what_wants_the_gateway_stopped_is_refused_while_it_runs(admin, tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    with data.locked():
        refused = admin("rebuild")
    assert refused.returncode != 0
    assert "end what runs on" in refused.stderr


def test_where_there_is_no_stack_nothing_is_made(admin, tmp_path: Path) -> None:
    refused = admin("verify")
    assert refused.returncode != 0
    assert "name a data directory" in refused.stderr
    assert not (tmp_path / "data").exists()
