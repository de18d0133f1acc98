"""Small JSON records beside the models: checksums that were pinned, files that were verified, what failed."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from immichvr_models.errors import DownloadError, ErrorCode


def read_record(path: Path) -> dict[str, Any]:
    """The record, or an empty one where there is none or it is damaged: every record can be made again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Replace the record as a whole, so that a reader never sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as stream:
        temporary = Path(stream.name)
        try:
            json.dump(content, stream, indent=1, sort_keys=True)
            stream.close()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


class _Failure(BaseModel):
    code: ErrorCode
    message: str
    remedy: str
    at: float
    seconds: float


@dataclass(frozen=True)
class FailureMemory:
    """Remembers, for all processes that share the cache, what failed a moment ago.

    Without it, every photo of a batch would wait for a network that is not there.
    """

    directory: Path
    seconds: float

    def recall(self, *subjects: str) -> DownloadError | None:
        """The failure that still counts for one of these subjects, if any."""
        for subject in subjects:
            try:
                failure = _Failure.model_validate(read_record(self._path(subject)))
            except ValidationError:
                continue
            if 0.0 <= time.time() - failure.at < failure.seconds:
                return DownloadError(failure.code, failure.message, failure.remedy)
        return None

    def remember(self, subject: str, error: DownloadError) -> None:
        """Note a failure. Where that cannot be written down, the next attempt simply pays again."""
        failure = _Failure(
            code=error.code,
            message=str(error),
            remedy=error.remedy,
            at=time.time(),
            seconds=self.seconds * (1 if error.code == "no_network" else 10),
        )
        with contextlib.suppress(OSError):
            write_record(self._path(subject), failure.model_dump())

    def forget(self, *subjects: str) -> None:
        """Try again from now on."""
        for subject in subjects:
            self._path(subject).unlink(missing_ok=True)

    def _path(self, subject: str) -> Path:
        return self.directory / f"{subject}.json"
