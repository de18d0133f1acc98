"""SHARP on a GPU: from the bytes of a JPEG to those of an SPZ, against upstream's own way to a PLY."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from immichvr_inference.network import Compute, View
from immichvr_networks.sharp import Sharp, upstream
from immichvr_networks.sharp.ellipsoids import covariances, mapped_axes
from immichvr_networks.sharp.network import forward
from immichvr_networks.sharp.packing import to_cloud
from immichvr_networks.sharp.unprojection import photo_camera
from immichvr_splats import GaussianCloud

from immichvr_bench.gpu_photos import jpeg, ply_of, spz_of, view_of
from immichvr_bench.gpu_report import Bench

SECTION = "SHARP"
GAUSSIANS = 2 * 768 * 768
BATCHES = (1, 2, 4, 8)
_FIELDS = ("mean_vectors", "singular_values", "quaternions", "colors", "opacities")


@dataclass(frozen=True)
class Precision:
    """How the forward pass computes. matmul: torch's setting for products of float32 matrices."""

    name: str
    dtype: torch.dtype
    matmul: str = "highest"

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """The region in which this is so."""
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self.matmul)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


SINGLE = Precision("float32", torch.float32)
PRECISIONS = (SINGLE, Precision("float32 with TF32", torch.float32, "high"), Precision("bfloat16", torch.bfloat16))


def measure(bench: Bench) -> None:
    """All rows of this section."""
    _around(bench)
    module: Any = None
    with bench.row(SECTION, "random weights, made on the device") as row:
        bench.in_time()
        module = _module(bench)
        row.other["million parameters"] = sum(one.numel() for one in module.parameters()) / 1e6
    if module is None:
        return
    size = (160, 120) if bench.small else (4032, 3024)
    photo = jpeg(*size)
    ours = _one_photo(bench, module, photo, f"{size[0]} x {size[1]} JPEG ({len(photo) / 1e6:.1f} MB) to SPZ")
    for precision in PRECISIONS[1:]:
        _one_photo(bench, module, photo, f"the same, {precision.name}", precision)
    _against_upstream(bench, module, photo, ours)
    _batches(bench, module, view_of(photo))
    _in_a_row(bench, module, size)


def _module(bench: Bench) -> Any:
    if bench.small:
        return Sharp().tiny().to(bench.device)
    with torch.device(bench.device):
        return upstream.full_random().requires_grad_(False)


def _around(bench: Bench) -> None:
    """What comes after the network, without it: Gaussians of all shapes at random."""
    count = 8192 if bench.small else GAUSSIANS
    with bench.row(SECTION, f"after the network alone, {count:,} random Gaussians") as row:
        means = torch.rand(count, 3, device=bench.device) + torch.tensor([-0.5, -0.5, 1.0], device=bench.device)
        scales = torch.exp(torch.randn(count, 3, device=bench.device) - 5)
        quaternions = torch.randn(count, 4, device=bench.device)
        colors, opacities = torch.rand(count, 3, device=bench.device), torch.rand(count, device=bench.device)
        camera = photo_camera(4032, 3024, 2900.0)
        linear = torch.diag(torch.tensor([0.7, 0.5, 1.0], device=bench.device))
        with torch.inference_mode():
            row.ms["eigen"] = bench.timed(lambda: mapped_axes(linear, scales, quaternions))
            both = bench.timed(lambda: to_cloud(means, scales, quaternions, colors, opacities, camera))
            cloud = to_cloud(means, scales, quaternions, colors, opacities, camera)
        row.ms["pack"] = max(0.0, both - row.ms["eigen"])
        row.ms["PLY"] = bench.timed(lambda: ply_of(cloud))
        row.ms["SPZ"] = bench.timed(lambda: spz_of(cloud))
        row.other["SPZ, MB"] = len(spz_of(cloud)) / 1e6


def _one_photo(bench: Bench, module: Any, photo: bytes, name: str, precision: Precision = SINGLE) -> float:
    """Milliseconds from bytes to bytes; 0 where they could not be measured."""
    compute = Compute(bench.device, precision.dtype)

    def whole() -> bytes:
        [cloud] = Sharp().splats(module, [view_of(photo)], compute)
        return spz_of(cloud)

    with bench.row(SECTION, name) as row, precision.chosen(), torch.inference_mode():
        _phases(bench, module, photo, compute, row.ms)
        row.ms["in all"] = bench.timed(whole)
        row.ms["all but forward"] = row.ms["in all"] - row.ms["forward"]
        row.other["peak, GB"] = bench.peak_mb(whole) / 1e3
    return row.ms.get("in all", 0.0)


def _phases(bench: Bench, module: Any, photo: bytes, compute: Compute, ms: dict[str, float]) -> None:
    """Fills in one after the other, so that what is missing for a later one leaves those before it."""
    ms["decode"] = bench.timed(lambda: view_of(photo))
    view = view_of(photo)
    ms["forward"] = bench.timed(lambda: forward(module, [view], compute))
    gaussians = forward(module, [view], compute)
    means, scales, quaternions, colors, opacities = (getattr(gaussians, name)[0] for name in _FIELDS)
    height, width = view.rgb.shape[:2]
    camera = photo_camera(width, height, view.focal_px)
    linear = torch.diag(torch.tensor([0.7, 0.5, 1.0], device=bench.device))

    def packed() -> GaussianCloud:
        return to_cloud(means, scales, quaternions, colors, opacities, camera)

    ms["eigen"] = bench.timed(lambda: mapped_axes(linear, scales, quaternions))
    ms["pack"] = max(0.0, bench.timed(packed) - ms["eigen"])
    cloud = packed()
    ms["PLY"] = bench.timed(lambda: ply_of(cloud))
    ms["SPZ"] = bench.timed(lambda: spz_of(cloud))


