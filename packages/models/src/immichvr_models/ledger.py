"""Which files have been checked, and against which checksum."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from immichvr_models.model import Model, ModelFile
from immichvr_models.records import read_record, write_record


@dataclass(frozen=True)
class Ledger:
    """Checksums of model files: the registry's, or the one a file had when it was first downloaded.

    pins: directory of checksums learned at a first download; they outlive the files.
    verified: directory of notes on which files were read and found right, by size and time of last change.
    """

    pins: Path
    verified: Path

    def expected(self, model: Model, file: ModelFile) -> str | None:
        """The sha256 the file must have; None before its first download, where the registry has none."""
        if file.sha256 is not None:
            return file.sha256
        pinned = read_record(self._pins(model)).get(file.path)
        return pinned if isinstance(pinned, str) else None

    def holds(self, directory: Path, model: Model, file: ModelFile, *, by_hand: bool) -> bool:
        """Whether the file is in this directory and is what it must be; it is read only if it has changed.

        by_hand: somebody put the files there on purpose, so that one without a known checksum is trusted.
        """
        path, expected, record = directory / file.path, self.expected(model, file), self._record(directory, model)
        try:
            stamp = _stamp(path)
            note = read_record(record).get(file.path)
            if isinstance(note, dict) and note.get("stamp") == stamp:
                return expected in (None, note.get("sha256"))
            if expected is None and not by_hand:
                return False
            digest = file_sha256(path)
        except OSError:
            return False
        if expected not in (None, digest):
            return False
        with suppress(OSError):  # where nothing can be noted, the file is read again next time
            self._note(record, path, file, digest)
        return True

    def enter(self, directory: Path, model: Model, file: ModelFile, digest: str) -> None:
        """Note a file that was just downloaded, and pin its checksum where the registry has none."""
        if file.sha256 is None:
            write_record(self._pins(model), {**read_record(self._pins(model)), file.path: digest})
        self._note(self._record(directory, model), directory / file.path, file, digest)

    def _note(self, record: Path, path: Path, file: ModelFile, digest: str) -> None:
        write_record(record, {**read_record(record), file.path: {"sha256": digest, "stamp": _stamp(path)}})

    def _record(self, directory: Path, model: Model) -> Path:
        where = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
        return self.verified / f"{model.key}@{model.revision}-{where}.json"

    def _pins(self, model: Model) -> Path:
        return self.pins / f"{model.key}@{model.revision}.json"


def file_sha256(path: Path) -> str:
    """The file's sha256 in lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
