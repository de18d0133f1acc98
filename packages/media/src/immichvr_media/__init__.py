"""Decodes photos, reads their focal length and the depth they carry."""

from immichvr_media.about import About
from immichvr_media.carried import CarriedDepth
from immichvr_media.embedding import embed_depth
from immichvr_media.errors import ImageTooLarge, ImageTooSmall, InvalidImage, MediaError, NotFlat, UnsupportedImage
from immichvr_media.focal import FocalLength
from immichvr_media.formats import can_decode
from immichvr_media.header import PhotoHeader, SidecarHeader, read_photo_header, read_sidecar
from immichvr_media.limits import DecodeLimits
from immichvr_media.motion import Clip
from immichvr_media.movie import MovieHeader, read_movie_header
from immichvr_media.photo import Photo, decode_photo
from immichvr_media.preview import preview_jpeg
from immichvr_media.projection import is_flat

__all__ = [
    "About",
    "CarriedDepth",
    "Clip",
    "DecodeLimits",
    "FocalLength",
    "ImageTooLarge",
    "ImageTooSmall",
    "InvalidImage",
    "MediaError",
    "MovieHeader",
    "NotFlat",
    "Photo",
    "PhotoHeader",
    "SidecarHeader",
    "UnsupportedImage",
    "can_decode",
    "decode_photo",
    "embed_depth",
    "is_flat",
    "preview_jpeg",
    "read_movie_header",
    "read_photo_header",
    "read_sidecar",
]
