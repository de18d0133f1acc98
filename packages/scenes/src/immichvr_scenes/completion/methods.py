"""Who paints what a view misses, behind one interface; and which of them `auto` takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth import GUESS, heuristic_depth
from immichvr_inference import DepthNetwork
from immichvr_inference import View as Photo
from immichvr_inference.choice import automatic, is_available
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel

from immichvr_scenes.completion.aligning import aligned, blended
from immichvr_scenes.completion.carrying import as_bytes, carry_on
from immichvr_scenes.completion.networks import DIFFUSION, LAMA, InpaintNetwork, Job
from immichvr_scenes.completion.networks.painting import Hole
from immichvr_scenes.completion.options import AUTO, CompletionOptions, MethodKey
from immichvr_scenes.completion.patches import paint

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A view that is to be painted. rgb: (h, w, 3), 0 to 1. depth, missing: (h, w). focal_px: of the view."""

    rgb: F32
    depth: F32
    missing: Mask
    focal_px: float


@dataclass(frozen=True, eq=False)
class Painted:
    """A view without holes. rgb: (h, w, 3), 0 to 1. depth: (h, w), > 0 everywhere. Known pixels are as they were."""

    rgb: F32
    depth: F32


class Method(Protocol):
    """Paints views.

    together: all of them are painted from the same cloud; otherwise one after another, each from the cloud with what
    was painted before it. repaints: painting anew what was painted changes it, so that several rounds make sense.
    """

    @property
    def key(self) -> MethodKey: ...
    @property
    def together(self) -> bool: ...
    @property
    def repaints(self) -> bool: ...

    def paint(self, sheets: Sequence[Sheet], job: Job) -> list[Painted]:
        """Every view, whole."""


Estimate = Callable[[F32, float], F32]
"""Depth, (h, w) > 0 on any scale, of a picture, (h, w, 3), taken with that focal length in pixels."""


@dataclass(frozen=True)
class Fill:
    """Without weights: surfaces carried on from the rim, with patches of what is around for texture."""

    key: MethodKey = "fill"
    together: bool = False
    repaints: bool = False

    def paint(self, sheets: Sequence[Sheet], job: Job) -> list[Painted]:
        """One view after another."""
        painted = []
        for number, sheet in enumerate(sheets):
            base, depth = carry_on(sheet.rgb, sheet.depth, sheet.missing)
            painted.append(Painted(paint(base, depth, sheet.missing, job.seed + number), depth))
            job.on_step((number + 1) / len(sheets))
        return painted


@dataclass(frozen=True)
class ByNetwork:
    """A network paints colours; depth is estimated of the painted picture, or carried on."""

    key: MethodKey
    model: str
    context: RunContext
    estimate: Estimate | None
    together: bool = False
    repaints: bool = False
    joint: bool = False

    def paint(self, sheets: Sequence[Sheet], job: Job) -> list[Painted]:
        """All views in one go."""
        network = self.context.network(self.model)
        if not isinstance(network, InpaintNetwork):
            raise ModelUnavailable(self.model, "not_installed", "there is no network here that paints with it")
        holes = [Hole(carry_on(one.rgb, one.depth, one.missing)[0], one.missing) for one in sheets]
        if job.strength < 1:
            holes = [Hole(one.rgb, one.missing) for one in sheets]
        job = Job(job.strength, self.joint, job.seed, job.on_step)
        pictures, _ = self.context.run(self.model, lambda module, compute: network.paint(module, holes, compute, job))
        return [Painted(rgb, depth_of(rgb, sheet, self.estimate)) for rgb, sheet in zip(pictures, sheets, strict=True)]


