"""Writing a depth map into a JPEG as GDepth XMP."""

import base64
import hashlib
import io
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from immichvr_media.errors import InvalidImage
from immichvr_media.formats import Format, sniff
from immichvr_media.google_depth import GDEPTH_NAMESPACE
from immichvr_media.jpeg_layout import APP1, Segment, jpeg_layout
from immichvr_media.xmp import EXTENDED_HEADER_SIZE, EXTENDED_SIGNATURE, NOTE_NAMESPACE, STANDARD_SIGNATURE

_APP0 = 0xE0
_LARGEST_PAYLOAD = 65_533
_XMP_SIGNATURES = (STANDARD_SIGNATURE, EXTENDED_SIGNATURE)


def embed_depth(
    jpeg: bytes, depth: npt.NDArray[np.float32], *, near: float, far: float, bits: Literal[8, 16] = 16
) -> bytes:
    """The JPEG with a metric depth map in its XMP (GDepth, RangeInverse, PNG); other XMP in it is dropped.

    depth: (h, w) float32, metres along the optical axis, turned as the JPEG stores its pixels (so not yet
    upright where the EXIF orientation says otherwise); clipped to `near`..`far`.
    Raises InvalidImage where `jpeg` is no JPEG, ValueError where the map or its range is unusable.
    """
    if sniff(jpeg) is not Format.JPEG:
        raise InvalidImage("only a JPEG can take a depth map")
    if not 0 < near < far < np.inf:
        raise ValueError(f"the range is {near} to {far}; 0 < near < far must hold")
    if depth.ndim != 2 or depth.size == 0 or not np.isfinite(depth).all():
        raise ValueError(f"a depth map is (h, w) and finite; this one has shape {depth.shape}")
    segments = jpeg_layout(jpeg).segments
    kept = [segment for segment in segments if not _is_xmp(jpeg, segment)]
    # Readers expect JFIF and EXIF first.
    first = next((i for i, s in enumerate(kept) if not _is_leading(jpeg, s)), len(kept))
    body = segments[-1].end if segments else 2
    return b"".join(
        [
            jpeg[:2],
            *(jpeg[s.at : s.end] for s in kept[:first]),
            *_xmp_segments(_png(depth, near, far, bits), near, far),
            *(jpeg[s.at : s.end] for s in kept[first:]),
            jpeg[body:],
        ]
    )


def _png(depth: npt.NDArray[np.float32], near: float, far: float, bits: Literal[8, 16]) -> bytes:
    metres = np.clip(depth.astype(np.float64), near, far)
    stored = far * (metres - near) / (metres * (far - near))
    levels = np.rint(stored * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    out = io.BytesIO()
    Image.fromarray(levels).save(out, "PNG", compress_level=9)
    return out.getvalue()


def _xmp_segments(png: bytes, near: float, far: float) -> list[bytes]:
    described = (
        f'xmlns:GDepth="{GDEPTH_NAMESPACE}" GDepth:Format="RangeInverse" GDepth:Near="{near!r}" '
        f'GDepth:Far="{far!r}" GDepth:Units="m" GDepth:MeasureType="OpticalAxis" GDepth:Mime="image/png"'
    )
    data = f'GDepth:Data="{base64.b64encode(png).decode()}"'
    whole = STANDARD_SIGNATURE + _packet(f"{described} {data}")
    if len(whole) <= _LARGEST_PAYLOAD:
        return [_app1(whole)]
    extended = _packet(f'xmlns:GDepth="{GDEPTH_NAMESPACE}" {data}')
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    note = f'xmlns:xmpNote="{NOTE_NAMESPACE}" xmpNote:HasExtendedXMP="{guid}"'
    step = _LARGEST_PAYLOAD - EXTENDED_HEADER_SIZE
    parts = [
        EXTENDED_SIGNATURE
        + guid.encode()
        + len(extended).to_bytes(4, "big")
        + offset.to_bytes(4, "big")
        + extended[offset : offset + step]
        for offset in range(0, len(extended), step)
    ]
    return [_app1(STANDARD_SIGNATURE + _packet(f"{described} {note}")), *map(_app1, parts)]


def _packet(attributes: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {attributes}/></rdf:RDF></x:xmpmeta>'
    ).encode()


def _app1(payload: bytes) -> bytes:
    return bytes((0xFF, APP1)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _is_xmp(jpeg: bytes, segment: Segment) -> bool:
    return segment.marker == APP1 and jpeg.startswith(_XMP_SIGNATURES, segment.start)


def _is_leading(jpeg: bytes, segment: Segment) -> bool:
    return segment.marker == _APP0 or (segment.marker == APP1 and jpeg.startswith(b"Exif", segment.start))
