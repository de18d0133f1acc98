"""SPZ inside a GLB: KHR_gaussian_splatting_compression_spz_2, a draft."""

from dataclasses import replace

import numpy as np

from ..cloud import GaussianCloud
from ..compiled import F32
from ..errors import MalformedFileError
from ..gltf.accessors import FLOAT, UNSIGNED_BYTE, view_bytes
from ..gltf.container import Container, Json
from ..losses import Loss
from ..reach import within_reach
from ..source import Source
from ..stream import Places, Rows, SoundStream, Stream
from ..turning import flipped
from . import spz
from .glb_names import harmonic_names
from .glb_writing import Attribute, position_attribute, splat_attribute

SPZ_EXTENSION = "KHR_gaussian_splatting_compression_spz_2"
SPZ_EXTENSIONS = (SPZ_EXTENSION, "KHR_gaussian_splatting_compression_spz")
"""The one written, and the name of its first draft, which is read too."""

_VERSION = 2
_GLTF_TO_SPZ = np.array([-1.0, 1.0, -1.0])
_OPENCV_TO_SPZ = np.array([-1.0, -1.0, 1.0])


def spz_and_attributes(stream: SoundStream, losses: list[Loss]) -> tuple[bytes, list[Attribute]]:
    """The SPZ file, and the attributes that it stands for."""
    stream, strays = within_reach(stream, spz.ROOM)
    losses += strays
    encoded = spz.write(_in_axes_of_spz(stream), version=_VERSION)
    data = b"".join(encoded.chunks)
    losses += encoded.losses
    attributes = [
        position_attribute(stream.places, 1),
        Attribute("COLOR_0", {"componentType": UNSIGNED_BYTE, "type": "VEC4", "normalized": True}),
        splat_attribute("ROTATION", FLOAT, "VEC4"),
        splat_attribute("SCALE", FLOAT, "VEC3"),
        splat_attribute("OPACITY", FLOAT, "SCALAR"),
        *(Attribute(name, {"componentType": FLOAT, "type": "VEC3"}) for name in harmonic_names(stream.sh_degree)),
    ]
    return data, attributes


def _in_axes_of_spz(stream: SoundStream) -> SoundStream:
    signs = _OPENCV_TO_SPZ.astype(np.float32)

    def means(rows: Rows) -> F32:
        return stream.means(rows) * signs

    turned = stream.changed(lambda block: flipped(block, _OPENCV_TO_SPZ))
    return replace(turned, decode_means=means, places=Places(means, stream.places.slices))


def read_spz(file: Container, packed: Json, count: int, losses: list[Loss], where: str) -> GaussianCloud:
    """The Gaussians of an SPZ in glTF's axes. packed: the extension object. count: as the accessors have it."""
    data = view_bytes(file, packed.get("bufferView"))
    decoded = spz.read(Source(data, f"{where}: SPZ"), file.limits, frame="rdf")  # by the draft they are RUB, see glb.py
    losses += decoded.losses
    cloud = decoded.cloud.cloud() if isinstance(decoded.cloud, Stream) else decoded.cloud
    if cloud.count != count:
        raise MalformedFileError(f"{where}: {cloud.count:,} Gaussians in the SPZ, its accessors have {count:,}")
    return flipped(cloud, _GLTF_TO_SPZ)
