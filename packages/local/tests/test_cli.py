"""The command itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "torch", "numba", "httpx", "grpc", "rich.progress", "pydantic")


def test_help_imports_nothing_that_takes_time() -> None:
    code = "import sys, immichvr_local.cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in HEAVY if name in loaded]


def test_help_names_every_command(run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("up", "demo", "splat", "convert", "doctor", "models"):
        assert command in result.stdout


def test_up_without_photos_says_what_is_missing(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMMICH_URL", raising=False)
    result = run("up")
    assert result.exit_code == 2
    assert "name a folder with --photos, or an Immich server with IMMICH_URL" in result.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_folder_that_is_none_is_named(run, command: str, tmp_path) -> None:
    result = run(command, "--photos", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere: there is no such folder of photos" in result.stderr
