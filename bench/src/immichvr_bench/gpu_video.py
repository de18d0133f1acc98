"""Video Depth Anything on a GPU: windows of 32 frames, from decoded frames to maps on this computer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from immichvr_inference.network import Compute
from immichvr_video_depth.networks import NETWORKS

from immichvr_bench.gpu_report import Bench

KEYS = ("vda-small", "vda-large")
WINDOW, NEW = 32, 22
"""Frames of a window, and how many of them are new in it."""
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

Frames = Sequence[npt.NDArray[np.uint8]]


def measure(bench: Bench) -> None:
    """Each network at each precision against single precision; and the small one behind a decoder."""
    frames = _clip(4, 96, 160) if bench.small else _clip(WINDOW, 1080, 1920)
    for key in KEYS[:1] if bench.small else KEYS:
        network: Any = NETWORKS[key]
        module: Any = None
        with bench.row("video", f"{key}: random weights, made on the device") as row:
            bench.in_time()
            module = _module(network, bench)
            row.other["million parameters"] = sum(one.numel() for one in module.parameters()) / 1e6
        if module is not None:
            _precisions(bench, key, module, frames)
            if key == KEYS[0]:
                _with_decoding(bench, key, module)


def _compute(bench: Bench, dtype: torch.dtype) -> Compute:
    return Compute(bench.device, dtype, 0.1 if bench.small else 1.0)


def _module(network: Any, bench: Bench) -> torch.nn.Module:
    with torch.device(bench.device):
        module: torch.nn.Module = network.tiny() if bench.small else network.full_random()
    return module.to(bench.device).requires_grad_(False)


def _precisions(bench: Bench, key: str, module: torch.nn.Module, frames: Frames) -> None:
    network: Any = NETWORKS[key]
    exact: npt.NDArray[np.float32] | None = None
    for name, dtype in _PRECISIONS.items():
        height, width = frames[0].shape[:2]
        with bench.row("video", f"{key}, {len(frames)} frames of {width} x {height}, {name}") as row:
            work = partial(_seen, network, module, frames, _compute(bench, dtype))
            with torch.inference_mode(), _without_tf32():
                made = work()
                row.ms["a window"] = bench.timed(work)
                row.other["new frames/s"] = 1000 * NEW / row.ms["a window"]
                row.other["peak, GB"] = bench.peak_mb(work) / 1e3
            if exact is None:
                exact = made
            else:
                difference = np.abs(made - exact) / exact.std()
                row.other["largest difference, of the depth's deviation"] = float(difference.max())
                row.other["mean difference"] = float(difference.mean())


def _seen(network: Any, module: torch.nn.Module, frames: Frames, compute: Compute) -> npt.NDArray[np.float32]:
    made: npt.NDArray[np.float32] = network.clip_depth(module, [network.prepared(one) for one in frames], compute)
    return made


def _with_decoding(bench: Bench, key: str, module: torch.nn.Module) -> None:
    """An H.264 clip of 1080p from its file to maps, one after the other and not at once, in bfloat16."""
    network: Any = NETWORKS[key]
    with bench.row("video", f"{key}, bfloat16, with decoding") as row, tempfile.TemporaryDirectory() as folder:
        bench.in_time()
        path, count = Path(folder, "clip.mp4"), 8 if bench.small else 3 * NEW
        _write(path, _clip(count, 96, 160) if bench.small else _clip(count, 1080, 1920))
        compute = _compute(bench, torch.bfloat16)

        def work() -> None:
            decoded = [network.prepared(frame) for frame in _decoded(path)]
            for first in range(0, count, NEW):
                window = decoded[first : first + NEW]
                network.clip_depth(module, [*window, *window[: WINDOW - NEW]], compute)

        with torch.inference_mode():
            row.ms["all of it"] = bench.timed(work)
        row.other["frames/s"] = 1000 * count / row.ms["all of it"]


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Single precision that is what it says, so that the others are held against it."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def _clip(frames: int, height: int, width: int) -> list[npt.NDArray[np.uint8]]:
    """Frames with gradients that drift."""
    y, x, c = np.ogrid[:height, :width, :3]
    return [np.asarray(np.abs((4 * x + 3 * y + 7 * t + 85 * c) % 510 - 255), np.uint8) for t in range(frames)]


def _write(path: Path, frames: Frames) -> None:
    import av

    height, width = frames[0].shape[:2]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _decoded(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    import av

    with av.open(path) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
