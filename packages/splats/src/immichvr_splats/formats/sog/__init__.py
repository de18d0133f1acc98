"""PlayCanvas' SOG: `codec.py` reads and writes it and has its layout on top."""

from immichvr_splats.formats.sog.archive import MAGIC, open_archive
from immichvr_splats.formats.sog.codebook import LEVELS, codebook_of, labels_of
from immichvr_splats.formats.sog.codec import head, read, write
from immichvr_splats.formats.sog.files import is_folder, zip_of_folder
from immichvr_splats.formats.sog.metadata import META_NAME
from immichvr_splats.formats.sog.palette import palette_of

__all__ = [
    "LEVELS",
    "MAGIC",
    "META_NAME",
    "codebook_of",
    "head",
    "is_folder",
    "labels_of",
    "open_archive",
    "palette_of",
    "read",
    "write",
    "zip_of_folder",
]
