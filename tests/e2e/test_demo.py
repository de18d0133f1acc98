"""`immichvr demo --once`: photos in, splats out, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import skimage.data
from immichvr_local.stack.leftovers import MARK
from PIL import Image

COMMAND = Path(sys.executable).with_name("immichvr")


def processes_of(data: str) -> list[psutil.Process]:
    """Every process that belongs to the stack in `data`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == data:
                found.append(process)
        except psutil.Error:  # it ends just now, or is somebody else's
            continue
    return found


def demo(photos: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "demo", "--once", "--photos", photos],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "IMMICHVR_MODELS_OFFLINE": "1"},
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(skimage.data.coffee()).resize((300, 200)).save(folder / "coffee.jpg")
    Image.fromarray(skimage.data.chelsea()).resize((300, 200)).save(folder / "cat.png")
    return folder


# In short, that each photo is asked for and counted is held by apps/local/tests/test_demo_making.py, and that the
# processes of a stack end with it by test_demo_processes.py.
@pytest.mark.long
def test_every_photo_gets_its_splat_and_nothing_is_left_behind(photos: Path) -> None:
    result = demo(photos)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "demo: 2 photos, 2 splats, 0 failed"
    data = next(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    assert not Path(data).exists()
    assert not processes_of(data)
