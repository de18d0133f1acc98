"""glTF binary with KHR_gaussian_splatting: `codec.py` reads and writes it and has its layout on top.

What is glTF's own, and no splats', is in `immichvr_splats.gltf`.
"""

from immichvr_splats.formats.glb.codec import MAGIC, head, read, write
from immichvr_splats.formats.glb.marks import describe_marks, read_marks
from immichvr_splats.formats.glb.names import TO_GLTF

__all__ = ["MAGIC", "TO_GLTF", "describe_marks", "head", "read", "read_marks", "write"]
