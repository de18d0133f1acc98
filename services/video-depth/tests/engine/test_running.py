"""A video from its frames to its outputs: complete, in order, bounded, and never stuck."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_video import EmptyVideo
from immichvr_video_depth.engine import DepthFrame, run
from immichvr_video_depth.engine.checkpoints import Place
from immichvr_video_depth.engine.frames import Output
from immichvr_video_depth.engine.running import _Encoding, _Lanes
from immichvr_video_depth.engine.seals import Seals
from immichvr_video_depth.engine.stages import Seam
from immichvr_video_depth.testing.engine import HEIGHT, WIDTH, CostFree, Journal, Still, video


@pytest.mark.parametrize("window", [32, 1])
@pytest.mark.parametrize("shots", [(1,), (2,), (22,), (23,), (32,), (54,), (77,), (5, 40, 1, 32, 22)])
def test_every_frame_comes_once_in_order_with_its_own_picture(
    tmp_path: Path, shots: tuple[int, ...], window: int
) -> None:
    journal = Journal(tmp_path)
    done = run(video(*shots), CostFree(window), [journal])
    expected = list(video(*shots))
    assert [(frame.index, frame.time, frame.shot) for frame in journal.frames] == [
        (moment.index, moment.time, shot) for moment, shot in expected
    ]
    assert all(
        np.array_equal(frame.rgb, moment.rgb) for frame, (moment, _) in zip(journal.frames, expected, strict=True)
    )
    assert (done.frames, done.shots) == (sum(shots), len(shots))
    assert [file.name for file in done.files] == ["journal.txt"]


def test_a_video_without_frames_is_refused_in_words(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(EmptyVideo, match="no frame"):
        run(iter(()), CostFree(), [journal])
    assert journal.abandoned


def test_nothing_of_one_shot_is_in_another(tmp_path: Path) -> None:
    """A shot's depth is the same whatever comes before and after it."""
    journal = Journal(tmp_path)
    run(video(40, 30, 50), CostFree(), [journal])
    alone = Journal(tmp_path)
    run(((moment, 0) for moment, shot in video(40, 30, 50) if shot == 1), CostFree(), [alone])
    within = [frame for frame in journal.frames if frame.shot == 1]
    assert len(within) == 30
    for one, other in zip(within, alone.frames, strict=True):
        assert np.array_equal(one.at(WIDTH, HEIGHT), other.at(WIDTH, HEIGHT))
        assert (one.low, one.high) == (other.low, other.high)


