"""Decodes photos, reads their focal length and the depth they carry."""

from immichvr_media.carried import CarriedDepth
from immichvr_media.embedding import embed_depth
from immichvr_media.errors import ImageTooLarge, InvalidImage, MediaError, UnsupportedImage
from immichvr_media.focal import FocalLength
from immichvr_media.formats import can_decode
from immichvr_media.limits import DecodeLimits
from immichvr_media.photo import Photo, decode_photo
from immichvr_media.preview import preview_jpeg

__all__ = [
    "CarriedDepth",
    "DecodeLimits",
    "FocalLength",
    "ImageTooLarge",
    "InvalidImage",
    "MediaError",
    "Photo",
    "UnsupportedImage",
    "can_decode",
    "decode_photo",
    "embed_depth",
    "preview_jpeg",
]
