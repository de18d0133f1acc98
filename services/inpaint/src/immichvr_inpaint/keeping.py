"""What of a job outlives its attempt: previews to be looked at, and states from which the next attempt goes on."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from immichvr_common.keeping import keep
from immichvr_common.tasks import Task
from immichvr_scenes.training import Preview
from PIL import Image

from immichvr_inpaint.kinds import SENT

PICTURE, SPLAT = "preview.jpg", "preview.spz"
_STATE = "checkpoint.bin"
_QUALITY = 85


class Keeper:
    """Of one task."""

    def __init__(self, task: Task) -> None:
        self._folder, self._kept = task.folder, task.kept

    def preview(self, seen: Preview) -> None:
        """Keeps how a scene looks so far, as a picture and as a light splat."""
        self.picture(seen.rgb)
        self._put(SPLAT, seen.spz)

    def picture(self, rgb: npt.NDArray[Any]) -> None:
        """Keeps a picture, (h, w, 3) uint8, of how it looks so far."""
        path = self._folder / PICTURE
        path.unlink(missing_ok=True)
        Image.fromarray(rgb).save(path, quality=_QUALITY)
        keep(PICTURE, path)

    def checkpoint(self, state: bytes) -> None:
        """Keeps the state of a training."""
        self._put(_STATE, state, resumes=True)

    def earlier(self) -> bytes | None:
        """The state that an earlier attempt kept last."""
        path = self._kept.get(_STATE)
        return None if path is None else path.read_bytes()

    def sent(self, what: bytes) -> None:
        """Keeps what is being done elsewhere, and paid for."""
        self._put(SENT, what, resumes=True)

    def sent_before(self) -> bytes | None:
        """What an earlier attempt kept of that."""
        path = self._kept.get(SENT)
        return None if path is None else path.read_bytes()

    def _put(self, name: str, data: bytes, *, resumes: bool = False) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)  # what was kept under this name is a link to the file that was there
        path.write_bytes(data)
        keep(name, path, resumes=resumes)
