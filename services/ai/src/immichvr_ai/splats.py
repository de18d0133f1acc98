"""A photo becomes Gaussians: by a network that makes them itself, or by lifting its depth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import immichvr_splats
from immichvr_depth import DepthMap, Lifted, lift
from immichvr_inference import Compute, Scene, SceneNetwork, SplatNetwork, ViewDepth, view_of
from immichvr_inference.choice import automatic, is_available
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_inference.fallback import first_that_runs
from immichvr_inference.splats import makes_splats, splat_networks, splats_of
from immichvr_media import Photo
from immichvr_models import LIFT, registry
from immichvr_networks import NETWORKS
from immichvr_splats import GaussianCloud

from immichvr_ai.depth import DEPTH_MODELS
from immichvr_ai.depth.by_network import depth_map
from immichvr_ai.depth.estimate import depth_by, depth_instead_of

if TYPE_CHECKING:
    import torch

SPLAT_MODELS = (
    *(model.key for model in registry if isinstance(NETWORKS.get(model.key), SplatNetwork)),
    *(f"{LIFT}{key}" for key in DEPTH_MODELS),
)
"""Every splat model that can be asked for by name."""


@dataclass(frozen=True)
class Splat:
    """The Gaussians of one photo.

    model_key, revision, reason: what made them, and why where it was not the first choice. focal_px: focal length in
    pixels of the photo that belongs to them, None for the photo's own. depth: where the model gives it; lifted: where
    the Gaussians come from it.
    """

    cloud: GaussianCloud
    metric: bool
    model_key: str
    revision: str
    reason: str = ""
    focal_px: float | None = None
    depth: DepthMap | None = None
    lifted: Lifted | None = None

    @property
    def made_by(self) -> str:
        """What made them, in words: of what was lifted, what made the depth."""
        return self.model_key if self.lifted is None or self.depth is None else self.depth.made_by

    def with_reason(self, reason: str) -> Splat:
        """The same, made by this model for another reason, which is also the reason of the depth that was lifted."""
        if self.lifted is None or self.depth is None:
            return replace(self, reason=reason)
        return replace(self, reason=reason, depth=self.depth.with_reason(reason))


@dataclass(frozen=True)
class Precomputed:
    """What a network has made of a photo already, together with others. seconds: this photo's share of the time."""

    model_key: str
    cloud: GaussianCloud
    note: str
    seconds: float


def make_splat(
    photo: Photo,
    model: str,
    context: RunContext,
    *,
    max_gaussians: int | None,
    lifted_gaussians: int = 500_000,
    inferred: Callable[[str], None] = lambda _: None,
    precomputed: Precomputed | None = None,
) -> Splat:
    """Make the Gaussians of a photo.

    model: one of SPLAT_MODELS, or `auto`: lifting the depth that the photo carries, else a network that makes
    Gaussians and is here, else lifting the best depth there is. max_gaussians: at most so many, where that is asked
    for; lifted_gaussians: of lifting, where it is not. inferred: told which model ran, before anything is lifted.
    precomputed: what `precompute` made of this photo, so that its model does not run again.
    Raises UnknownModel, ModelUnavailable and LiftError; too little memory for a model is no error where another of
    the runtime's fallbacks is here.
    """
    maker = _Maker(photo, context, max_gaussians, lifted_gaussians, inferred, precomputed)
    if model == "auto":
        native = splat_networks(context) if photo.depth is None else []
        depths = automatic("depth", context, carried=photo.depth is not None)
        return first_that_runs([*native, *(f"{LIFT}{key}" for key in depths)], maker)
    if model not in SPLAT_MODELS:
        raise UnknownModel(f"there is no splat model {model!r}; there are: {', '.join(('auto', *SPLAT_MODELS))}")
    return first_that_runs([*dict.fromkeys(_with_fallbacks(model, context))], maker, NotEnoughMemory)


