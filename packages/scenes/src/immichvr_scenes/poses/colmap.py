"""Poses by structure from motion: COLMAP's incremental mapper, on the CPU, over matches that are there.

Source: Schönberger and Frahm, "Structure-from-Motion Revisited" (2016), through pycolmap.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.errors import NoOverlap
from immichvr_scenes.frames import Dropped, Frame
from immichvr_scenes.poses.matching import LEAST_MATCHES, Matched
from immichvr_scenes.poses.placing import placed
from immichvr_scenes.poses.result import Poses, SparsePoints
from immichvr_scenes.poses.space import check_space
from immichvr_scenes.poses.two_views import by_two_views
from immichvr_scenes.progress import Report

_MOST_PARTS = 5
_WIDEST, _NARROWEST = 16.0, 0.2
"""Degrees between the rays to a point, of the pair that is begun with: COLMAP's own, and what a hand that shakes by
centimetres gives."""
_NARROWER = 4
_LARGEST_IMAGE = 150_000
"""Bytes that the mapper writes of one picture and its points."""
_TELLS_FOCAL = 4
"""Pictures of which the focal length can be told; of fewer any would fit."""


def by_colmap(matched: Matched, parallax: float, folder: Path, threads: int, report: Report) -> Poses:
    """The largest part of the frames that hang together. Raises NoOverlap where none does.

    parallax: degrees that the gate saw between two frames.
    """
    models = _mapped(matched, min(_WIDEST, 2 * parallax), folder, threads, report) if len(matched.frames) > 2 else []
    if not models:
        pair = max(matched.pairs, key=lambda one: one.count)
        seen = by_two_views(matched, pair)
        if seen is not None:
            names = {matched.frames[number].name for number in (pair.first, pair.second)}
            two, common = placed(*seen)
            return Poses(two, dropped(matched, names, set()), common, reprojection_px=float(np.median(common.error)))
        raise NoOverlap(
            "what the pictures have in common does not tell where they were taken: take more of them, from spots that "
            "are a step apart"
        )
    best = max(models, key=lambda model: (model.num_reg_images(), model.num_points3D()))
    views, points = _views(best, matched.frames), _points(best, matched.frames)
    placed_views, placed_points = placed(views, points)
    notes = [split_note(len(views), len(matched.frames), len(models))] if len(models) > 1 else []
    return Poses(
        placed_views,
        dropped(matched, {view.name for view in views}, others=_names(models, best)),
        placed_points,
        reprojection_px=float(best.compute_mean_reprojection_error()),
        notes=tuple(notes),
    )


def split_note(taken: int, of: int, parts: int) -> str:
    """What is told where a set falls apart."""
    return f"the pictures fall into {parts} parts that do not hang together; the largest was taken: {taken} of {of}"


def dropped(matched: Matched, registered: set[str], others: set[str]) -> tuple[Dropped, ...]:
    """Why each frame that is not registered is not. others: names of those in another part."""
    common = [0] * len(matched.frames)
    for pair in matched.pairs:
        for number in (pair.first, pair.second):
            common[number] = max(common[number], pair.count)
    told = []
    for frame, most in zip(matched.frames, common, strict=True):
        if frame.name in registered:
            continue
        if most < LEAST_MATCHES:
            reason = "it has nothing in common with another picture: another place, or too far from the others"
        elif frame.name in others:
            reason = "it is in a part of the pictures that does not hang together with the largest"
        else:
            reason = f"it has {most} points in common with another picture, which do not tell where it was taken"
        told.append(Dropped(frame.source or frame.name, NoOverlap.code, reason))
    return tuple(told)


def _mapped(
    matched: Matched, angle: float, folder: Path, threads: int, report: Report
) -> list[pycolmap.Reconstruction]:
    """Parts that hang together, begun with ever smaller angles until there is one; once with whatever there is."""
    out = folder / "mapped"
    out.mkdir(parents=True, exist_ok=True)
    tried = False
    while angle > _NARROWEST or not tried:
        tried = True
        check_space(out, len(matched.frames) * _LARGEST_IMAGE)
        models = pycolmap.incremental_mapping(
            matched.database,
            folder,
            out,
            _options(angle, len(matched.frames), threads),
            next_image_callback=_counting(len(matched.frames), report),
        )
        found = [model for model in models.values() if model.num_reg_images() >= 2 and model.num_points3D() > 0]
        if found:
            return found
        angle /= _NARROWER
    return []


def _options(angle: float, count: int, threads: int) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = threads, 0
    options.min_model_size, options.max_num_models = 2, _MOST_PARTS
    options.extract_colors = False
    options.ba_refine_focal_length = count >= _TELLS_FOCAL
    options.mapper.init_min_tri_angle = angle
    options.mapper.init_min_num_inliers = 60
    options.mapper.filter_min_tri_angle = min(1.5, angle / 2)
    options.triangulation.min_angle = min(1.5, angle / 2)
    options.mapper.ba_local_min_tri_angle = min(6.0, angle)
    return options


def _counting(count: int, report: Report) -> Callable[[], None]:
    done = 1

    def told() -> None:
        nonlocal done
        done = min(count, done + 1)
        report(done / count, "poses", f"{done} of {count} pictures placed")

    return told


def _views(model: pycolmap.Reconstruction, frames: tuple[Frame, ...]) -> list[View]:
    placed_images = {image.name: image for image in model.images.values() if image.has_pose}
    views = []
    for frame in frames:
        image = placed_images.get(frame.name)
        if image is not None:
            camera = model.cameras[image.camera_id]
            focal, cx, cy = camera.params
            pose = np.eye(4)
            pose[:3] = image.cam_from_world().matrix()
            views.append(View(frame.name, Camera(frame.width, frame.height, focal, focal, cx, cy), pose))
    return views


def _points(model: pycolmap.Reconstruction, frames: tuple[Frame, ...]) -> SparsePoints:
    order = {frame.name: number for number, frame in enumerate(frames)}
    registered = sorted((image for image in model.images.values() if image.has_pose), key=lambda one: order[one.name])
    rows = {number: row for row, number in enumerate(model.points3D)}
    seen, pixels = [], []
    for view, image in enumerate(registered):
        for point in image.get_observation_points2D():
            seen.append((rows[point.point3D_id], view))
            pixels.append(point.xy)
    every = list(model.points3D.values())
    return SparsePoints(
        np.array([point.xyz for point in every]).reshape(-1, 3),
        np.array([point.error for point in every]),
        np.array(seen, np.int64).reshape(-1, 2),
        np.array(pixels).reshape(-1, 2),
    )


def _names(models: list[pycolmap.Reconstruction], best: pycolmap.Reconstruction) -> set[str]:
    return {image.name for model in models if model is not best for image in model.images.values() if image.has_pose}
