"""Depth maps in NumPy's files: written so that a full disk is told, and read though nobody has checked them yet."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write_array(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write an .npy file. Raises OSError, which tells of a full disk as NumPy's own writing does not."""
    held = io.BytesIO()
    np.lib.format.write_array(held, array, allow_pickle=False)
    path.write_bytes(held.getbuffer())


def read_depth_array(path: Path, max_pixels: int) -> npt.NDArray[np.float32]:
    """The depth map, (h, w), of an .npy file; its shape is looked at before memory is taken.

    Raises ValueError where the file is none, or has more pixels than `max_pixels`; OSError where it cannot be read.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # the header is read as Python is, and the file as a ZIP where it says so
        raise ValueError(f"{path.name} is no .npy file of numbers: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise ValueError(f"{path.name} does not hold one array of numbers")
    shape = array.shape[:2] if array.ndim == 3 and array.shape[2] == 1 else array.shape
    if len(shape) != 2 or not 0 < array.size <= max_pixels:
        raise ValueError(f"{path.name} holds an array of shape {array.shape}; a depth map has rows and columns")
    return np.asarray(array, np.float32).reshape(shape)