def _against_upstream(bench: Bench, module: Any, photo: bytes, ours_ms: float) -> None:
    if bench.small:
        module = _Shrunk(module)
    predicted: Any = None
    with bench.row(SECTION, "upstream's predict_image") as row, tempfile.TemporaryDirectory() as folder:
        predict_image, load = _upstreams()
        source = Path(folder) / "photo.jpg"
        source.write_bytes(photo)
        bench.in_time()
        image, focal_px = load(source)
        logging.getLogger("sharp").setLevel(logging.ERROR)
        predicted = predict_image(module, image, focal_px, bench.device)  # warms up too
        row.ms["decode"] = bench.clocked(lambda: load(source))
        row.ms["predict_image"] = min(
            bench.clocked(lambda: predict_image(module, image, focal_px, bench.device)) for _ in range(2)
        )
        predicting = sum(row.ms.values())
    if predicted is None:
        return
    with bench.row(SECTION, "upstream's save_ply") as row, tempfile.TemporaryDirectory() as folder:
        from sharp.utils.gaussians import save_ply

        target = Path(folder) / "splat.ply"
        row.ms["save_ply"] = bench.clocked(lambda: save_ply(predicted, focal_px, image.shape[:2], target))
        row.ms["in all"] = predicting + row.ms["save_ply"]
        if ours_ms:
            row.other["times ours"] = row.ms["in all"] / ours_ms
    with bench.row(SECTION, "ours against upstream's, relative") as row:
        bench.in_time()
        row.other |= _differences(bench, module, View(image, focal_px), predicted)


class _Shrunk(torch.nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A tiny network behind a picture of 1536 pixels, which predict_image takes for granted."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.monodepth_model, self.feature_model = inner.monodepth_model, inner.feature_model

    def internal_resolution(self) -> int:
        return 1536

    def forward(self, image: torch.Tensor, factor: torch.Tensor) -> Any:
        size = self.inner.internal_resolution()
        return self.inner(torch.nn.functional.interpolate(image, size=(size, size), mode="area"), factor)


def _upstreams() -> tuple[Callable[..., Any], Callable[[Path], tuple[Any, float]]]:
    """Upstream's functions; its way to decode only where all it needs is there, else ours."""
    from sharp.cli.predict import predict_image

    def load(path: Path) -> tuple[Any, float]:
        try:
            from sharp.utils.io import load_rgb

            image, _, focal_px = load_rgb(path)
        except ModuleNotFoundError:
            view = view_of(path.read_bytes())
            return view.rgb, view.focal_px
        return image, focal_px

    return predict_image, load


def _differences(bench: Bench, module: Any, view: View, predicted: Any) -> dict[str, float | str]:
    """Of our Gaussians to upstream's: the largest, relative; of bfloat16, of 99 Gaussians in 100."""
    [cloud] = Sharp().splats(module, [view], Compute(bench.device, torch.float32))
    [rough] = Sharp().splats(module, [view], Compute(bench.device, torch.bfloat16))
    scales, quaternions = (predicted.singular_values[0].double().cpu(), predicted.quaternions[0].double().cpu())
    means, shapes = predicted.mean_vectors[0].cpu().numpy(), covariances(scales, quaternions)
    return {
        "means differ": f"{_relative(cloud.means, means):.1e}",
        "covariances differ": f"{_relative(_covariances(cloud), shapes.numpy()):.1e}",
        "bfloat16: means differ": f"{_relative(rough.means, means, 0.99):.1e}",
        "bfloat16: covariances differ": f"{_relative(_covariances(rough), shapes.numpy(), 0.99):.1e}",
    }


def _covariances(cloud: GaussianCloud) -> Any:
    scales = torch.from_numpy(cloud.log_scales).double().exp()
    return covariances(scales, torch.from_numpy(cloud.quaternions).double()).numpy()


def _relative(found: Any, expected: Any, share: float = 1.0) -> float:
    rows = len(found)
    error = np.linalg.norm((found - expected).reshape(rows, -1), axis=1)
    return float(np.quantile(error / np.linalg.norm(expected.reshape(rows, -1), axis=1), share))


def _batches(bench: Bench, module: Any, view: View) -> None:
    for precision in (SINGLE, PRECISIONS[-1]):
        compute = Compute(bench.device, precision.dtype)
        for count in BATCHES[:2] if bench.small else BATCHES:
            each = partial(forward, module, [view] * count, compute)
            with bench.row(SECTION, f"forward, batch of {count}, {precision.name}") as row, torch.inference_mode():
                row.ms["per photo"] = bench.timed(each) / count
                row.other["peak, GB"] = bench.peak_mb(each) / 1e3


def _in_a_row(bench: Bench, module: Any, size: tuple[int, int]) -> None:
    """Many photos: the next are decoded and the last are written while one is in the network."""
    photos = [jpeg(*size, seed=seed) for seed in range(1 if bench.small else 4)] * (2 if bench.small else 4)
    for precision in PRECISIONS:
        stream = partial(_stream, module, photos, Compute(bench.device, precision.dtype))
        with bench.row(SECTION, f"{len(photos)} photos in a row, {precision.name}") as row, precision.chosen():
            row.ms["per photo"] = min(bench.clocked(stream) for _ in range(2)) / len(photos)
            row.other["photos/s"] = 1000 / row.ms["per photo"]


def _stream(module: Any, photos: Sequence[bytes], compute: Compute) -> list[bytes]:
    with ThreadPoolExecutor(4) as decoding, ThreadPoolExecutor(2) as writing:
        written = [
            writing.submit(spz_of, Sharp().splats(module, [view], compute)[0]) for view in decoding.map(view_of, photos)
        ]
        return [one.result() for one in written]
