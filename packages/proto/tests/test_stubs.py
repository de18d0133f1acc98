"""The committed stubs are what the contracts generate, and versions N and N−1 understand each other."""

import shutil
import subprocess
from pathlib import Path

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_UNSPECIFIED, JobEvent

ROOT = Path(__file__).parents[3]
BUF = ROOT / "node_modules/.bin/buf"


@pytest.mark.skipif(not BUF.exists(), reason="buf is not installed: npm ci in the project's root brings it")
def test_committed_stubs_are_what_the_contracts_generate(tmp_path: Path) -> None:
    for name in ("buf.yaml", "buf.gen.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run([BUF, "generate"], cwd=tmp_path, check=True)
    fresh = _generated(tmp_path / "packages/proto/src")
    assert fresh
    assert fresh == _generated(ROOT / "packages/proto/src"), "stubs drifted: run make proto"


def _generated(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*_pb2*.py*"))
        if "__pycache__" not in path.parts
    }


def test_todays_reader_ignores_tomorrows_fields_and_takes_unknown_states_for_unspecified() -> None:
    tomorrow = '{"jobId": "splat-a-b", "run": 1, "state": "JOB_STATE_PAUSED", "colourOfTheSky": {"hex": "#00f"}}'
    event = json_format.Parse(tomorrow, JobEvent(), ignore_unknown_fields=True)
    assert event.job_id == "splat-a-b"
    assert event.state == JOB_STATE_UNSPECIFIED