def precompute(photos: Sequence[Photo], key: str, context: RunContext) -> list[Precomputed]:
    """Have a network that makes Gaussians of single photos see several at once; for `make_splat`, one by one.

    Raises ModelUnavailable.
    """
    views = [view_of(photo) for photo in photos]
    start = time.perf_counter()
    clouds, note = splats_of(views, key, context)
    share = (time.perf_counter() - start) / len(photos)
    return [Precomputed(key, cloud, note, share) for cloud in clouds]


@dataclass(frozen=True)
class _Maker:
    """Gaussians of one photo by any model."""

    photo: Photo
    context: RunContext
    max_gaussians: int | None
    lifted_gaussians: int
    inferred: Callable[[str], None]
    precomputed: Precomputed | None

    def __call__(self, key: str) -> Splat:
        if not key.startswith(LIFT):
            return self._native(key)
        depth = depth_by(self.photo, self.context, key.removeprefix(LIFT))
        self.inferred(depth.model_key)
        focal_px = depth.focal_px or self.photo.focal.px
        lifted = lift(self.photo.rgb, depth, focal_px, self.max_gaussians or self.lifted_gaussians)
        return Splat(
            cloud=lifted.cloud,
            metric=depth.metric,
            model_key=f"{LIFT}{depth.model_key}",
            revision=depth.revision,
            reason=depth.reason,
            focal_px=depth.focal_px,
            depth=depth,
            lifted=lifted,
        )

    def _native(self, key: str) -> Splat:
        cloud, seen, note = self._made_by(key)
        if cloud is None or cloud.count == 0:
            raise ModelUnavailable(key, "invalid_weights", "the network made no Gaussians")
        self.inferred(key)
        model = self.context.cache.registry[key]
        if self.max_gaussians is not None and cloud.count > self.max_gaussians:
            cloud = immichvr_splats.Reduction(cloud).to(self.max_gaussians)
        focal_px = _focal_of(cloud, self.photo)
        depth = None
        if seen is not None:
            depth = replace(depth_map(self.photo, seen, key, model.revision), focal_px=focal_px, reason=note)
        return Splat(cloud, model.metric, key, model.revision, note, focal_px, depth)

    def _made_by(self, key: str) -> tuple[GaussianCloud | None, ViewDepth | None, str]:
        if self.precomputed is not None and self.precomputed.model_key == key:
            return self.precomputed.cloud, None, self.precomputed.note
        network = self.context.network(key)
        view = view_of(self.photo)
        if not isinstance(network, SceneNetwork):
            [cloud], note = splats_of([view], key, self.context)
            return cloud, None, note

        def work(module: torch.nn.Module, compute: Compute) -> Scene:
            return network.scene(module, [view], compute, splat=True)

        scene, note = self.context.run(key, work)
        return scene.cloud, scene.views[0], note


def _with_fallbacks(model: str, context: RunContext) -> Iterator[str]:
    """A splat model that is asked for by name, and those that run where the memory does not suffice for it.

    Depth that is lifted instead of a network's own Gaussians has fallbacks of its own, which come before the next.
    """
    yield model
    if model.startswith(LIFT):
        yield from (f"{LIFT}{key}" for key in depth_instead_of(model.removeprefix(LIFT), context))
        return
    for key in (_splat_key(one, context) for one in context.runtime.settings.fallback.get(model, ())):
        if _makes_splats_here(key, context):
            yield from _with_fallbacks(key, context) if key.startswith(LIFT) else (key,)


def _splat_key(key: str, context: RunContext) -> str:
    """The key of splats for a key of a fallback chain, where depth models stand for their lifting."""
    native = key.startswith(LIFT) or isinstance(context.network(key), SplatNetwork)
    return key if native else f"{LIFT}{key}"


def _makes_splats_here(key: str, context: RunContext) -> bool:
    if key.startswith(LIFT):
        return is_available(key.removeprefix(LIFT), "depth", context)
    return makes_splats(key, context)


def _focal_of(cloud: GaussianCloud, photo: Photo) -> float | None:
    """The focal length that a cloud was made with, in pixels of the photo, where it is not the photo's own."""
    if cloud.camera is None:
        return None
    focal_px = cloud.camera.fx * photo.width / cloud.camera.width
    return None if abs(focal_px / photo.focal.px - 1) < 1e-3 else focal_px
