"""Which files have been checked, and against which checksum."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from immichvr_models.content import NotTheFile, judge
from immichvr_models.model import Model, ModelFile
from immichvr_models.records import read_record, write_record

_JUDGED = ""
"""In a record of pins, the key under which stand the paths whose content was judged before; no path is empty."""


@dataclass(frozen=True)
class Ledger:
    """Checksums of model files: the registry's, or the one a file had when it was first downloaded.

    pins: directory of checksums learned at a first download of a file whose content was found plausible; they outlive
        the files.
    verified: directory of notes on which files were read and found right, by size and time of last change.
    """

    pins: Path
    verified: Path

    def expected(self, model: Model, file: ModelFile) -> str | None:
        """The sha256 the file must have; None before its first download, where the registry has none.

        A pin that was made before contents were judged may be that of a login page, and binds nobody.
        """
        if file.sha256 is not None:
            return file.sha256
        pins = read_record(self.pins_of(model))
        pinned = pins.get(file.path)
        return pinned if isinstance(pinned, str) and file.path in _judged(pins) else None

    def holds(self, directory: Path, model: Model, file: ModelFile, *, by_hand: bool) -> bool:
        """Whether the file is in this directory and is what it must be; it is read only if it has changed.

        by_hand: somebody put the files there on purpose, so that one without a known checksum is trusted, if its
        content is plausible.
        """
        path, expected, record = directory / file.path, self.expected(model, file), self._record(directory, model)
        try:
            stamp = _stamp(path)
            note = _noted(read_record(record).get(file.path), stamp)
            if note.get("judged") or (note and file.sha256 is not None):
                return expected in (None, note.get("sha256"))
            if expected is None:
                if not by_hand and not note:
                    return False
                judge(path, path.suffix)
            digest = file_sha256(path)
        except (OSError, NotTheFile):
            return False
        if expected not in (None, digest):
            return False
        with suppress(OSError):  # where nothing can be noted, the file is read again next time
            if expected is None and not by_hand:  # by an earlier version, which judged nothing
                self._pin(model, file, digest)
            self._note(record, path, file, digest)
        return True

    def enter(self, directory: Path, model: Model, file: ModelFile, digest: str) -> None:
        """Note a file that was just downloaded and judged, and pin its checksum where the registry has none."""
        if file.sha256 is None:
            self._pin(model, file, digest)
        self._note(self._record(directory, model), directory / file.path, file, digest)

    def forget(self, model: Model) -> bool:
        """Forget what was learned of a model's files, so that the next download is believed; whether there was any."""
        pins = self.pins_of(model)
        known = bool(_judged(read_record(pins)))
        pins.unlink(missing_ok=True)
        return known

    def pins_of(self, model: Model) -> Path:
        """Where the checksums stand that were learned of a model."""
        return self.pins / f"{model.key}@{model.revision}.json"

    def _pin(self, model: Model, file: ModelFile, digest: str) -> None:
        pins = read_record(self.pins_of(model))
        judged = sorted({*_judged(pins), file.path})
        write_record(self.pins_of(model), {**pins, file.path: digest, _JUDGED: judged})

    def _note(self, record: Path, path: Path, file: ModelFile, digest: str) -> None:
        write_record(
            record, {**read_record(record), file.path: {"sha256": digest, "stamp": _stamp(path), "judged": True}}
        )

    def _record(self, directory: Path, model: Model) -> Path:
        where = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
        return self.verified / f"{model.key}@{model.revision}-{where}.json"


def _noted(note: Any, stamp: list[int]) -> dict[str, Any]:
    """The note of a file that has not changed since, else nothing."""
    return note if isinstance(note, dict) and note.get("stamp") == stamp else {}


def _judged(pins: dict[str, Any]) -> list[str]:
    judged = pins.get(_JUDGED)
    return [path for path in judged if isinstance(path, str)] if isinstance(judged, list) else []


def file_sha256(path: Path) -> str:
    """The file's sha256 in lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
