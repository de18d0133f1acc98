"""Where work that is broken off goes on: what the engine knows at a window's end, and what its outputs have sealed.

Kept are `checkpoint.npz`, which each new one replaces, and `checkpoint-00001.zip`, …, which hold the parts that were
sealed between one and the next. The first tells how many of the others there are and the hash of them all, and is kept
after them: those of another try are none of its.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]
Keep = Callable[[str, Path], None]
"""Has a file (its name, where it lies) outlive this process; it may be changed or deleted afterwards."""

STATE = "checkpoint.npz"
_HEADER = "header"
_VERSION = 2


@dataclass(frozen=True)
class Place:
    """How far the work is, at the end of a window.

    index: of the next frame that has not gone into a network. shot: that it belongs to, unless a new one begins with
    it. window: the number of this shot's next window, 0 where nothing of the shot matters any more. keys: indices of
    the frames that the next window knows. waiting: indices of the frames whose depth is not final.
    frames, windows, shots: how many there were.
    """

    index: int = 0
    shot: int = -1
    window: int = 0
    keys: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    frames: int = 0
    windows: int = 0
    shots: int = 0


@dataclass(frozen=True)
class Resumed:
    """An earlier try's last checkpoint. parts: names of files, by output in the order in which they were sealed."""

    place: Place
    arrays: Arrays
    parts: Sequence[Sequence[str]]


@dataclass
class Checkpoints:
    """Keeps checkpoints of one piece of work, and finds those of an earlier try.

    work: whatever decides about the result, in words; a checkpoint of other work is none. folder: where the outputs
    write. kept: what an earlier try kept, by name. every_s: the least time between two. begin_anew: has
    that be forgotten.
    """

    work: str
    folder: Path
    keep: Keep
    kept: Mapping[str, Path] = field(default_factory=dict)
    every_s: float = 20.0
    begin_anew: Callable[[], None] = lambda: None
    _bundles: int = 0
    _hash: str = ""
    _last: float = field(default_factory=time.monotonic)
    _unkept: list[Path] = field(default_factory=list)
    _parts: list[list[str]] = field(default_factory=list)

    def sealed(self, parts: Sequence[Sequence[Path]]) -> None:
        """Notes what the outputs have sealed, a list for each."""
        self._parts = self._parts or [[] for _ in parts]
        for names, paths in zip(self._parts, parts, strict=True):
            names += [path.name for path in paths]
            self._unkept += paths

    def is_due(self) -> bool:
        """Whether the last one is long enough ago."""
        return time.monotonic() - self._last >= self.every_s

    def put(self, place: Place, arrays: Arrays) -> None:
        """Keeps where the work is. Raises what `keep` raises."""
        if self._unkept:
            self._bundles += 1
            self._keep_away(_bundle(self._bundles), self._write_bundle)
            self._unkept = []
        header = {"version": _VERSION, "work": self.work, "parts": self._parts, "place": asdict(place)}
        about = np.array(json.dumps({**header, "bundles": self._bundles, "hash": self._hash}))
        stored = {**arrays, _HEADER: about}
        self._keep_away(STATE, lambda path: np.savez(path, allow_pickle=False, **stored))
        self._last = time.monotonic()

    def found(self) -> Resumed | None:
        """Where an earlier try of the same work was, its parts lying in the folder again; else None."""
        try:
            header, arrays = self._read()
            if header.get("version") != _VERSION or header.get("work") != self.work:
                return None
            place = Place(**{name: _frozen(value) for name, value in header["place"].items()})
            parts = [[str(name) for name in names] for names in header["parts"]]
            bundles, digest = int(header["bundles"]), str(header["hash"])
            self._unpack(bundles, digest, {name for names in parts for name in names})
        except (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile):
            return None
        self._bundles, self._hash, self._parts = bundles, digest, [list(names) for names in parts]
        return Resumed(place, arrays, parts)

    def _read(self) -> tuple[dict[str, Any], Arrays]:
        with np.load(self.kept[STATE], allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name != _HEADER}
            return json.loads(str(stored[_HEADER])), arrays

    def _unpack(self, bundles: int, digest: str, names: set[str]) -> None:
        """Raises KeyError where one is missing, ValueError where they are of another try.

        None of them lies in the folder then, nor after any other error.
        """
        own = {name for name in names if Path(name).name == name}
        try:
            if digest != reduce(_after, (self.kept[_bundle(number)] for number in range(1, bundles + 1)), ""):
                raise ValueError("these are not the bundles that the state was kept with")
            for number in range(1, bundles + 1):
                with zipfile.ZipFile(self.kept[_bundle(number)]) as archive:
                    for name in own & set(archive.namelist()):
                        archive.extract(name, self.folder)
            missing = [name for name in names if not (self.folder / name).is_file()]
            if missing:
                raise KeyError(missing[0])
        except BaseException:
            for name in own:
                (self.folder / name).unlink(missing_ok=True)
            raise

    def _write_bundle(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle, "w") as archive:
            for path in self._unkept:
                archive.write(path, path.name)
        self._hash = _after(self._hash, bundle)

    def _keep_away(self, name: str, write: Callable[[Path], None]) -> None:
        path = self.folder / name
        try:
            write(path)
            self.keep(name, path)
        finally:
            path.unlink(missing_ok=True)


def _bundle(number: int) -> str:
    return f"checkpoint-{number:05}.zip"


def _after(digest: str, bundle: Path) -> str:
    """The hash of bundles, from that of all but the last and the last."""
    with bundle.open("rb") as file:
        return hashlib.sha256(digest.encode() + hashlib.file_digest(file, "sha256").digest()).hexdigest()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
