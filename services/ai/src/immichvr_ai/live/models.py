"""What makes depth or Gaussians of a live frame: any network of the service, or the built-in estimator."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import immichvr_splats
from immichvr_models import Cache, DownloadError, Progress
from immichvr_splats import GaussianCloud

from immichvr_ai.depth.choice import PREFERRED
from immichvr_ai.depth.heuristic import heuristic_depth
from immichvr_ai.depth_map import DepthMap, FloatImage
from immichvr_ai.errors import ModelUnavailable, UnknownModel
from immichvr_ai.lift import lift
from immichvr_ai.live.frames import Picture
from immichvr_ai.live.gaussians import Gaussians, from_cloud
from immichvr_ai.live.packing import LARGEST_DATA, Packed
from immichvr_ai.live.protocol import Output
from immichvr_ai.networks import NETWORKS, Network
from immichvr_ai.networks.base import Compute, DepthNetwork, SplatNetwork, View
from immichvr_ai.runtime import RUNTIME, Runtime

if TYPE_CHECKING:
    import torch

BUILT_IN = "heuristic"
USUAL_RES = 504
"""`process_res` at which a network works at its usual resolution."""
_NATIVE = ("da3-giant", "da3nested-giant-large")
"""Networks that make Gaussians of a single frame quickly enough for a GPU, the quickest first."""
_CAPTURED_GAUSSIANS = 500_000


class LiveModel(Protocol):
    """Makes what is shown of a frame. `see` and `capture` may be called by two threads at once."""

    @property
    def key(self) -> str:
        """What really runs."""
        ...

    @property
    def licence(self) -> str:
        """The name of its licence."""
        ...

    @property
    def makes(self) -> tuple[Output, ...]:
        """The outputs that it can serve."""
        ...

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> Gaussians | FloatImage:
        """Gaussians where the model makes them itself and they are wanted, else depth (h, w). Raises ModelError."""
        ...

    def capture(self, picture: Picture) -> Packed:
        """A splat of full quality as an SPZ file. Raises ModelError, LiftError."""
        ...


@dataclass(frozen=True)
class BuiltIn:
    """The estimator without weights."""

    key: str
    licence: str
    revision: str
    makes: tuple[Output, ...] = ("gaussians", "points", "rgbd")

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> FloatImage:
        """Depth."""
        return heuristic_depth(picture.rgb)

    def capture(self, picture: Picture) -> Packed:
        """The frame lifted as photos are."""
        return _lifted(picture, DepthMap(heuristic_depth(picture.rgb), False, self.key, self.revision))


@dataclass(frozen=True)
class Networked:
    """A network of the registry, run by the process's runtime."""

    key: str
    licence: str
    revision: str
    directory: Path
    network: Network
    runtime: Runtime

    @property
    def makes(self) -> tuple[Output, ...]:
        """Everything where it makes depth; a network of Gaussians alone knows of no disparity."""
        return ("gaussians", "points", "rgbd") if isinstance(self.network, DepthNetwork) else ("gaussians", "points")

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> Gaussians | FloatImage:
        """Its own Gaussians where it makes them, else depth."""
        share = min(1.0, process_res / USUAL_RES)
        if isinstance(self.network, SplatNetwork) and (output == "gaussians" or "rgbd" not in self.makes):
            return from_cloud(self._cloud(picture, share), sh_degree)
        return self._depth(picture, share)

    def capture(self, picture: Picture) -> Packed:
        """At the network's usual resolution: its own Gaussians, or its depth lifted as photos are."""
        if isinstance(self.network, SplatNetwork):
            return _spz(self._cloud(picture, 1.0))
        return _lifted(picture, DepthMap(self._depth(picture, 1.0), self.network.metric, self.key, self.revision))

    def load(self) -> None:
        """Brings it into memory ahead of the first frame."""
        self.runtime.load(self.key, self.directory, self.network)

    def _cloud(self, picture: Picture, share: float) -> GaussianCloud:
        network = self.network
        assert isinstance(network, SplatNetwork)  # noqa: S101  # the callers have looked

        def work(module: torch.nn.Module, compute: Compute) -> GaussianCloud:
            return network.splats(module, [_view(picture)], _slower(compute, share))[0]

        return self.runtime.run(self.key, self.directory, network, work)

    def _depth(self, picture: Picture, share: float) -> FloatImage:
        network = self.network
        assert isinstance(network, DepthNetwork)  # noqa: S101  # see `open_model`

        def work(module: torch.nn.Module, compute: Compute) -> FloatImage:
            return network.depth(module, [_view(picture)], _slower(compute, share))[0].depth

        return self.runtime.run(self.key, self.directory, network, work)


def open_model(
    name: str,
    cache: Cache,
    accepted: Collection[str],
    *,
    on_gpu: bool,
    tiny: bool = False,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
) -> LiveModel:
    """The model of that name, in memory and ready to run; its weights are fetched if need be.

    name: `auto`, a key of the registry, or `lift-<key>` for what makes depth. auto: on a GPU the best network that is
    there, on a CPU the built-in estimator, which alone keeps up. tiny: random weights in a small copy of the
    network, for tests. Raises UnknownModel, ModelUnavailable.
    """
    key = name.removeprefix("lift-")
    if key == "auto":
        key = _automatic(cache, accepted) if on_gpu else BUILT_IN
    if key not in cache.registry:
        raise UnknownModel(f"there is no model {name!r}")
    row = cache.registry[key]
    if key == BUILT_IN:
        return BuiltIn(key, row.licence.name, row.revision)
    network = NETWORKS.get(key)
    if not isinstance(network, DepthNetwork | SplatNetwork):
        raise UnknownModel(f"{key} makes neither depth nor splats of live frames")
    if tiny:
        key, network, directory = f"tiny-{key}", _tiny_of(network), Path("tiny")
    else:
        try:
            directory = cache.ensure(row, progress, accepted=key in accepted)
        except DownloadError as error:
            raise ModelUnavailable(key, error.code, str(error)) from error
    model = Networked(key, row.licence.name, row.revision, directory, network, runtime)
    model.load()
    return model


def _automatic(cache: Cache, accepted: Collection[str]) -> str:
    for key in (*_NATIVE, *PREFERRED):
        if key in NETWORKS and key in cache.registry:
            row = cache.registry[key]
            permitted = row.licence.permissive or key in accepted or key in cache.settings.accepted
            if permitted and cache.state(row) == "ready":
                return key
    return BUILT_IN


def _tiny_of(network: Network) -> Network:
    """The network, but that it loads few and random weights."""
    twin = copy(network)
    vars(twin)["load"] = lambda _: network.tiny()
    return twin


def _view(picture: Picture) -> View:
    return View(picture.rgb, picture.focal_px, picture.focal_known)


def _slower(compute: Compute, share: float) -> Compute:
    return replace(compute, effort=compute.effort * share)


def _lifted(picture: Picture, depth: DepthMap) -> Packed:
    return _spz(lift(picture.rgb, depth, picture.focal_px, _CAPTURED_GAUSSIANS).cloud)


def _spz(cloud: GaussianCloud) -> Packed:
    data = bytes(immichvr_splats.to_bytes(cloud, "spz", version=2))
    if len(data) > LARGEST_DATA:
        kept = immichvr_splats.light(cloud, max_bytes=LARGEST_DATA)
        data, cloud = bytes(immichvr_splats.to_bytes(kept, "spz", version=2)), kept
    return Packed(data, cloud.count, 0)
