"""A shot in windows: the same frames, frame by frame, as the reference picks from a whole clip."""

import json
from pathlib import Path

from immichvr_video_depth.engine.windows import KEYS, STEP, WINDOW, Apart, Overlapping, Window


def cut(cutter: Overlapping[int] | Apart[int], count: int, first: int = 0) -> list[Window[int]]:
    pushed = [cutter.push(frame) for frame in range(first, count)]
    return [window for window in pushed if window is not None] + cutter.end()


def test_every_window_is_fed_the_frames_that_the_reference_feeds_it(vectors: Path) -> None:
    for count, windows in json.loads((vectors / "windows.json").read_text()).items():
        assert [list(window.inputs) for window in cut(Overlapping(), int(count))] == windows, count


def test_a_window_comes_as_soon_as_its_last_frame_does() -> None:
    cutter = Overlapping[int]()
    full = [frame for frame in range(100) if cutter.push(frame) is not None]
    assert full == [31, 53, 75, 97]


def test_every_frame_is_fresh_once_and_in_order() -> None:
    for cutter in (Overlapping[int], Apart[int]):
        for count in (1, 22, 23, 32, 33, 54, 76, 77, 100):
            assert [frame for window in cut(cutter(), count) for frame in window.fresh] == list(range(count))


def test_a_shot_without_frames_has_no_window() -> None:
    assert not cut(Overlapping(), 0) and not cut(Apart(), 0)


def test_windows_go_on_where_they_were_left() -> None:
    whole = cut(Overlapping(), 100)
    for done in range(1, len(whole)):
        keys = [whole[done - 1].inputs[key] for key in KEYS]
        rest = cut(Overlapping(done, keys), 100, first=min(WINDOW + STEP * (done - 1), 100))
        assert rest == whole[done:]