@dataclass(frozen=True)
class Reference:
    """One view is completed, its depth with it, and what other views still miss after that is completed in the next."""

    painter: Method
    estimate: Estimate
    key: MethodKey = "reference"
    together: bool = False
    repaints: bool = False

    def paint(self, sheets: Sequence[Sheet], job: Job) -> list[Painted]:
        """Painted by the painter, at the depth of the estimate."""
        pictures = self.painter.paint(sheets, job)
        return [
            Painted(one.rgb, depth_of(one.rgb, sheet, self.estimate))
            for one, sheet in zip(pictures, sheets, strict=True)
        ]


def depth_of(rgb: F32, sheet: Sheet, estimate: Estimate | None) -> F32:
    """Depth of a painted view: the estimate, on the scale of what is known, where one fits; else what is carried on."""
    _, carried = carry_on(sheet.rgb, sheet.depth, sheet.missing)
    if estimate is None:
        return carried
    height, width = sheet.missing.shape
    estimated = cv2.resize(estimate(rgb, sheet.focal_px), (width, height), interpolation=cv2.INTER_LINEAR)
    fitted = aligned(np.asarray(estimated, np.float32), sheet.depth, sheet.missing)
    return carried if fitted is None else blended(fitted, carried, sheet.missing)


def method_for(options: CompletionOptions, context: RunContext | None) -> tuple[Method, str]:
    """The method that was asked for, or of AUTO the first that can run here, and why not one before it.

    Raises ModelUnavailable where the one that was asked for needs a model and there is nothing that could run one.
    """
    if options.method != "auto":
        return _made(options.method, options, context), ""
    declined = list[str]()
    for key in AUTO:
        why = _lacking(key, options, context)
        if not why:
            return _made(key, options, context), "; ".join([*declined, f"{key} was used"]) if declined else ""
        declined.append(f"{key}: {why}")
    raise AssertionError("fill needs nothing")


def _lacking(key: MethodKey, options: CompletionOptions, context: RunContext | None) -> str:
    """What a method lacks here; empty where it can run without a download or a question."""
    needs = {"lama": LAMA, "joint-multiview": DIFFUSION, "individual": DIFFUSION}.get(key)
    if needs is not None and (context is None or not is_available(needs, "inpainting", context)):
        return f"the weights of {needs} are not here, or nobody agreed to their licence"
    if key == "reference" and _depth_key(options, context) in ("", GUESS):
        return "no network that estimates depth is here"
    return ""


def _made(key: MethodKey, options: CompletionOptions, context: RunContext | None) -> Method:
    depth_key = _depth_key(options, context)
    if key == "fill":
        return Fill()
    if key == "reference":
        painter: Method = Fill()
        if context is not None and is_available(DIFFUSION, "inpainting", context):
            painter = ByNetwork("individual", DIFFUSION, context, None)
        return Reference(painter, _estimator(depth_key or GUESS, context))
    model = LAMA if key == "lama" else DIFFUSION
    if context is None:
        raise ModelUnavailable(model, "not_installed", "there is nothing here that runs networks")
    estimate = _estimator(depth_key, context) if depth_key not in ("", GUESS) else None
    drawn = model == DIFFUSION
    return ByNetwork(key, model, context, estimate, together=drawn, repaints=drawn, joint=key == "joint-multiview")


def _depth_key(options: CompletionOptions, context: RunContext | None) -> str:
    if options.depth_model or context is None:
        return options.depth_model
    keys = (key for key in automatic("depth", context) if isinstance(context.network(key), DepthNetwork))
    return next((key for key in keys if is_available(key, "depth", context)), "")


def _estimator(key: str, context: RunContext | None) -> Estimate:
    if key == GUESS:
        return lambda rgb, focal_px: heuristic_depth(as_bytes(rgb))
    network = None if context is None else context.network(key)
    if context is None or not isinstance(network, DepthNetwork):
        raise UnknownModel(f"{key!r} is no model that estimates depth here")

    def estimate(rgb: F32, focal_px: float) -> F32:
        photo = Photo(as_bytes(rgb), focal_px)
        [seen], _ = context.run(key, lambda module, compute: network.depth(module, [photo], compute))
        return seen.depth

    return estimate
