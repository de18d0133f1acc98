"""PlayCanvas' compressed PLY: `codec.py` reads and writes it and has its layout on top."""

from immichvr_splats.formats.compressed_ply.codec import is_it, read, write

__all__ = ["is_it", "read", "write"]
