"""SPZ inside a GLB: KHR_gaussian_splatting_compression_spz_2, a draft."""

from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import GaussianCloud, Marks
from immichvr_splats.compiled import F32
from immichvr_splats.errors import MalformedFileError
from immichvr_splats.formats import spz
from immichvr_splats.formats.glb.names import harmonic_names
from immichvr_splats.formats.glb.writing import Attribute, position_attribute, splat_attribute
from immichvr_splats.gltf.accessors import FLOAT, UNSIGNED_BYTE, view_bytes
from immichvr_splats.gltf.container import Container, Json
from immichvr_splats.losses import Loss
from immichvr_splats.reach import within_reach
from immichvr_splats.source import Source
from immichvr_splats.stream import Places, Rows, SoundStream, Stream
from immichvr_splats.turning import flipped

SPZ_EXTENSION = "KHR_gaussian_splatting_compression_spz_2"
SPZ_EXTENSIONS = (SPZ_EXTENSION, "KHR_gaussian_splatting_compression_spz")
"""The one written, and the name of its first draft, which is read too."""

_VERSION = 2
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
    marks = Marks(antialiased=stream.marks.antialiased)  # where the cloud stands is told around the SPZ
    return replace(turned, decode_means=means, places=Places(means, stream.places.slices), marks=marks)


def read_spz(file: Container, packed: Json, count: int, losses: list[Loss], where: str) -> GaussianCloud:
    """The Gaussians of an SPZ in glTF's axes. packed: the extension object. count: as the accessors have it."""
    data = view_bytes(file, packed.get("bufferView"))
    decoded = spz.read(Source(data, f"{where}: SPZ"), file.limits, untold="rub")  # as the draft says, see codec.py
    losses += decoded.losses
    cloud = decoded.cloud.cloud() if isinstance(decoded.cloud, Stream) else decoded.cloud
    if cloud.count != count:
        raise MalformedFileError(f"{where}: {cloud.count:,} Gaussians in the SPZ, its accessors have {count:,}")
    if cloud.marks.georeference:
        # It is told of the SPZ's own axes, which the scene turns and moves.
        losses.append(Loss("ignored", f"{where}: where its SPZ stands is not where the scene does: ignored"))
        cloud = replace(cloud, marks=replace(cloud.marks, georeference=()))
    return flipped(cloud, _OPENCV_TO_SPZ)
