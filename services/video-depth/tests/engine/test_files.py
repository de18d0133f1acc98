"""A real video to its real files, broken off and taken up: every byte is as if nothing had happened."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_video import VideoReader, shots
from immichvr_video.testing.clips import Clip as Made
from immichvr_video.testing.clips import make_clip
from immichvr_video.testing.films import difference
from immichvr_video_depth.engine import Checkpoints, Summary, run
from immichvr_video_depth.outputs import WANTED_BY_VIEWER, Clip, Maker, open_outputs
from immichvr_video_depth.testing.engine import CostFree

COUNT, CUT = 90, 50


class Killed(BaseException):
    pass


class Mortal(CostFree):
    """Takes the process with it in a window that takes until the next checkpoint is kept."""

    def __init__(self, dies_in: int, slow: bool) -> None:
        super().__init__(slow=slow)
        self.dies_in, self.is_kept = dies_in, threading.Event()

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        if self.calls + 1 == self.dies_in:
            assert self.is_kept.wait(60)
            raise Killed
        return super().infer(frames)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with a cut, sound, and frames of different lengths."""
    times = [Fraction(number, 30) + Fraction(number % 3, 200) for number in range(COUNT)]
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, Made(COUNT, times=times, sound="aac", cuts=(CUT,)))


def made(clip: Path, folder: Path, kept: dict[str, Path], dies_in: int = 0, slow: bool = True) -> Summary:
    """One try. kept: what tries leave to those after them."""
    folder.mkdir()
    model = Mortal(dies_in, slow)

    def keep(name: str, path: Path) -> None:
        kept[name] = Path(shutil.copy(path, clip.parent / f"{folder.name}-{name}"))
        if name == "checkpoint.npz":
            model.is_kept.set()

    with VideoReader(clip) as reader:
        maker = Maker(model.key, model.revision, model.metric)
        outputs = open_outputs(WANTED_BY_VIEWER, folder, Clip.of(reader), maker)
        return run(shots(reader), model, outputs, Checkpoints("work", folder, keep, dict(kept), every_s=0))


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path.name, path.read_bytes()


@pytest.mark.parametrize(("slow", "deaths"), [(True, (2, 3)), (False, (2,))])
def test_files_of_a_video_that_was_broken_off_are_the_same_to_the_byte(
    clip: Path, tmp_path: Path, slow: bool, deaths: tuple[int, ...]
) -> None:
    whole = made(clip, tmp_path / "whole", {}, slow=slow)
    expected = dict(contents(tmp_path / "whole"))
    assert {"depth.mp4", "depth.json", "rgbd.mp4", "poster.webp", "strip.webp"} == set(expected)
    kept: dict[str, Path] = {}
    for dies_in in deaths:
        with pytest.raises(Killed):
            made(clip, tmp_path / f"dies-in-{dies_in}", kept, dies_in, slow)
    done = made(clip, tmp_path / "done", kept, slow=slow)
    assert {name for name, _ in contents(tmp_path / "done")} == set(expected)
    for name in expected:
        assert not difference(tmp_path / "done" / name, tmp_path / "whole" / name)
    assert done.before >= 1 and done.before + done.windows == whole.windows
    with VideoReader(clip) as reader:
        times = [1000 * float(frame.time) for frame in reader]
    told = json.loads(expected["depth.json"])["frames"]
    np.testing.assert_allclose([one["time_ms"] for one in told], times, atol=0.001)
    assert [one["shot"] for one in told] == [0] * CUT + [1] * (COUNT - CUT)


def test_what_is_abandoned_leaves_no_file(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        made(clip, tmp_path / "dies", {}, dies_in=3)
    assert not dict(contents(tmp_path / "dies"))
