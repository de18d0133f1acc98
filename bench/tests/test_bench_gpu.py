"""The GPU bench runs from source alone, whatever is installed; its figures are for docs/performance.md."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from immichvr_bench.gpu import main
from immichvr_bench.gpu_report import Bench

CPU = torch.device("cpu")
SCRIPT = Path(__file__).parents[1] / "src" / "immichvr_bench" / "gpu.py"
NEVER = ("grpc", "nats", "pydantic", "httpx", "immichvr_common", "immichvr_models", "immichvr", "fastapi", "minio")
"""What the bench must not need."""
OFTEN_MISSING = ("isal", "zstandard", "DracoPy", "pillow_heif", "defusedxml", "sharp", "depth_anything_3")

_RUN = """
import runpy, sys
from importlib.machinery import PathFinder

class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in {absent!r} else PathFinder.find_spec(name, path, target)

sys.path[:] = [entry for entry in sys.path if not entry.endswith("/src")]
sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
sys.argv = {arguments!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes out on a machine that has little."""
    report = tmp_path_factory.mktemp("bench") / "gpu.json"
    arguments = [str(SCRIPT), "--tiny", "--device", "cpu", "--json", str(report)]
    code = _RUN.format(absent=NEVER + OFTEN_MISSING, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return {"table": done.stdout, **json.loads(report.read_text())}


def test_what_is_not_installed_is_a_row_that_names_it(bare: dict[str, Any]) -> None:
    reasons = {row["name"]: row["reason"] for row in bare["rows"] if row["reason"]}
    assert "immichvr-networks[sharp]" in reasons["random weights, made on the device"]
    assert "depth_anything_3 is not installed" in reasons["da3-small: random weights, made on the device"]
    assert not any(reason.startswith("failed") for reason in reasons.values()), reasons


def test_what_needs_nothing_more_is_measured_all_the_same(bare: dict[str, Any]) -> None:
    rows = {(row["section"], row["name"].split(",")[0]): row for row in bare["rows"]}
    assert rows["SHARP", "after the network alone"]["ms"].keys() >= {"eigen", "pack"}
    assert rows["lifting", "160 x 120 photo"]["ms"]["lift"] > 0
    assert rows["video", "vda-small"]["other"]["frames/s"] > 0
    assert rows["codecs", "reading 160 x 96"]["ms"]["software, a frame"] > 0


def test_the_table_has_every_row_and_the_report_the_machine(bare: dict[str, Any]) -> None:
    for row in bare["rows"]:
        assert f"| {row['section']} | {row['name']} |" in bare["table"]
    assert bare["machine"]["torch"] and bare["machine"]["cores"] >= 1


def test_one_failed_measurement_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(CPU, small=True, deadline=time.monotonic() + 60)
    with bench.row("part", "broken"):
        raise ZeroDivisionError("no")
    with bench.row("part", "sound") as row:
        row.ms["work"] = bench.timed(lambda: None)
    broken, sound = bench.rows
    assert broken.reason == "failed: ZeroDivisionError: no" and not sound.reason and sound.ms["work"] >= 0


def test_measurements_stop_when_the_time_is_up() -> None:
    bench = Bench(CPU, small=True, deadline=time.monotonic() - 1)
    called = False

    def work() -> None:
        nonlocal called
        called = True

    with bench.row("part", "late") as row:
        row.ms["work"] = bench.timed(work)
    assert bench.rows[0].reason == "left out: the time is up" and not called


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for device in ("cpu", "cuda"):
        monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", device])
        assert main() == 1
        assert "--tiny" in capsys.readouterr().err
