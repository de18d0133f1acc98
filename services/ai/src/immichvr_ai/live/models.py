"""What makes depth or Gaussians of a live frame: any network of the service, or the built-in estimator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import immichvr_splats
from immichvr_depth import DepthMap, FloatImage, heuristic_depth, lift
from immichvr_inference import Compute, DepthNetwork, Network, SplatNetwork, View
from immichvr_inference.residency import Runtime
from immichvr_models import Model
from immichvr_splats import GaussianCloud

from immichvr_ai.live.frames import Picture
from immichvr_ai.live.gaussians import Gaussians, from_cloud
from immichvr_ai.live.packing import LARGEST_DATA, Packed
from immichvr_ai.live.protocol import Output

if TYPE_CHECKING:
    import torch

USUAL_RES = 504
"""`process_res` at which a network works at its usual resolution."""
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
    def reason(self) -> str:
        """Why it runs where another was asked for; empty where it is the one."""
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
    reason: str = ""
    makes: tuple[Output, ...] = ("gaussians", "points", "rgbd")

    @property
    def made_by(self) -> str:
        """What it is, in words."""
        return "the built-in estimator"

    def with_reason(self, reason: str) -> BuiltIn:
        """The same, running for another reason."""
        return replace(self, reason=reason)

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> FloatImage:
        """Depth."""
        return heuristic_depth(picture.rgb)

    def capture(self, picture: Picture) -> Packed:
        """The frame lifted as photos are."""
        return _lifted(picture, DepthMap(heuristic_depth(picture.rgb), False, self.key, self.revision))


@dataclass(frozen=True)
class Networked:
    """A network of the registry, run by the process's runtime.

    directory: of its weights. lifts: its depth is lifted, though it may make Gaussians itself.
    """

    key: str
    model: Model
    directory: Path
    network: Network
    runtime: Runtime
    lifts: bool
    reason: str = ""

    @property
    def licence(self) -> str:
        """The name of its licence."""
        return self.model.licence.name

    @property
    def made_by(self) -> str:
        """What it is, in words."""
        return self.key

    def with_reason(self, reason: str) -> Networked:
        """The same, running for another reason."""
        return replace(self, reason=reason)

    @property
    def makes(self) -> tuple[Output, ...]:
        """Everything where it makes depth; a network of Gaussians alone knows of no disparity."""
        return ("gaussians", "points", "rgbd") if isinstance(self.network, DepthNetwork) else ("gaussians", "points")

    def see(self, picture: Picture, output: Output, process_res: int, sh_degree: int) -> Gaussians | FloatImage:
        """Its own Gaussians where it makes them, else depth."""
        share = min(1.0, process_res / USUAL_RES)
        if not self.lifts and (output == "gaussians" or not isinstance(self.network, DepthNetwork)):
            return from_cloud(self._cloud(picture, share), sh_degree)
        return self._depth(picture, share)

    def capture(self, picture: Picture) -> Packed:
        """At the network's usual resolution: its own Gaussians, or its depth lifted as photos are."""
        if not self.lifts:
            return _spz(self._cloud(picture, 1.0))
        depth = self._depth(picture, 1.0)
        return _lifted(picture, DepthMap(depth, self.network.metric, self.key, self.model.revision))

    def _cloud(self, picture: Picture, share: float) -> GaussianCloud:
        network = self.network
        assert isinstance(network, SplatNetwork)  # noqa: S101  # what does not lift makes Gaussians

        def work(module: torch.nn.Module, compute: Compute) -> GaussianCloud:
            return network.splats(module, [_view(picture)], _slower(compute, share))[0]

        return self.runtime.run(self.model, self.directory, work)

    def _depth(self, picture: Picture, share: float) -> FloatImage:
        network = self.network
        assert isinstance(network, DepthNetwork)  # noqa: S101  # what lifts makes depth

        def work(module: torch.nn.Module, compute: Compute) -> FloatImage:
            return network.depth(module, [_view(picture)], _slower(compute, share))[0].depth

        return self.runtime.run(self.model, self.directory, work)


def _view(picture: Picture) -> View:
    return View(picture.rgb, picture.focal_px, picture.focal_known)


def _slower(compute: Compute, share: float) -> Compute:
    return replace(compute, effort=compute.effort * share)


def _lifted(picture: Picture, depth: DepthMap) -> Packed:
    return _spz(lift(picture.rgb, depth, picture.focal_px, _CAPTURED_GAUSSIANS).cloud)


def _spz(cloud: GaussianCloud) -> Packed:
    data = bytes(immichvr_splats.to_bytes(cloud, "spz", version=2))
    if len(data) > LARGEST_DATA:
        kept = immichvr_splats.within_bytes(cloud, max_bytes=LARGEST_DATA)
        data, cloud = bytes(immichvr_splats.to_bytes(kept, "spz", version=2)), kept
    return Packed(data, cloud.count, 0)
