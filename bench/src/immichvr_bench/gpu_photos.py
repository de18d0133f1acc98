"""Photos for the GPU bench, made here, and the way into and out of a network."""

from __future__ import annotations

import io

import numpy as np
from immichvr_inference.network import View
from immichvr_splats import GaussianCloud, to_bytes
from PIL import Image

_EXIF_DIRECTORY, _FOCAL_LENGTH_35MM = 0x8769, 0xA405


def jpeg(width: int, height: int, seed: int = 0) -> bytes:
    """A JPEG with edges and gradients at every size, about as large as a camera's, focal length 26 mm in EXIF."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64, 256):
        coarse = random.integers(0, 255, (cells, cells, 3), dtype=np.uint8)
        fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        picture += np.asarray(fine, np.float32) / (4 if cells < 64 else 6)
    photo = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    exif = Image.Exif()
    exif.get_ifd(_EXIF_DIRECTORY)[_FOCAL_LENGTH_35MM] = 26
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def view_of(data: bytes) -> View:
    """The photo as a network gets it."""
    from immichvr_media import decode_photo

    photo = decode_photo(data)
    return View(photo.rgb, photo.focal.px)


def ply_of(cloud: GaussianCloud) -> bytes:
    """The file that upstream writes too."""
    return to_bytes(cloud, "ply")


def spz_of(cloud: GaussianCloud) -> bytes:
    """The file of the cloud."""
    return to_bytes(cloud, "spz")
