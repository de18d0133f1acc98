"""Niantic's SPZ: `codec.py` reads and writes it and has its layout on top."""

from immichvr_splats.formats.spz.codec import ROOM, head, read, write

__all__ = ["ROOM", "head", "read", "write"]