def test_frames_of_a_metric_model_have_disparity_in_one_by_metres(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    run(video(40), CostFree(metric=True), [journal])
    frame, (moment, _) = journal.frames[3], list(video(40))[3]
    metres = CostFree(metric=True).infer([moment.rgb])[0]
    np.testing.assert_allclose(frame.disparity, 1 / np.maximum(metres, 1e-2), rtol=1e-6)
    assert frame.low < np.median(frame.disparity) < frame.high


def test_values_are_between_nought_and_one_and_can_be_put_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    run(video(60), CostFree(), [journal])
    for frame in journal.frames:
        values, disparity = frame.values(WIDTH, HEIGHT), frame.at(WIDTH, HEIGHT)
        assert values.min() >= 0 and values.max() <= 1
        inside = (values > 0) & (values < 1)
        np.testing.assert_allclose(frame.low + values[inside] * (frame.high - frame.low), disparity[inside], atol=1e-5)


@pytest.mark.parametrize("window", [32, 1])
def test_what_is_held_does_not_grow_with_the_length(tmp_path: Path, window: int) -> None:
    alive: set[weakref.ref[Still]] = set()
    most = 0

    def watched(count: int) -> Iterator[tuple[Still, int]]:
        nonlocal most
        for moment, shot in video(count):
            alive.add(weakref.ref(moment, alive.discard))
            most = max(most, len(alive))
            yield moment, shot

    class Forgetful(Journal):
        def write(self, frame: DepthFrame) -> None:
            super().write(frame)
            self.frames, self.lines = [], []

    run(watched(400), CostFree(window), [Forgetful(tmp_path)])
    assert most <= 140  # two windows on their way, one being aligned, and a few frames between the stages


def test_one_shot_has_maps_of_one_size_though_memory_ran_out_for_some_of_its_frames(tmp_path: Path) -> None:
    class Short(CostFree):
        def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
            maps = super().infer(frames)
            return np.ascontiguousarray(maps[:, ::2, ::2]) if self.calls % 4 == 2 else maps

    journal = Journal(tmp_path)
    run(video(100, 30), Short(window=1), [journal])
    assert {frame.disparity.shape for frame in journal.frames} == {(HEIGHT // 2, WIDTH // 2)}


@pytest.mark.parametrize(("window", "most"), [(32, 10), (1, 20)])
def test_few_pictures_are_held_at_the_size_of_the_video(tmp_path: Path, window: int, most: int) -> None:
    alive: set[int] = set()
    counts: list[int] = []

    def watched() -> Iterator[tuple[Still, int]]:
        for moment, shot in video(200):
            alive.add(moment.index)
            weakref.finalize(moment.rgb, alive.discard, moment.index)
            counts.append(len(alive))
            yield moment, shot

    class Small(CostFree):
        def prepared(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            return rgb if self.window == 1 else rgb[::2, ::2].copy()

        def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
            return np.stack([frame.mean(axis=2, dtype=np.float32) for frame in frames])

    run(watched(), Small(window), [Journal(tmp_path)], shown=lambda rgb: rgb[::4, ::4].copy())
    assert max(counts) <= most


@pytest.mark.parametrize("window", [32, 1])
def test_large_frames_wait_in_smaller_numbers_and_all_come_through(
    tmp_path: Path, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large they are, a window and the frames that it knows have a place: nothing gets stuck."""
    monkeypatch.setattr("immichvr_video_depth.engine.running._MOST_BYTES", 1)
    alive: set[int] = set()
    counts: list[int] = []

    def watched() -> Iterator[tuple[Still, int]]:
        for moment, shot in video(200, 1, 60):
            alive.add(moment.index)
            weakref.finalize(moment.rgb, alive.discard, moment.index)
            counts.append(len(alive))
            yield moment, shot

    class Forgetful(Journal):
        def write(self, frame: DepthFrame) -> None:
            super().write(frame)
            self.frames, self.lines = [], []

    assert run(watched(), CostFree(window), [Forgetful(tmp_path)]).frames == 261
    assert max(counts) <= 48 + 2


class Broken(Exception):
    pass


@pytest.mark.parametrize("stage", ["decode", "infer", "write", "seal", "finish", "progress"])
def test_what_fails_anywhere_ends_all_and_leaves_nothing_running(tmp_path: Path, stage: str) -> None:
    def frames() -> Iterator[tuple[Still, int]]:
        for moment, shot in video(300):
            if stage == "decode" and moment.index == 150:
                raise Broken
            yield moment, shot

    class Failing(Journal):
        def write(self, frame: DepthFrame) -> None:
            super().write(frame)
            if stage == "write" and frame.index == 100:
                raise Broken

        def seal(self) -> list[Path]:
            if stage == "seal":
                raise Broken
            return super().seal()

        def finish(self) -> list:  # type: ignore[type-arg]
            if stage == "finish":
                raise Broken
            return super().finish()

    class FailingModel(CostFree):
        def infer(self, frames):  # type: ignore[no-untyped-def]
            if stage == "infer" and self.calls == 3:
                raise Broken
            return super().infer(frames)

    def progress(done_s: float) -> None:
        if stage == "progress":
            raise Broken

    before = set(threading.enumerate())
    journals = [Failing(tmp_path), Journal(tmp_path)]
    with pytest.raises(Broken):
        run(frames(), FailingModel(), journals, progress=progress)
    assert all(journal.abandoned for journal in journals)
    assert set(threading.enumerate()) <= before


def test_progress_never_goes_back_and_reaches_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    run(video(100), CostFree(), [Journal(tmp_path)], progress=told.append)
    assert told[-1] == 99 / 25 and all(early <= late for early, late in pairwise(told))


def test_each_stage_tells_how_long_it_worked(tmp_path: Path) -> None:
    done = run(video(60), CostFree(), [Journal(tmp_path)])
    assert set(done.timings) == {"decoded", "inferred", "aligned", "encoded"}
    assert all(seconds >= 0 for seconds in done.timings.values())


def test_an_output_that_has_failed_is_given_nothing_more(tmp_path: Path) -> None:
    def fail(_: Output) -> None:
        raise Broken

    with pytest.raises(Broken), _Lanes([Journal(tmp_path), Journal(tmp_path)]) as lanes:
        assert all(isinstance(one.exception(10), Broken) for one in lanes.submit(fail))
        lanes.submit(lambda output: pytest.fail("nobody may do this"))


def test_what_waits_to_be_written_is_dropped_where_the_work_ends_before_a_seal(tmp_path: Path) -> None:
    made = Journal(tmp_path)
    run(video(4), CostFree(), [made])
    begun, may_end = threading.Event(), threading.Event()

    class Slow(Journal):
        def write(self, frame: DepthFrame) -> None:
            begun.set()
            may_end.wait(10)
            super().write(frame)

    def depth() -> Iterator[DepthFrame | Seam]:
        yield from made.frames
        yield Seam(Place(), {})
        begun.wait(10)
        threading.Timer(0.3, may_end.set).start()
        raise Broken

    slow = Slow(tmp_path)
    with pytest.raises(Broken):
        list(_Encoding([slow], None, Place(), Seals(CostFree(), is_begun=False))(depth()))
    assert len(slow.frames) == 1
