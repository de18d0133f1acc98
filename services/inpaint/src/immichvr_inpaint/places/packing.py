"""The pictures of a scene as a dataset: with the depth and the masks of what it shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from immichvr_catalog import SPLAT
from immichvr_common.tasks import Made, MadeFile
from immichvr_scenes import Picture
from immichvr_scenes.datasets import read_dataset, unzip_dataset, write_dataset, zip_dataset
from immichvr_splats import GaussianCloud, read
from immichvr_splats.rendering import render

DATASET = "dataset.zip"
_SEEN = 0.5
"""How opaque a pixel is of which the depth is told, and that counts as known."""


def pack_dataset(
    splat: Path, views: Path, folder: Path, model_key: str, progress: Callable[[float], None] = lambda share: None
) -> Made:
    """`images/ depth/ masks/ transforms.json`, zipped. views: the views.zip of the scene.

    Raises SceneError for what is no such file, SplatError.
    """
    scratch = folder / "packing"
    pictures = read_dataset(unzip_dataset(views, scratch / "views"))
    cloud = read(splat).cloud
    shown = []
    for place, picture in enumerate(pictures):
        shown.append(_with_depth(cloud, picture, scratch / f"{place}.npz"))
        progress(place / len(pictures))
    write_dataset(scratch / "dataset", shown)
    zip_dataset(scratch / "dataset", folder / DATASET)
    shutil.rmtree(scratch)
    file = MadeFile(DATASET, "dataset", "zip", "application/zip")
    return Made(SPLAT, model_key, [file], extends=True)


def _with_depth(cloud: GaussianCloud, picture: Picture, path: Path) -> Picture:
    """The picture with what the scene shows from there, kept at `path` until it is written."""
    drawn = render(cloud, picture.view.for_splats)
    known = drawn.alpha > _SEEN
    np.savez_compressed(path, depth=np.where(known, drawn.depth, 0).astype(np.float32), known=known)
    return replace(picture, depth=partial(_read, path, "depth"), mask=partial(_read, path, "known"))


def _read(path: Path, name: str) -> npt.NDArray[Any]:
    with np.load(path) as stored:
        return np.asarray(stored[name])
