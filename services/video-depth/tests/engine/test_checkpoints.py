"""Work that is broken off goes on where it was, and nobody can tell from what it made."""

from __future__ import annotations

import errno
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from immichvr_video_depth.engine import Checkpoints, DepthFrame, Summary, run
from immichvr_video_depth.engine.checkpoints import Place
from immichvr_video_depth.testing.engine import CostFree, Journal, video


class Killed(BaseException):
    pass


class Mortal(Journal):
    """Dies with the process when the frame of this index is written."""

    dies_at = -1

    def write(self, frame: DepthFrame) -> None:
        if frame.index == self.dies_at:
            raise Killed
        super().write(frame)


class EverySecond(Checkpoints):
    """Those that are due at every second seal."""

    asked = 0

    def is_due(self) -> bool:
        self.asked += 1
        return self.asked % 2 == 0


class Store:
    """What outlives a process, and the processes that try the same work one after the other."""

    def __init__(self, folder: Path, kind: type[Checkpoints] = Checkpoints) -> None:
        self._folder, self._tries, self._kind = folder, 0, kind
        self.parts: list[bytes] = []
        self.files: dict[str, Path] = {}
        self.anew: list[int] = []
        (folder / "kept").mkdir()

    def keep(self, name: str, path: Path) -> None:
        self.files[name] = Path(shutil.copy(path, self._folder / "kept" / name))

    def attempt(
        self, shots: tuple[int, ...], estimator: CostFree, work: str = "work", dies_at: int = -1, every_s: float = 0
    ) -> tuple[Summary, bytes]:
        self._tries += 1
        folder = self._folder / f"try-{self._tries}"
        folder.mkdir()
        anew = partial(self.anew.append, self._tries)
        checkpoints = self._kind(work, folder, self.keep, dict(self.files), every_s, anew)
        journal = Mortal(folder)
        journal.dies_at = dies_at
        done = run(video(*shots), estimator, [journal], checkpoints)
        self.parts = journal.contents()
        return done, (folder / "journal.txt").read_bytes()


SHOTS = {"one": (120,), "several": (30, 1, 60, 22, 10), "full": (32, 54)}


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize(
    ("shots", "window"),
    [
        *(pytest.param(shots, 32, id=f"{name}-32") for name, shots in SHOTS.items()),
        pytest.param(SHOTS["one"], 1, id="one-1"),
        # Of frames by themselves it matters little where shots end.
        *(pytest.param(SHOTS[name], 1, id=f"{name}-1", marks=pytest.mark.long) for name in ("several", "full")),
    ],
)
def test_whenever_it_is_killed_it_makes_the_same_bytes_without_the_windows_it_had(
    tmp_path: Path, shots: tuple[int, ...], window: int, slow: bool
) -> None:
    """Of a slow network, no window that was done is made again; of a quick one, no more than are in two seconds."""
    again = 0 if slow else 2
    whole = run(video(*shots), CostFree(window), [Journal(tmp_path)])
    expected = (tmp_path / "journal.txt").read_bytes()
    for dies_at in (0, 25, 60, 99, sum(shots) - 1):
        if dies_at >= sum(shots):
            continue
        (folder := tmp_path / f"dies-at-{dies_at}").mkdir()
        store = Store(folder)
        with pytest.raises(Killed):
            store.attempt(shots, CostFree(window, slow), dies_at=dies_at)
        model = CostFree(window, slow)
        done, made = store.attempt(shots, model)
        assert made == expected, dies_at
        assert done.windows == whole.windows - done.before
        assert window == 1 or model.calls == done.windows
        assert (done.frames, done.shots) == (whole.frames, whole.shots)
        assert done.before >= (dies_at - 32) // 22 - again


@pytest.mark.parametrize("every", [45, pytest.param(15, marks=pytest.mark.long)])
@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("shots", SHOTS.values(), ids=SHOTS)
def test_parts_end_where_they_would_have_whenever_it_is_killed_and_whatever_of_it_was_kept(
    tmp_path: Path, shots: tuple[int, ...], slow: bool, every: int
) -> None:
    whole = Journal(tmp_path)
    run(video(*shots), CostFree(slow=slow), [whole])
    for dies_at in range(15, sum(shots), every):
        (folder := tmp_path / f"dies-at-{dies_at}").mkdir()
        store = Store(folder, EverySecond)
        with pytest.raises(Killed):
            store.attempt(shots, CostFree(slow=slow), dies_at=dies_at)
        store.attempt(shots, CostFree(slow=slow))
        assert store.parts == whole.contents(), dies_at


