"""Whole clips through the network, window by window: the depth that the reference makes of them all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from immichvr_common.tasks import MadeFile
from immichvr_video_depth.engine import WINDOW, DepthFrame, SeesPictures, run
from immichvr_video_depth.engine.frames import FloatImage, composed
from immichvr_video_depth.networks.video_depth_anything.pixels import network_size, prepared
from immichvr_video_depth.testing.engine import Still
from immichvr_video_depth.testing.golden import clip

HEIGHT, WIDTH, SHORTER = 90, 124, 84


@dataclass
class Golden(SeesPictures):
    """The network with the weights of the golden data; a window it has seen before it remembers."""

    network: Any
    metric: bool = False
    window: int = WINDOW
    key: str = "golden"
    revision: str = ""
    reason: str = ""
    seen: dict[bytes, FloatImage] = field(default_factory=dict)
    windows: list[FloatImage] = field(default_factory=list)

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> FloatImage:
        inputs = prepared(frames, network_size(HEIGHT, WIDTH, SHORTER))
        known = inputs.tobytes()
        if known not in self.seen:
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            with torch.inference_mode():
                self.seen[known] = self.network(torch.from_numpy(inputs))[0].numpy()
            torch.set_num_threads(before)
        self.windows.append(self.seen[known])
        return self.seen[known]


@dataclass
class Collected:
    """The depth of every frame, at the frame's size and in the network's units; windows: as the network gave them."""

    windows: list[FloatImage]
    maps: list[FloatImage] = field(default_factory=list)
    fits: list[tuple[float, float]] = field(default_factory=list)

    def write(self, frame: DepthFrame) -> None:
        self.maps.append(composed(frame.shares, WIDTH, HEIGHT))
        self.fits.append((frame.scale, frame.shift))

    def seal(self) -> list[Path]:
        return []

    def resume(self, parts: Sequence[Path]) -> None:
        raise NotImplementedError

    def finish(self) -> list[MadeFile]:
        return []

    def abandon(self) -> None:
        return


@pytest.fixture(scope="module")
def seen() -> dict[bytes, FloatImage]:
    return {}


def depth_of(vits: Any, seen: dict[bytes, FloatImage], count: int, metric: bool = False) -> Collected:
    def frames() -> Iterator[tuple[Still, int]]:
        for index, rgb in enumerate(clip(count, HEIGHT, WIDTH)):
            yield Still(index, Fraction(index, 25), Fraction(1, 25), rgb), 0

    model = Golden(vits, metric, seen=seen)
    made = Collected(model.windows)
    run(frames(), model, [made])
    assert len(made.maps) == count
    return made


def is_near(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> bool:
    error = np.abs(found - wanted)
    return bool(error.max() <= 5e-4 and error.mean() <= 5e-5)


def grid(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rows, columns = ([(k * side) // 8 for k in range(8)] for side in maps.shape[-2:])
    return maps[:, rows][..., columns]


def stats(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    flat = maps.reshape(len(maps), -1)
    return np.stack([flat.mean(axis=1), flat.std(axis=1), flat.min(axis=1), flat.max(axis=1)], axis=1)


def test_forty_frames_in_two_windows_are_those_of_the_reference(
    vectors: Path, vits: Any, seen: dict[bytes, FloatImage]
) -> None:
    made = depth_of(vits, seen, 40)
    assert is_near(np.stack(made.maps), np.load(vectors / "video40_vits.npz")["depth"])
    raw = np.load(vectors / "video40_raw_windows_vits.npz")
    np.testing.assert_allclose(made.fits[35], raw["scale_shift"][0], atol=1e-4)
    for number, maps in enumerate(made.windows):
        assert is_near(maps[0], raw[f"window{number}_pos0_full"])
        assert is_near(grid(maps), raw["grid"][number])
        assert is_near(stats(maps), raw["stats"][number])


def test_metres_are_faded_and_not_fitted(vectors: Path, vits: Any, seen: dict[bytes, FloatImage]) -> None:
    made = depth_of(vits, seen, 40, metric=True)
    golden = np.load(vectors / "video_other_lengths_vits.npz")
    maps = np.stack(made.maps)
    assert is_near(grid(maps), golden["n40_metric__grid"]) and is_near(stats(maps), golden["n40_metric__stats"])
    assert set(made.fits) == {(1, 0)}


# In short, one of two windows is held above.
@pytest.mark.long
@pytest.mark.parametrize("count", [1, 22, 23, 32, 45, 60])
def test_clips_of_every_length_are_those_of_the_reference(
    vectors: Path, vits: Any, seen: dict[bytes, FloatImage], count: int
) -> None:
    made = depth_of(vits, seen, count)
    golden = np.load(vectors / "video_other_lengths_vits.npz")
    maps = np.stack(made.maps)
    assert is_near(grid(maps), golden[f"n{count}__grid"])
    assert is_near(stats(maps), golden[f"n{count}__stats"])
    fits = np.array(made.fits[31::22]).reshape(-1, 2)
    np.testing.assert_allclose(fits, golden[f"n{count}__scale_shift"][: len(fits)], atol=1e-4)
    if count == 60:
        third = made.windows[2]
        assert is_near(grid(third), golden["n60__raw_window2_grid"])
        assert is_near(stats(third), golden["n60__raw_window2_stats"])
