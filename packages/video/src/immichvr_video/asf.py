"""Whether an ASF file (WMV) is encrypted, as shops did it: its header says so, and its packets look like damage.

Advanced Systems Format (ASF) Specification, revision 01.20.05, sections 2.1, 3.1, 3.14, 3.15 and 10.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

_HEADER: Final = UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_ENCRYPTION: Final = {
    UUID("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e").bytes_le,  # Content Encryption Object
    UUID("298ae614-2622-4c17-b935-dae07ee9289c").bytes_le,  # Extended Content Encryption Object
    UUID("43058533-6981-49e6-9b74-ad12cb86d58c").bytes_le,  # Advanced Content Encryption Object
}
_OBJECT = 24  # a GUID and a size
_MOST_OBJECTS = 1000


def is_encrypted(path: Path) -> bool:
    """Whether this is an ASF file whose header has an object about encryption."""
    with path.open("rb") as file:
        guid, _ = _object(file)
        if guid != _HEADER:
            return False
        end = path.stat().st_size
        at = _OBJECT + 6  # how many objects follow, and two reserved bytes
        for _ in range(_MOST_OBJECTS):
            if at > end:
                return False
            file.seek(at)
            guid, size = _object(file)
            if guid in _ENCRYPTION:
                return True
            if size < _OBJECT:
                return False
            at += size
    return False


def _object(file: BinaryIO) -> tuple[bytes, int]:
    """The GUID and the size of an object; a size of 0 where the file ends."""
    head = file.read(_OBJECT)
    return head[:16], int.from_bytes(head[16:], "little") if len(head) == _OBJECT else 0
