"""What a file about one family of networks says of it, and what its networks take and give.

A network knows what goes in and what comes out; device, precision, memory and weights are the runtime's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from immichvr_media import Photo
    from immichvr_splats import Camera, GaussianCloud

    FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One photo as a network gets it.

    rgb: (H, W, 3) uint8, sRGB, upright. focal_px: focal length in pixels of `rgb`. focal_known: False where it is
    a guess, so that a network that estimates it may do better.
    """

    rgb: npt.NDArray[np.uint8]
    focal_px: float
    focal_known: bool = True


@dataclass(frozen=True)
class Compute:
    """What a forward pass runs on.

    dtype: of the autocast region; float32 means none. effort: share of the network's usual input resolution,
    lowered by the runtime after the device ran out of memory.
    """

    device: torch.device
    dtype: torch.dtype
    effort: float = 1.0

    def autocast(self) -> AbstractContextManager[object]:
        """The region of a forward pass, in `dtype` where the device is quicker with it."""
        import torch

        region: AbstractContextManager[object] = torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        )
        return region


@dataclass(frozen=True)
class ViewDepth:
    """The depth of one view.

    depth: (h, w) float32, finite, > 0, larger is farther, the view's aspect ratio; metres where `metric`, else
    with median 2 (of a scene: of its first view). confidence: (h, w) float32, larger is surer, None where the network
    gives none. camera: the pinhole camera that the network estimated, in pixels of the depth map; its extrinsic is the
    identity for the only or first view.
    """

    depth: FloatImage
    metric: bool
    confidence: FloatImage | None = None
    camera: Camera | None = None


@dataclass(frozen=True)
class Scene:
    """Several views of one place, seen together.

    views: in the order in which they were given, on one scale and with cameras in one world, the first view's.
    cloud: Gaussians in that world, where they were wanted and the network makes them.
    """

    views: tuple[ViewDepth, ...]
    cloud: GaussianCloud | None = None


class Network(Protocol):
    """A family of networks, or one size of it.

    metric: what it makes is in metres. bf16: it may run in bfloat16, as its results stay usable; "asked": only where
    a setting says so, as they differ by more than what the network is compared by.
    """

    metric: bool

    @property
    def bf16(self) -> bool | Literal["asked"]: ...

    def load(self, directory: Path) -> torch.nn.Module:
        """Load the weights from the registry's files, on the CPU, in evaluation mode.

        Raises OSError, ValueError or RuntimeError where the files do not make the whole network.
        """

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """The same architecture made small, with random weights: seconds to make and to run on a CPU."""


@runtime_checkable
class DepthNetwork(Network, Protocol):
    """Makes depth from single photos."""

    def depth(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[ViewDepth]:
        """Depth of each of these photos, which have nothing to do with one another."""


@runtime_checkable
class SplatNetwork(Network, Protocol):
    """Makes Gaussians from single photos."""

    def splats(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[GaussianCloud]:
        """A cloud for each of these photos, in OpenCV axes of its camera; metres where `metric`."""


@runtime_checkable
class SceneNetwork(Network, Protocol):
    """Makes depth and poses, and Gaussians where it can, from several views of one place."""

    def scene(self, module: torch.nn.Module, views: Sequence[View], compute: Compute, *, splat: bool) -> Scene:
        """The place that all these views show; splat: Gaussians are wanted too."""


def view_of(photo: Photo) -> View:
    """A photo as networks get it."""
    return View(photo.rgb, photo.focal.px, focal_known=photo.focal.source != "default")
