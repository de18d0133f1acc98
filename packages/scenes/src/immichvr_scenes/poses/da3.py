"""Poses by a network that sees many views at once: Depth Anything 3, in chunks that overlap.

Its memory grows with the number of views, so that long sets go through it in parts. Views that two parts share are
there twice, with depth: what they show is the same, which tells the similarity between the parts' worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_inference import network
from immichvr_inference.choice import is_available
from immichvr_inference.context import RunContext
from immichvr_media import decode_photo

from immichvr_scenes.alignment import Similarity, similarity
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.frames import Frame
from immichvr_scenes.poses.placing import placed
from immichvr_scenes.poses.result import Poses, SparsePoints
from immichvr_scenes.progress import Report

if TYPE_CHECKING:
    import torch

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

NETWORKS = ("da3nested-giant-large", "da3-base", "da3-small")
"""Those that are tried, the best first; the first of them is not free for every use."""
_CHUNK, _OVERLAP = 16, 4
_GRID = 24
"""Points along each side of a view, of which its share of the cloud is made, and by which parts are aligned."""
_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class _Placed:
    """A frame in a world. view; points: (n, 3), what a grid of its pixels shows; pixels: (n, 2); weights: (n,)."""

    view: View
    points: F64
    pixels: F64
    weights: F64


def network_here(context: RunContext | None) -> str:
    """The key of the network that would be taken; empty where there is none without a download."""
    if context is None:
        return ""
    return next((key for key in NETWORKS if _is_here(key, context)), "")


def by_network(frames: Sequence[Frame], key: str, context: RunContext, report: Report) -> Poses:
    """All frames, by the network of this key. Raises what it raises."""
    chunks = chunked(len(frames))
    known: dict[int, _Placed] = {}
    metric = True
    for number, chunk in enumerate(chunks):
        report(number / len(chunks), "poses", f"part {number + 1} of {len(chunks)}")
        seen, in_metres = _seen([frames[index] for index in chunk], key, context)
        metric &= in_metres
        shared = [(known[index], one) for index, one in zip(chunk, seen, strict=True) if index in known]
        move = _between(shared)
        for index, one in zip(chunk, seen, strict=True):
            known.setdefault(index, _moved(one, move))
    ordered = [known[index] for index in range(len(frames))]
    scale = 1.0 if metric else None
    views, points = placed([one.view for one in ordered], _points(ordered), scale=scale)
    return Poses(views, (), points, method=key, metric=metric)


def chunked(count: int) -> list[range]:
    """Parts of at most _CHUNK, each sharing _OVERLAP with the one before it."""
    if count <= _CHUNK:
        return [range(count)]
    starts = range(0, count - _OVERLAP, _CHUNK - _OVERLAP)
    return [range(start, min(count, start + _CHUNK)) for start in starts]


def _is_here(key: str, context: RunContext) -> bool:
    return isinstance(context.network(key), network.SceneNetwork) and is_available(key, "depth", context)


def _seen(frames: Sequence[Frame], key: str, context: RunContext) -> tuple[list[_Placed], bool]:
    """The frames in a world of their own, and whether it is in metres."""
    chosen = context.network(key)
    if not isinstance(chosen, network.SceneNetwork):
        raise ValueError(f"{key} does not tell where pictures were taken")
    given = [network.View(decode_photo(frame.path).rgb, frame.focal_px, frame.focal_known) for frame in frames]

    def work(module: torch.nn.Module, compute: network.Compute) -> network.Scene:
        return chosen.scene(module, given, compute, splat=False)

    scene, _ = context.run(key, work)
    placed_frames = [_of_frame(frame, seen) for frame, seen in zip(frames, scene.views, strict=True)]
    return placed_frames, all(seen.metric for seen in scene.views)


def _of_frame(frame: Frame, seen: network.ViewDepth) -> _Placed:
    camera = seen.camera
    if camera is None:
        raise ValueError("the network gives no cameras")
    height, width = seen.depth.shape
    own = Camera(width, height, camera.fx, camera.fy, camera.cx, camera.cy)
    # What the network says is a rotation to single precision only.
    u, _, vt = np.linalg.svd(camera.extrinsic[:3, :3])
    centre = -camera.extrinsic[:3, :3].T @ camera.extrinsic[:3, 3]
    small = View.turned(frame.name, own, centre, u @ vt)
    view = small.scaled(frame.width, frame.height)
    rows, columns = (np.linspace(0, side - 1, _GRID).round().astype(int) for side in (height, width))
    grid = np.ix_(rows, columns)
    points = small.unprojected(seen.depth)[grid].reshape(-1, 3)
    sure = np.ones_like(seen.depth) if seen.confidence is None else seen.confidence
    weights = np.maximum(sure[grid].ravel(), 1e-3) / seen.depth[grid].ravel()
    pixels, _ = view.projected(points)
    return _Placed(view, points, pixels, weights.astype(np.float64))


def _between(shared: Sequence[tuple[_Placed, _Placed]]) -> Similarity:
    """From a part's world to that of those before it, by what shared views show; robust, as networks err at edges."""
    if not shared:
        return Similarity(1.0, np.eye(3), np.zeros(3))
    onto = np.concatenate([known.points for known, _ in shared])
    of = np.concatenate([one.points for _, one in shared])
    first = np.concatenate([np.sqrt(known.weights * one.weights) for known, one in shared])
    weights, move = first, similarity(of, onto, first)
    for _ in range(_ROUNDS):
        left = np.linalg.norm(move.applied(of) - onto, axis=1)
        weights = first / np.maximum(left, 0.2 * np.median(left) + 1e-12)
        move = similarity(of, onto, weights)
    return move


def _moved(one: _Placed, move: Similarity) -> _Placed:
    return _Placed(move.moved(one.view), move.applied(one.points), one.pixels, one.weights)


def _points(frames: Sequence[_Placed]) -> SparsePoints:
    """What the grids show, each point seen by its own view alone."""
    xyz = np.concatenate([one.points for one in frames])
    views = np.repeat(np.arange(len(frames)), [len(one.points) for one in frames])
    seen = np.stack([np.arange(len(xyz)), views], axis=1)
    return SparsePoints(xyz, np.zeros(len(xyz)), seen, np.concatenate([one.pixels for one in frames]))
