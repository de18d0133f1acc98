"""mkkellogg's .ksplat: `codec.py` reads and writes it and has its layout on top."""

from immichvr_splats.formats.ksplat.codec import read, write

__all__ = ["read", "write"]
