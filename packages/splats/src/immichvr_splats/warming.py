"""Compiling before the first request instead of during it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.conversion import open_cloud, to_bytes
from immichvr_splats.formats import FORMATS
from immichvr_splats.formats.sog import LEVELS, codebook_of, palette_of
from immichvr_splats.gltf import meshopt
from immichvr_splats.lod import Reduction, lod

_SCALAR_BYTES = 4
_VARIANTS: dict[str, tuple[dict[str, object], ...]] = {
    "ksplat": ({"level": 0}, {"level": 2}),
    "glb": ({"encoding": "quantised"}, {"encoding": "spz"}),
    "spz": ({"version": 2}, {"version": 4}, {"order": "morton"}, {"sh_degree": 0}),
}
"""Options that lead to other kernels than the defaults do, by format."""


def warm() -> None:
    """Compile every kernel, or load it from numba's cache on disk."""
    for _ in steps():
        pass


def steps() -> Iterator[None]:
    """The same little by little, for whoever has other things to do between."""
    yield from steps_of(key for key, row in FORMATS.items() if row.can_read and row.can_write)
    yield from steps_of_levels()
    meshopt.decode(memoryview(meshopt.encode(np.zeros((1, 4), np.uint8))), 1, 4, "warming")
    yield
    palette_of(np.eye(40, 3, dtype=np.float32), 9)
    codebook_of(np.arange(2 * LEVELS, dtype=np.float32))
    yield


def steps_of(formats: Iterable[str]) -> Iterator[None]:
    """Those of the kernels that read and write these formats."""
    cloud = _cloud()
    for key in formats:
        for options in ({}, *_VARIANTS.get(key, ())):
            data = to_bytes(cloud, key, **options)
            yield
            for shift in range(_SCALAR_BYTES):  # rows may stand at any alignment, for which there are two kernels
                opened = open_cloud(memoryview(b"\0" * shift + data)[shift:], key)
                opened.write(None, "spz", order="morton")
                yield


def steps_of_levels() -> Iterator[None]:
    """Those of the kernels that merge clouds, seen from a camera and from everywhere, and fit colours to the whole."""
    cloud = _cloud()
    for camera in (cloud.camera, None):
        lod(replace(cloud, camera=camera), 1)
        yield
    Reduction(replace(cloud, sh=cloud.sh[:, :1])).to(1)
    yield


def _cloud() -> GaussianCloud:
    return GaussianCloud(
        means=np.array([[0, 0, 1], [0, 0, 2]], np.float32),
        log_scales=np.zeros((2, 3), np.float32),
        quaternions=np.full((2, 4), 1, np.float32),
        opacity_logits=np.zeros(2, np.float32),
        sh=np.zeros((2, 4, 3), np.float32),
        camera=Camera(fx=1, fy=1, cx=0.5, cy=0.5, width=1, height=1),
    )
