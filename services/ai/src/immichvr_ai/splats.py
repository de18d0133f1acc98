"""A photo becomes Gaussians: by a network that makes them itself, or by lifting its depth."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import immichvr_splats
from immichvr_media import Photo
from immichvr_models import PREFERRED_SPLATS, Cache, Progress, registry
from immichvr_splats import GaussianCloud

from immichvr_ai.depth import DEPTH_MODELS, estimate_depth
from immichvr_ai.depth.choice import at_hand, is_here
from immichvr_ai.depth.networks import depth_map, run_network, view_of
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_ai.lift import Lifted, lift
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, SceneNetwork, SplatNetwork, ViewDepth
from immichvr_ai.runtime import RUNTIME, Runtime

if TYPE_CHECKING:
    import torch

LIFT = "lift-"
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


@dataclass(frozen=True)
class Foreseen:
    """What a network has made of a photo already, together with others. seconds: this photo's share of the time."""

    model_key: str
    cloud: GaussianCloud
    note: str
    seconds: float


def make_splat(
    photo: Photo,
    model: str = "auto",
    *,
    max_gaussians: int | None,
    lifted_gaussians: int = 500_000,
    cache: Cache,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
    accepted: Collection[str] = (),
    inferred: Callable[[str], None] = lambda _: None,
    foreseen: Foreseen | None = None,
) -> Splat:
    """Make the Gaussians of a photo.

    model: one of SPLAT_MODELS, or `auto`: lifting the depth that the photo carries, else a network that makes
    Gaussians and is here, else lifting the best depth there is. max_gaussians: at most so many, where that is asked
    for; lifted_gaussians: of lifting, where it is not. inferred: told which model ran, before anything is lifted.
    foreseen: what `foresee` made of this photo, so that its model does not run again.
    The rest is as in `estimate_depth`. Raises UnknownModel, ModelUnavailable and LiftError; too little memory for a
    model is no error where another of `runtime.settings.fallback` is here.
    """
    maker = _Maker(photo, max_gaussians, lifted_gaussians, cache, progress, runtime, accepted, inferred, foreseen)
    if model == "auto":
        native = [key for key in PREFERRED_SPLATS if photo.depth is None and _makes_splats_here(key, cache, accepted)]
        return _first([*native, f"{LIFT}auto"], maker, ModelUnavailable)
    if model not in (*SPLAT_MODELS, f"{LIFT}auto"):
        raise UnknownModel(f"there is no splat model {model!r}; there are: {', '.join(('auto', *SPLAT_MODELS))}")
    if model.startswith(LIFT):
        return maker(model)
    chain = runtime.settings.fallback.get(model, ())
    instead = [key for key in map(_splat_key, chain) if _makes_splats_here(key, cache, accepted)]
    return _first([model, *instead], maker, NotEnoughMemory)


def foresee(
    photos: Sequence[Photo],
    key: str,
    *,
    cache: Cache,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
    accepted: Collection[str] = (),
) -> list[Foreseen]:
    """Have a network that makes Gaussians of single photos see several at once; for `make_splat`, one by one.

    Raises ModelUnavailable.
    """
    network = NETWORKS[key]
    assert isinstance(network, SplatNetwork)  # noqa: S101  # only such keys come here
    views = [view_of(photo) for photo in photos]
    start = time.perf_counter()

    def work(module: torch.nn.Module, compute: Compute) -> list[GaussianCloud]:
        return network.splats(module, views, compute)

    clouds, note = run_network(key, network, work, cache, progress, runtime, accepted)
    share = (time.perf_counter() - start) / len(photos)
    return [Foreseen(key, cloud, note, share) for cloud in clouds]


@dataclass(frozen=True)
class _Maker:
    """Gaussians of one photo by any model."""

    photo: Photo
    max_gaussians: int | None
    lifted_gaussians: int
    cache: Cache
    progress: Callable[[Progress], None] | None
    runtime: Runtime
    accepted: Collection[str]
    inferred: Callable[[str], None]
    foreseen: Foreseen | None

    def __call__(self, key: str) -> Splat:
        return self._lifted(key.removeprefix(LIFT)) if key.startswith(LIFT) else self._native(key)

    def _lifted(self, key: str) -> Splat:
        depth = estimate_depth(
            self.photo,
            key,
            cache=self.cache,
            progress=self.progress,
            runtime=self.runtime,
            accepted=self.accepted,
        )
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
        network = NETWORKS[key]
        cloud, seen, note = self._made_by(key)
        if cloud is None or cloud.count == 0:
            raise ModelUnavailable(key, "invalid_weights", "the network made no Gaussians")
        self.inferred(key)
        revision = self.cache.registry[key].revision
        if self.max_gaussians is not None and cloud.count > self.max_gaussians:
            cloud = immichvr_splats.lod(cloud, self.max_gaussians)
        focal_px = _focal_of(cloud, self.photo)
        depth = None
        if seen is not None:
            depth = replace(depth_map(self.photo, seen, key, revision), focal_px=focal_px, reason=note)
        return Splat(cloud, network.metric, key, revision, note, focal_px, depth)

    def _made_by(self, key: str) -> tuple[GaussianCloud | None, ViewDepth | None, str]:
        if self.foreseen is not None and self.foreseen.model_key == key:
            return self.foreseen.cloud, None, self.foreseen.note
        network = NETWORKS[key]
        view = view_of(self.photo)

        def work(module: torch.nn.Module, compute: Compute) -> tuple[GaussianCloud | None, ViewDepth | None]:
            if isinstance(network, SceneNetwork):
                scene = network.scene(module, [view], compute, splat=True)
                return scene.cloud, scene.views[0]
            assert isinstance(network, SplatNetwork)  # noqa: S101  # only such keys come here
            return network.splats(module, [view], compute)[0], None

        made, note = run_network(key, network, work, self.cache, self.progress, self.runtime, self.accepted)
        return *made, note


def _first(keys: list[str], maker: _Maker, declining: type[ModelUnavailable]) -> Splat:
    """Gaussians by the first of these models that can run; the last one's error is the caller's."""
    declined: list[str] = []
    for key in keys[:-1]:
        try:
            return _because(declined, maker(key))
        except declining as error:
            declined.append(str(error))
    return _because(declined, maker(keys[-1]))


def _because(declined: list[str], splat: Splat) -> Splat:
    if not declined:
        return splat
    return replace(splat, reason="; ".join([*declined, splat.reason or f"{splat.model_key} was used"]))


def _splat_key(key: str) -> str:
    """The key of splats for a key of a fallback chain, where depth models stand for their lifting."""
    native = key.startswith(LIFT) or isinstance(NETWORKS.get(key), SplatNetwork)
    return key if native else f"{LIFT}{key}"


def _makes_splats_here(key: str, cache: Cache, accepted: Collection[str]) -> bool:
    if key.startswith(LIFT):
        return at_hand(key.removeprefix(LIFT), cache, accepted)
    return isinstance(NETWORKS.get(key), SplatNetwork) and is_here(key, cache, accepted)


def _focal_of(cloud: GaussianCloud, photo: Photo) -> float | None:
    """The focal length that a cloud was made with, in pixels of the photo, where it is not the photo's own."""
    if cloud.camera is None:
        return None
    focal_px = cloud.camera.fx * photo.width / cloud.camera.width
    return None if abs(focal_px / photo.focal.px - 1) < 1e-3 else focal_px
