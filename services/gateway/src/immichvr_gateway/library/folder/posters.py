"""Pictures of a folder's videos: one frame each, decoded in a process of its own that knows no secret of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from immichvr_gateway.library.errors import PhotoNotFound, PhotoTooLarge, PhotoUnreadable
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.walking import MediaFile

_PROGRAM = "immichvr_video.poster"
_AT_MOST_S = 30.0
_LARGEST_POSTER = 16 * 1024 * 1024
_NEEDED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")


def poster_jpeg(root: Path, file: MediaFile, max_side: int, largest: int) -> bytes:
    """A frame of a video as JPEG, its longer side at most `max_side`; blocks.

    Raises PhotoNotFound, PhotoUnreadable, and PhotoTooLarge above `largest` bytes.
    """
    if file.size > largest:
        raise PhotoTooLarge(file.name, largest)
    try:
        opened = open_below(root, file.place)
    except OSError as error:
        raise PhotoNotFound(file.id) from error
    with opened:
        number = opened.fileno()
        command = [sys.executable, "-m", _PROGRAM, f"/dev/fd/{number}", str(max_side)]
        env = {name: os.environ[name] for name in _NEEDED if name in os.environ}
        try:
            ended = subprocess.run(  # our own program; the file comes as a descriptor
                command, env=env, pass_fds=[number], stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_AT_MOST_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PhotoUnreadable("invalid_video", f"{file.name} cannot be shown: it takes too long") from error
    if ended.returncode == 0 and 0 < len(ended.stdout) <= _LARGEST_POSTER:
        return ended.stdout
    code, _, why = ended.stderr.decode(errors="replace").partition(" ")
    if ended.returncode != 2:  # as the program says it; else the decoder died of what it read
        code, why = "invalid_video", "it cannot be decoded"
    raise PhotoUnreadable(code, f"{file.name} cannot be shown: {why[:300]}")