@pytest.mark.parametrize("slow", [True, False])
def test_killed_in_window_five_of_nine_it_infers_the_last_five(tmp_path: Path, slow: bool) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((198,), CostFree(slow=slow), dies_at=90)  # the first frame that is final with the fifth is 90
    done, _ = store.attempt((198,), CostFree())
    assert (done.before, done.windows) == (4, 5)


def test_outputs_seal_at_the_first_window_and_then_every_two_seconds_or_at_each_where_the_network_is_slow(
    tmp_path: Path,
) -> None:
    ends = {True: [24, 46, 68, 90, 112, 134, 150, 180], False: [24, 90, 150, 180]}
    for slow, expected in ends.items():
        journal = Journal(tmp_path)
        run(video(150, 30), CostFree(slow=slow), [journal])
        parts = [part.count(b"\n") for part in journal.contents()]
        assert np.cumsum(parts).tolist() == expected


def test_it_may_be_killed_again_and_again(tmp_path: Path) -> None:
    run(video(200), CostFree(), [Journal(tmp_path)])
    store = Store(tmp_path)
    for dies_at in (50, 60, 120, 190):
        with pytest.raises(Killed):
            store.attempt((200,), CostFree(), dies_at=dies_at)
    _, made = store.attempt((200,), CostFree())
    assert made == (tmp_path / "journal.txt").read_bytes()


def test_it_is_kept_no_more_often_than_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.attempt((200,), CostFree(), every_s=3600)
    assert not store.files


def test_what_is_kept_grows_by_the_parts_alone(tmp_path: Path) -> None:
    sizes = []
    for count in (100, 400):
        (folder := tmp_path / str(count)).mkdir()
        store = Store(folder)
        with pytest.raises(Killed):
            store.attempt((count,), CostFree(), dies_at=count - 1)
        sizes.append(store.files["checkpoint.npz"].stat().st_size)
    assert sizes[1] <= sizes[0] + 2000


@pytest.mark.parametrize("window", [32, 1])
def test_other_work_is_not_taken_up(tmp_path: Path, window: int) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((100,), CostFree(window), dies_at=90)
    done, _ = store.attempt((100,), CostFree(window), work="other work")
    assert done.before == 0


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def test_parts_of_another_try_are_not_taken_for_those_that_a_state_was_kept_with(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((100,), CostFree(), dies_at=90)
    state = store.files["checkpoint.npz"].read_bytes()
    with pytest.raises(Killed):
        store.attempt((30, 100), CostFree(), work="other work", dies_at=90)
    store.files["checkpoint.npz"].write_bytes(state)
    done, _ = store.attempt((100,), CostFree())
    assert done.before == 0


def test_who_begins_anew_says_so_and_who_goes_on_does_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((100,), CostFree(), dies_at=90)
    store.attempt((100,), CostFree())
    store.attempt((100,), CostFree(), work="other work")
    assert store.anew == [1, 3]


DAMAGE: dict[str, Callable[[Path], None]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": cut_off,
    "gone": lambda path: path.unlink(),
    "something else": lambda path: path.write_bytes(b"PK" + bytes(1000)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["checkpoint.npz", "checkpoint-00001.zip"])
def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path: Path, damage: Callable[[Path], None], name: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((100,), CostFree(), dies_at=90)
    damage(store.files[name])
    done, _ = store.attempt((100,), CostFree())
    assert done.before == 0 and done.frames == 100


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_of_a_checkpoint_whose_last_parts_are_damaged_nothing_is_left(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    store = Store(tmp_path)
    with pytest.raises(Killed):
        store.attempt((100,), CostFree(), dies_at=90)
    damage(store.files["checkpoint-00002.zip"])
    (folder := tmp_path / "empty").mkdir()
    assert Checkpoints("work", folder, store.keep, store.files).found() is None
    assert not list(folder.iterdir())


@pytest.mark.parametrize("of", ["checkpoint.npz", "checkpoint-00001.zip"])
def test_a_disk_that_is_full_leaves_nothing_of_a_checkpoint(
    tmp_path: Path, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: Any, **__: Any) -> NoReturn:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    if of.endswith("npz"):
        monkeypatch.setattr(np, "savez", full)
    else:
        monkeypatch.setattr(zipfile, "ZipFile", full)
    checkpoints = Checkpoints("work", tmp_path, Store(tmp_path).keep)
    (part := tmp_path / "part").write_bytes(b"part")
    checkpoints.sealed([[part]])
    with pytest.raises(OSError, match="No space"):
        checkpoints.put(Place(), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "part"]
