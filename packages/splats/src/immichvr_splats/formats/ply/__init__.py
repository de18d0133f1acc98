"""PLY of Gaussians and of points: `codec.py` reads and writes it and has its layout on top.

`header.py`, `data.py`, `columns.py` and `comments.py` are what all kinds of PLY have in common.
"""

from immichvr_splats.formats.ply.codec import head, read, write
from immichvr_splats.formats.ply.columns import (
    COLOR_NAMES,
    STORED_REST_COUNTS,
    known_names,
    largest_color,
    reach_as_bytes,
    unread,
)
from immichvr_splats.formats.ply.comments import comments_of, marks_in
from immichvr_splats.formats.ply.data import read_elements
from immichvr_splats.formats.ply.header import MAGIC, Element, Header, is_header_with, read_header

__all__ = [
    "COLOR_NAMES",
    "MAGIC",
    "STORED_REST_COUNTS",
    "Element",
    "Header",
    "comments_of",
    "head",
    "is_header_with",
    "known_names",
    "largest_color",
    "marks_in",
    "reach_as_bytes",
    "read",
    "read_elements",
    "read_header",
    "unread",
    "write",
]
